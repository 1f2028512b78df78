from __future__ import annotations

import base64
import json

import pytest

from postbell.publishing.web.tokens import expiry_of


def _token(payload: object) -> str:
    return f"e30.{base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip('=')}.sig"


@pytest.mark.parametrize("padding", ["", "x", "xx", "xxx"])
def test_a_token_says_when_it_ends(padding: str) -> None:
    assert expiry_of(_token({"exp": 1790000000, "sub": padding})) == 1790000000


DEEP = base64.urlsafe_b64encode(b"[" * 99_999).decode()


@pytest.mark.parametrize(
    "token",
    [
        *("", "opaque", "a.b.c", _token({}), _token([1]), _token({"exp": None})),
        *(_token({"exp": 10**400}), f"e30.{DEEP}.sig"),
    ],
    ids=lambda token: token[:30],
)
def test_a_token_that_does_not_say_has_ended(token: str) -> None:
    assert expiry_of(token) == 0
