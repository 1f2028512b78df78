"""Errors as problem documents (RFC 9457), from everything that Postbell raises: here alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from postbell.api.commands import in_words_of_the_api
from postbell.errors import (
    BadConfig,
    Conflict,
    DatabaseLocked,
    DiskFull,
    Invalid,
    NotFound,
    PostbellError,
    Problem,
    RateLimited,
    Rejected,
    Stale,
    TryLater,
    Unauthorized,
    Unavailable,
)
from postbell.services.media.receiving import TooLong, WrongSum
from postbell.shapes.base import code_of


MEDIA_TYPE = "application/problem+json"

#: What each error means in HTTP; the first that fits.
_STATUS: tuple[tuple[type[PostbellError], int], ...] = (
    (TooLong, 413),
    (WrongSum, 460),
    (Invalid, 422),
    (NotFound, 404),
    (Conflict, 409),
    (DatabaseLocked, 503),
    (DiskFull, 507),
    (TryLater, 503),
    # The network of an account has refused it, or could not be asked: whoever asks us has done nothing wrong.
    (Unauthorized, 422),
    (Rejected, 422),
    (RateLimited, 503),
    (Unavailable, 503),
    (BadConfig, 409),
)
#: The words of a status that HTTP does not have: it is tus's.
_TITLES = {460: "Checksum Mismatch"}
#: Seconds after which to ask again what could not be done now,
_SOON = 5
#: and what somebody else was faster with.
_AT_ONCE = 1

#: Of what is told by a member of the body of a request, its place there: command line → API.
_POINTERS = {
    "text": "/text",
    "title": "/title",
    "link": "/link",
    "media": "/media",
    "--title": "/title",
    "--link": "/link",
    "--comment": "/comment",
    "--split": "/split",
    "--to": "/to",
    "--at": "/at",
    "--tz": "/zone",
    "--queue": "/queue",
    "--between": "/auto/between",
    "--and": "/auto/until",
    "--not-after": "/not_after",
    "--late-limit": "/late_limit_seconds",
    "--delete-after": "/delete_after_seconds",
    "--name": "/name",
    "--server": "/server",
    "network": "/network",
    "--utm": "/utm",
    "--utm-site": "/utm_sites",
    "--until": "/until",
    "--since": "/since",
    "--downtime": "/downtime",
    "--external-id": "/external_id",
    "--label": "/labels",
    "--account": "/targets",
    "--series": "/targets",
    "TIMES": "/times",
    "--off": "/days_off",
    "RESPONSES": "/responses",
    "--scope": "/scopes",
    "--url": "/url",
    "--events": "/events",
    "--published": "/url",
    "redirect": "/redirect",
}
_PART = r"part \d+|comment"
#: What a post says, or a network or an account in its place: `[sky] part 2: text and link`.
_SAID = re.compile(
    rf"(?:\[(?P<key>[^\]]+)\] )?(?:(?P<part>{_PART})(?:: text.*)?|(?P<what>text|title|link)(?:,? .*)?)"
)
_OVERRIDE = re.compile(rf"(?:(?:{_PART}): )?\[([^\]]+)\](?: (.+))?")


def _said_at(found: re.Match[str]) -> str:
    key, part = found["key"], found["part"]
    number = int(part.removeprefix("part ")) if part and part != "comment" else 1
    inner = f"/segments/{number - 2}" if number > 1 else f"/{found['what'] or 'text'}"
    if part == "comment":
        inner = "/comment" if key else "/comment/text"
    return f"/overrides/{escaped(key)}{inner}" if key else inner


#: Of what has a number or a name of its own, its place in the body.
_PLACES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"--at (\S+)"), lambda found: f"/times/{escaped(found[1])}"),
    (_SAID, _said_at),
    (re.compile(rf"(?:{_PART}): media"), lambda _found: "/media"),
    (re.compile(r"files (\d+)"), lambda found: f"/files/{found[1]}/url"),
    (_OVERRIDE, lambda found: f"/overrides/{escaped(found[1])}{_within_override(found[2])}"),
    (re.compile(r"--(?:set|secret) (\S+)"), lambda found: f"/values/{escaped(found[1])}"),
    (
        re.compile(r"(\w[\w.-]*?)\.([a-z]\w*)((?:\.\w+)*)"),
        lambda found: f"/overrides/{escaped(found[1])}/options/{found[2]}{found[3].replace('.', '/')}",
    ),
    (re.compile(r"(repeat|recycle)"), lambda found: f"/{found[1]}"),
    (re.compile(r"(repeat|recycle) (\w+)(?: .+)?"), lambda found: f"/{found[1]}/{found[2]}"),
    (re.compile(r"variant (\d+)(?:,? .*)?"), lambda found: f"/variants/{int(found[1]) - 1}"),
    (re.compile(r"label (\d+)"), lambda found: f"/labels/{int(found[1]) - 1}"),
)


@dataclass(kw_only=True, eq=False)
class Refusal(Exception):
    """What is refused before any service was asked."""

    status: int
    code: str
    detail: str
    problems: tuple[dict[str, Any], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    #: The detail as the command line would word it, where a service has raised it.
    said: str | None = None


#: What is told of an error that nobody has thought of. What it says may hold values, even secrets.
FAULT = Refusal(
    status=500, code="fault", detail="This is a fault in Postbell; the log of the daemon says more."
)


def refusal_of(error: PostbellError, *, within: str = "") -> Refusal:
    """Return how an error is told; `within` points to the part of the body that it is about."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    found = error.problems if isinstance(error, Invalid) else ()
    problems = tuple(problem_json(problem, within) for problem in found)
    wait = _AT_ONCE if isinstance(error, Stale) else _SOON if status == 503 else None
    return Refusal(
        status=status,
        code=code_of(error),
        detail=told(problems) or in_words_of_the_api(str(error)),
        said=None if problems else str(error),
        problems=problems,
        headers=() if wait is None else (("Retry-After", str(wait)),),
    )


