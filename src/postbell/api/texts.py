"""What no text of a request can hold, wherever it stands: refused before anything is done with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import Request

from postbell.api.problems import Refusal, asked_wrongly, escaped, invalid
from postbell.domain.plain import fault_of


async def require_texts(request: Request, *, json: bool) -> None:
    """Raise Refusal for half of a surrogate pair or a NUL in the path, the query and a body of JSON.

    A name of a member may be as bad as what it holds. What is no JSON at all is refused, too.
    """
    given = [(f"path {name}", value) for name, value in request.path_params.items()]
    for name, value in request.query_params.multi_items():
        given += [(f"query {_shown(name)}", name), (f"query {_shown(name)}", value)]
    problems = [asked_wrongly(None, where, fault) for where, text in given if (fault := fault_of(text))]
    if json and await request.body():
        try:
            body = await request.json()
        except (ValueError, RecursionError):
            raise Refusal(status=400, code="malformed", detail="The body is no JSON.") from None
        problems += list(_in_body(body))
    if problems:
        raise invalid(problems)


def require_plain(where: str, text: str) -> None:
    """Raise Refusal for such a text that comes neither in the address nor as JSON."""
    if fault := fault_of(text):
        raise invalid([asked_wrongly(None, where, fault)])


def _in_body(body: object) -> Iterator[dict[str, Any]]:
    """Yield what is wrong with the texts of a body; it may be as deep as it likes."""
    left: list[tuple[tuple[object, ...], object]] = [((), body)]
    while left:
        path, value = left.pop()
        if isinstance(value, str) and (fault := fault_of(value)):
            yield _at(path, fault)
        elif isinstance(value, list):
            left += [((*path, number), each) for number, each in enumerate(value)][::-1]
        elif isinstance(value, dict):
            for name in value:
                if fault := fault_of(name):
                    yield _at((*path, _shown(name)), f"in the name of this member {fault}")
            left += [((*path, _shown(name)), each) for name, each in value.items()][::-1]


def _at(path: tuple[object, ...], fault: str) -> dict[str, Any]:
    pointer = "".join(f"/{escaped(part)}" for part in path)
    return asked_wrongly(pointer, ".".join(map(str, path)) or "body", fault)


def _shown(name: str) -> str:
    """Return a name that can be told."""
    return name.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
