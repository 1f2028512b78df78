from __future__ import annotations

import pytest

from postbell.publishing.web.addresses import keeps_secrets, redirect_fault


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


@pytest.mark.parametrize(
    "address",
    [
        "https://app.example.org/back?tenant=1",
        "https://app.example.org:8443",
        "https://192.0.2.1/back",
        "https://[2001:db8::1]:8443/back",
        "http://127.0.0.1:53682/postbell",
        "http://[::1]:53682/postbell",
        "HTTP://LOCALHOST:3000/back",
    ],
)
def test_a_browser_is_sent_back_encrypted_or_within_its_machine(address: str) -> None:
    assert redirect_fault(address) is None


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://app.example.org/back", "in the clear"),
        ("http://127.0.0.1.app.example.org/back", "in the clear"),
        ("http://127.1/back", "in the clear"),
        ("http://192.168.1.5/back", "in the clear"),
        ("http://[::ffff:127.0.0.1]/back", "in the clear"),
        ("http://127.0.0.1@app.example.org/back", "a name or a password"),
        ("https://@app.example.org/back", "a name or a password"),
        ("https://me:secret@app.example.org/back", "a name or a password"),
        ("https://app.example.org/back#there", "holds a #"),
        ("https://app.example.org/back#", "holds a #"),
        *(
            (f"http://127.0.0.1:{port}/back", "no address")
            for port in ("0", "65536", "99999", "8a", "-1", "")
        ),
        *((f"https://{host}/back", "no address") for host in ("", "%31", ".", "a..", "[::1", "[v1.a]", "-a")),
        *(
            (f"{scheme}127.0.0.1/back", "no address")
            for scheme in ("ftp://", "javascript:", "//", "app.mine:/")
        ),
        *(
            (f"https://app.example.org/{sign}", "no address")
            for sign in ("a b", "\t", "\\", "\0", "\u00e9", '"')
        ),
        ("https://\uff11\uff12\uff17.0.0.1/back", "no address"),
        ("", "no address"),
    ],
)
def test_nowhere_else_is_a_code_sent(address: str, why: str) -> None:
    assert why in str(redirect_fault(address))
