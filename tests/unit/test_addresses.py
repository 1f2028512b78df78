from __future__ import annotations

import pytest

from postbell.publishing.web.addresses import keeps_secrets


@pytest.mark.parametrize(
    "address",
    [
        "https://pds.example",
        "https://a.example:8443/blog",
        "http://localhost",
        "http://127.0.0.1:2583/x",
        "http://[::1]:80",
    ],
)
def test_secrets_may_be_sent_encrypted_or_within_the_machine(address: str) -> None:
    assert keeps_secrets(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://a.example",
        "http://127.0.0.1.a.example",
        "http://localhost@a.example",
        "https://me@a.example",
        "ftp://localhost",
        "https://",
        "",
    ],
)
def test_secrets_are_not_sent_in_clear_or_to_a_disguised_address(address: str) -> None:
    assert not keeps_secrets(address)
