"""One request on its way through a route: what it may use, and how it is answered, once."""

from __future__ import annotations

import copy
import functools
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from fastapi import Request
from starlette.responses import Response

from postbell.api.callers import Caller
from postbell.api.problems import MEDIA_TYPE, Refusal, document
from postbell.api.wording import json_for
from postbell.app import App
from postbell.domain.access import Scope, opens
from postbell.services.context import Context
from postbell.store.answers import Answered, find_answer, keep_answer
from postbell.store.unit import Unit


#: The headers that say what is wanted.
_SAYING = ("if-match", "tus-resumable", "upload-length", "upload-metadata", "upload-offset")
#: So long an answer is kept for who asks again with the same Idempotency-Key.
KEPT = timedelta(hours=24)
_KEY = re.compile(r"[!-~]{1,255}")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a route answers."""

    #: What JSON can say; None for no body.
    body: Any = None
    #: The status, where it is not the usual one of the route.
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Names this state of the thing; see `tag_of`.
    tag: str | None = None
    #: Members of the body that are told this once: not kept for who asks again.
    once: Mapping[str, Any] = field(default_factory=dict)
    #: What who asks again is told instead, where nothing of the answer may be kept.
    again: Refusal | None = None
    #: What is answered where that is no JSON, but the bytes of a file.
    whole: Response | None = None


@dataclass(kw_only=True)
class Running:
    """A request that is being carried out."""

    request: Request
    app: App
    caller: Caller
    #: What services are given: all that they store becomes durable together.
    ctx: Context
    unit: Unit
    under_way: set[tuple[str, str]]
    #: Whether the daemon is to be woken at the end.
    rings: bool = False
    #: What is done once everything is durable.
    afterwards: list[Callable[[], None]] = field(default_factory=list)

    def require(self, scope: Scope) -> None:
        """Raise Refusal if the key does not open this too."""
        if not opens(self.caller.scopes, scope):
            raise Refusal(
                status=403,
                code="scope",
                detail=f"This key does not open that; it needs the scope {scope} too.",
            )

    def require_match(self, tag: str) -> None:
        """Raise Refusal if the caller wants to change another state of a thing than the one with this tag."""
        wanted = states_wanted(self.request)
        if wanted is not None and tag not in wanted:
            raise Refusal(
                status=412,
                code="changed",
                detail="It was changed since you have read it; nothing was done. Read it again.",
            )


def states_wanted(request: Request) -> list[str] | None:
    """Return the ETags of the states in which a thing may be changed (If-Match); None if in any."""
    wanted = request.headers.get("if-match")
    return None if wanted is None or wanted.strip() == "*" else [each.strip() for each in wanted.split(",")]


def tag_of(shown: Mapping[str, Any]) -> str:
    """Return the ETag of a thing as it is shown."""
    told = json.dumps(shown, sort_keys=True, default=str).encode()
    return f'"{hashlib.sha256(told).hexdigest()[:24]}"'


async def begin(request: Request) -> Running:
    """Return what a route is given of a request."""
    app: App = request.app.state.postbell()
    unit = Unit(app.ctx.store)
    running = Running(
        request=request,
        app=app,
        caller=request.state.caller,
        ctx=app.ctx,
        unit=unit,
        under_way=request.app.state.under_way,
    )

    def ring() -> None:
        running.rings = True

    def put_off() -> None:
        running.afterwards.append(request.app.state.wake)

    media = copy.copy(app.ctx.media)
    media.put_off = put_off
    # A network is asked in an event loop of its own, as a command does it.
    clients = functools.cache(app.make_clients)
    running.ctx = replace(app.ctx, store=unit, ring=ring, clients=clients, media=media)
    return running


def conclude(running: Running, work: Callable[[], Answer], *, remembered: bool) -> Response:
    """Carry out what is asked and return the answer; what was done is durable then.

    Where it is `remembered` and the request has an Idempotency-Key, that is done once: whoever asks again
    with the same key, and for the same, is given the same answer; or is told that it was done, where the
    answer may not be kept. Nothing is kept of what was refused.
    """
    key = running.request.headers.get("idempotency-key") if remembered else None
    if key is None:
        return _done(running, work, None)
    if not _KEY.fullmatch(key):
        detail = "An Idempotency-Key has 1 to 255 letters, digits and signs of ASCII, and no spaces."
        raise Refusal(status=400, code="malformed", detail=detail)
    name = (running.caller.id, key)
    if name in running.under_way:
        detail = "A request with this Idempotency-Key is under way; ask again."
        raise Refusal(status=409, code="under_way", detail=detail, headers=(("Retry-After", "1"),))
    running.under_way.add(name)
    try:
        return _again(running) or _done(running, work, key)
    finally:
        running.under_way.discard(name)


def answered(request: Request) -> Answered | None:
    """Return what was answered to the wish with this request's Idempotency-Key, if that is known."""
    key, ctx = request.headers.get("idempotency-key"), request.app.state.postbell().ctx
    if key is None:
        return None
    with ctx.store.read() as tx:
        return find_answer(tx, request.state.caller.id, key, ctx.now() - KEPT)


def _done(running: Running, work: Callable[[], Answer], key: str | None) -> Response:
    try:
        with running.unit:
            answer = work()
            response = _response(running, answer)
            if key is not None:
                _remember(running, key, _kept(running, answer))
        for work_left in running.afterwards:
            work_left()
    finally:
        if running.rings:
            running.app.ctx.ring()
    return response


def _again(running: Running) -> Response | None:
    given = answered(running.request)
    if given is None:
        return None
    if given.request != _identity(running.request):
        raise Refusal(
            status=422,
            code="key_used",
            detail="This Idempotency-Key was used for something else. Choose another one.",
        )
    return Response(given.body.encode(), given.status, dict(given.headers))


def _remember(running: Running, key: str, response: Response) -> None:
    now = running.ctx.now()
    given = Answered(
        request=_identity(running.request),
        status=response.status_code,
        headers={name: value for name, value in response.headers.items() if name != "content-length"},
        body=bytes(response.body).decode(),
    )
    with running.unit.write() as tx:
        keep_answer(tx, running.caller.id, key, given, now=now, since=now - KEPT)


def _identity(request: Request) -> str:
    """Return the hash of all that is asked for: of a form what it says, of another body every byte."""
    target = f"{request.method} {request.url.path}?{request.url.query}"
    said = [request.headers.get(name) for name in _SAYING]
    body = getattr(request.state, "form", None) or request.state.body.sha256
    return hashlib.sha256(f"{target} {said} {body}".encode()).hexdigest()


def _kept(running: Running, answer: Answer) -> Response:
    """Return what who asks again is answered."""
    if (told := answer.again) is not None:
        return Response(document(told), told.status, dict(told.headers), media_type=MEDIA_TYPE)
    return _response(running, replace(answer, once={}))


def _response(running: Running, answer: Answer) -> Response:
    if answer.whole is not None:
        return answer.whole
    usual = running.request.scope["route"].status_code
    headers = dict(answer.headers)
    if answer.tag:
        headers["ETag"] = answer.tag
        seen = running.request.headers.get("if-none-match", "")
        if running.request.method == "GET" and answer.tag in [each.strip() for each in seen.split(",")]:
            return Response(status_code=304, headers=headers)
    if answer.body is None:
        return Response(status_code=answer.status or usual, headers=headers)
    body = {**answer.body, **answer.once} if answer.once else answer.body
    said = json_for(running.request, body)
    return Response(said, answer.status or usual, headers, media_type="application/json")
