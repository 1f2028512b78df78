"""How a server of the AT Protocol reads what it is asked, and how it refuses."""

from __future__ import annotations

import json
from typing import Any

import httpx

from support.lexicon import LexiconError, lexicons


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, name: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.name = name
        self.status = status


def read_input(method: str, request: httpx.Request, body: bytes) -> dict[str, Any]:
    if request.headers.get("content-type") != "application/json":
        raise Refusal("InvalidRequest", "Request encoding (Content-Type) is not application/json")
    asked: dict[str, Any] = json.loads(body)
    try:
        lexicons().check_input(method, asked)
    except LexiconError as error:
        raise Refusal("InvalidRequest", str(error)) from None
    return asked


def read_params(method: str, request: httpx.Request) -> dict[str, str]:
    asked = dict(request.url.params)
    try:
        typed = {name: int(value) if name == "limit" else value for name, value in asked.items()}
        lexicons().check_params(method, typed)
    except LexiconError as error:
        raise Refusal("InvalidRequest", str(error)) from None
    return asked