def problem_json(problem: Problem, within: str = "") -> dict[str, Any]:
    """Return one thing that is wrong, with the place in the body where that can be said."""
    pointer = pointer_of(problem.where, within) if problem.file is None else f"{within}/media/{problem.file}"
    return {
        "pointer": pointer,
        "where": problem.where if pointer is None else _in_words(pointer),
        "message": in_words_of_the_api(problem.message),
        "said": problem.message,
        "account": problem.account,
        "option": problem.where,
    }


def told(problems: Iterable[Mapping[str, Any]]) -> str:
    """Return all of these problems in words, a line for each."""
    return "\n".join(
        f"{each['where']}{f' (for {account})' if (account := each['account']) else ''}: {each['message']}"
        for each in problems
    )


def pointer_of(where: str, within: str = "") -> str | None:
    """Return the JSON pointer (RFC 6901) to what the command line calls `where`, if the body has it."""
    if where in _POINTERS:
        return within + _POINTERS[where]
    places = ((pattern.fullmatch(where), place) for pattern, place in _PLACES)
    return next((within + place(found) for found, place in places if found), None)


def place_of(where: str) -> str:
    """Return in words the place of what the command line calls `where`: that in the body, if it is there."""
    pointer = pointer_of(where)
    return where if pointer is None else _in_words(pointer)


def _in_words(pointer: str) -> str:
    return pointer.lstrip("/").replace("/", ".")


def _within_override(option: str | None) -> str:
    return f"/options/{escaped(option)}" if option else ""


def escaped(name: object) -> str:
    """Return a name as a part of a JSON pointer."""
    return str(name).replace("~", "~0").replace("/", "~1")


def refusal_of_schema(errors: Iterable[Mapping[str, Any]]) -> Refusal:
    """Return how it is told that a request has not the shape that it must have; never what it held."""
    problems = []
    for error in errors:
        place, *path = error["loc"]
        if error["type"] == "json_invalid":
            return Refusal(status=400, code="malformed", detail="The body is no JSON.")
        message = f"{str(error['msg']).removeprefix('Value error, ').rstrip('.')}."
        if error["type"] == "extra_forbidden":
            message = "nothing has this name here; /api/v1/openapi.json says what there is."
        if place == "body":
            pointer, where = "".join(f"/{escaped(part)}" for part in path), ".".join(map(str, path)) or "body"
        else:
            pointer, where = None, f"{place} {'.'.join(map(str, path))}"
        problems.append(asked_wrongly(pointer, where, message))
    return invalid(problems)


def asked_wrongly(pointer: str | None, where: str, message: str) -> dict[str, Any]:
    """Return one thing that is wrong with a request itself: no service has seen it."""
    about = {"account": None, "option": None, "said": None}
    return {"pointer": pointer, "where": where, "message": message, **about}


def invalid(problems: Iterable[dict[str, Any]]) -> Refusal:
    """Return how it is told that a request is not valid, with everything that is wrong with it."""
    found = tuple(problems)
    return Refusal(status=422, code="invalid", detail=told(found), problems=found)


def document(refusal: Refusal) -> bytes:
    """Return the body of the answer that tells a refusal."""
    return json.dumps(
        {
            "type": "about:blank",
            "title": _TITLES.get(refusal.status) or HTTPStatus(refusal.status).phrase,
            "status": refusal.status,
            "code": refusal.code,
            "detail": refusal.detail,
            "said": refusal.said,
            "problems": list(refusal.problems),
        },
        ensure_ascii=False,
    ).encode("utf-8", "backslashreplace")
