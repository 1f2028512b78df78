"""Names of the AT Protocol are read as its own examples say, every one of them."""

from __future__ import annotations

import pytest

from postbell.publishing.bluesky.api import POST
from postbell.publishing.bluesky.refs import read_ref
from postbell.publishing.bluesky.syntax import is_language, is_owner, is_record_key
from support.specs import spec


_DID = "did:plc:7iza6de2dwap2sbkpav7c6c6"


def examples(name: str) -> list[str]:
    file = spec(f"bluesky/interop-test-files/syntax/{name}.txt", "the official syntax examples are")
    return [line for line in file.read_text("utf-8").splitlines() if line and not line.startswith("#")]


def names_a_post(address: str) -> bool:
    try:
        read_ref(address, POST)
    except ValueError:
        return False
    return True


def test_every_record_key_is_taken_and_nothing_else() -> None:
    assert [key for key in examples("recordkey_syntax_valid") if not is_record_key(key)] == []
    assert [key for key in examples("recordkey_syntax_invalid") if is_record_key(key)] == []


@pytest.mark.parametrize("kind", ["did", "handle", "atidentifier"])
def test_every_owner_is_taken_and_nothing_else(kind: str) -> None:
    assert [who for who in examples(f"{kind}_syntax_valid") if not is_owner(who)] == []
    # What is no DID can still be a handle.
    handles = {"did.method.val"} if kind == "did" else set()
    assert {who for who in examples(f"{kind}_syntax_invalid") if is_owner(who)} == handles


def test_every_address_of_a_post_is_taken_and_nothing_else() -> None:
    valid = [address for address in examples("aturi_syntax_valid") if f"/{POST}/" in address]
    assert [address for address in valid if not names_a_post(address)] == []
    assert [address for address in examples("aturi_syntax_invalid") if names_a_post(address)] == []
    for key in examples("recordkey_syntax_valid"):
        assert names_a_post(f"at://{_DID}/{POST}/{key}")


def test_every_language_is_taken_and_nothing_else() -> None:
    assert [each for each in examples("language_syntax_valid") if not is_language(each)] == []
    wrong = [*examples("language_syntax_invalid"), *examples("language_parse_invalid")]
    assert [each for each in wrong if is_language(each)] == []


def test_a_long_hostile_language_is_read_to_its_end() -> None:
    for text in ("en" + "-abcde" * 20_000 + "!", "en" + "-a-bb" * 20_000 + "!", "x" + "-a" * 50_000 + "!"):
        assert not is_language(text)
