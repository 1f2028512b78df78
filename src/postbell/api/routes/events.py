"""What happens: in pages, or as it happens."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Header, Query, Request
from pydantic import Field
from starlette.responses import JSONResponse, Response, StreamingResponse

from postbell.api.feed import Feed, go_on
from postbell.api.models import Instant, Shape
from postbell.api.problems import Refusal
from postbell.api.resource import Resource
from postbell.api.wording import worded
from postbell.app import App
from postbell.domain.access import Scope
from postbell.domain.event import EventKind
from postbell.domain.hook import heard
from postbell.errors import Invalid, Problem
from postbell.services.telling.hook_calls import event_json
from postbell.store.events import events_after, last_number


resource = Resource("events", "Events: what happens, in the order in which it does.")

_MOST = 1000
_LARGEST = 2**62

After = Annotated[
    int | None,
    Query(
        description="The number of the last event that is known; without it the first kept.",
        ge=0,
        le=_LARGEST,
    ),
]
Kinds = Annotated[
    str | None,
    Query(
        description="Kinds with commas between them: `post.failed`, `post.*`; all if left out.",
        max_length=1000,
    ),
]
Limit = Annotated[
    int, Query(description="At most so many; of a stream there are as many as happen.", ge=1, le=_MOST)
]
LastEventId = Annotated[
    int | None,
    Header(description="What EventSource sends when it comes back: as `after`.", ge=0, le=_LARGEST),
]


class EventShape(Shape):
    """One thing that happened."""

    id: int = Field(description="Counts up in the order of the changes.")
    type: EventKind = Field(description="What happened, as one word with a dot in it.")
    timestamp: Instant = Field(description="When it was written down.")
    data: dict[str, object] = Field(
        description="What was so then: `post` and `account` where it is about such, and what its type has."
    )


class Events(Shape):
    """A page of what happened."""

    events: list[EventShape] = Field(description="The oldest first.")
    last: int = Field(description="The number up to which this goes: `after` of the next page.")
    reset: str | None = Field(
        description="Why there is a gap after `after`: what came next was forgotten, or the database is an "
        "older one, and this goes on at its end. Read anew then what you follow. null where there is none."
    )


@resource.answer(
    "",
    "Read or hear what happens",
    needs=Scope.READ,
    returns=Events,
    also={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def read(
    request: Request,
    after: After = None,
    events: Kinds = None,
    limit: Limit = 200,
    last_event_id: LastEventId = None,
) -> Response:
    """Return what happened after an event, or, to `Accept: text/event-stream`, tell it as it happens.

    The stream is of Server-Sent Events: the type is `event`, the number `id`, and what a page holds `data`.
    With Last-Event-ID, or `after`, it goes on without a gap; without either it begins now. `reset` says that
    there is a gap, as in a page: what came next was forgotten, or the database is an older one. A comment
    every 15 seconds shows that it lives. It ends when the key is revoked, and when Postbell stops.

    Told is what becomes of posts, accounts, series, pauses, files and jobs. That a post is under way is not:
    most are for less than a second. Nor is how Postbell itself is kept: keys, hooks, backups, half an upload.
    """
    kinds = _heard(events)
    known = last_event_id if last_event_id is not None else after
    if "text/event-stream" not in request.headers.get("accept", ""):
        return await asyncio.to_thread(_page, request.app.state.postbell(), known, kinds, limit)
    feed: Feed = request.app.state.feed
    if feed.is_full:
        raise Refusal(
            status=503,
            code="too_many_listeners",
            detail="As many listen already as can; read pages instead, or ask again.",
            headers=(("Retry-After", "10"),),
        )
    stream = feed.listen(request.state.caller, known, frozenset(kinds))
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _heard(events: str | None) -> tuple[EventKind, ...]:
    try:
        return heard(word.strip() for word in (events or "*").split(","))
    except ValueError as error:
        message = f"there is no event {error}; name some of {', '.join(EventKind)}."
        raise Invalid([Problem(where="events", message=message)]) from None


def _page(app: App, known: int | None, kinds: tuple[EventKind, ...], limit: int) -> Response:
    with app.ctx.store.read() as tx:
        after, gap = (0, None) if known is None else go_on(tx, known)
        last, found = last_number(tx), events_after(tx, after, limit, kinds)
    upto = found[-1].id if len(found) == limit else last
    told = [worded(event_json(each)) for each in found]
    return JSONResponse({"events": told, "last": upto, "reset": gap})
