"""Answers in the words of who asks: services speak as commands do, programs know members and routes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticSerializationError, to_json
from starlette.requests import Request

from postbell.api.commands import in_words_of_the_api
from postbell.api.problems import place_of


#: The members of answers in which Postbell itself speaks, wherever they stand.
OURS = frozenset(
    {
        *("message", "warnings", "notes", "note", "mend", "error", "problems", "troubles", "says"),
        *("health_note", "rest_reason", "reason", "held", "placed_why", "late_reason", "otherwise"),
    }
)
#: Members in which users have chosen the names.
THEIRS = frozenset({"overrides", "options", "values", "utm", "body", "headers"})
#: How a command line asks for its own words: it has no others.
_HEADER = ("postbell-words", "commands")
#: What no answer lacks in which something is to be worded.
_SIGNS = (b"`postbell ", b"--", b'"where":')


def json_for(request: Request, body: Any) -> bytes:
    """Return a body as JSON, what Postbell says in it in the words of who asks."""
    said = _json(body)
    name, commands = _HEADER
    if request.headers.get(name) == commands or not any(sign in said for sign in _SIGNS):
        return said
    return _json(worded(body))


def _json(body: Any) -> bytes:
    """Return a body as JSON; what older versions have taken and is no character is told as `?`."""
    try:
        return to_json(body)
    except PydanticSerializationError:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def worded(told: Any, *, ours: bool = False) -> Any:
    """Return what is told with the words of the HTTP API in all that Postbell says of itself."""
    if isinstance(told, str):
        return in_words_of_the_api(told) if ours else told
    if isinstance(told, Mapping):
        return {name: _member(told, name) for name in told}
    if isinstance(told, list | tuple):
        return [worded(each, ours=ours) for each in told]
    return told


def _member(told: Mapping[str, Any], name: str) -> Any:
    if name == "where" and "message" in told:
        # What has a pointer is a problem document's: its place is told in our words there already.
        return told[name] if "pointer" in told else place_of(told[name])
    return told[name] if name in THEIRS else worded(told[name], ours=name in OURS)
