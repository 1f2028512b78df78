"""What headers of answers say, for the contract."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


#: Of each header, what it says and the type of its value.
_HEADERS = {
    "ETag": ("The state that the thing is in: for If-Match and If-None-Match.", "string"),
    "Link": ('Where a list goes on: `<…>; rel="next"` (RFC 8288). Without it this is the end.', "string"),
    "Location": ("The path of what is new.", "string"),
    "Retry-After": ("After how many seconds to ask again. Without it that would not help.", "integer"),
    "WWW-Authenticate": ("That a key is sent as a bearer token (RFC 6750).", "string"),
}
#: By their names, as the contract has them. All parts of it have the same objects.
HEADERS: Mapping[str, Any] = {
    name: {"description": says, "schema": {"type": kind}} for name, (says, kind) in _HEADERS.items()
}
#: What comes with a status, on whatever route.
_WITH = {
    304: ("ETag",),
    401: ("WWW-Authenticate",),
    409: ("Retry-After",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}


def with_headers(meaning: str, status: int) -> dict[str, Any]:
    """Return how an answer is described that has a meaning, and a status other than 2xx."""
    described: dict[str, Any] = {"description": meaning}
    return described | ({"headers": _named(_WITH[status])} if status in _WITH else {})


def sending(names: Iterable[str], also: Mapping[int | str, Any], status: int) -> dict[int | str, Any]:
    """Return what is described of answers, with these headers where all has gone well."""
    told, found = dict(also), _named(names)
    for code in {status, *(code for code in also if str(code).startswith("2"))} if found else ():
        told[code] = {**told.get(code, {}), "headers": found | told.get(code, {}).get("headers", {})}
    return told


def _named(names: Iterable[str]) -> dict[str, Any]:
    return {name: HEADERS[name] for name in names}
