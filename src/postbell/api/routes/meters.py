"""What Prometheus reads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi import Request
from starlette.responses import PlainTextResponse, Response

from postbell.api.resource import Resource
from postbell.app import App
from postbell.domain.access import Scope


if TYPE_CHECKING:
    from postbell.api.meters import Meters

resource = Resource("meters", "What Prometheus reads.", path="/metrics")

#: The text format of Prometheus (prometheus.io/docs/instrumenting/exposition_formats).
_TEXT = "text/plain; version=0.0.4; charset=utf-8"


@resource.answer("", "Read what is measured", needs=Scope.READ, response_class=PlainTextResponse)
async def read(request: Request) -> Response:
    """Return posts by state, what is overdue or unsure, lateness, tries by network, and when logins end.

    In the text format of Prometheus. Tries are counted from when this was first asked.
    """
    state = request.app.state
    meters = await asyncio.to_thread(_meters_of, state)
    app: App = state.postbell()
    return Response(await asyncio.to_thread(meters.text, app), media_type=_TEXT)


def _meters_of(state: object) -> Meters:
    """Return what measures, made for the first who asks: to import it takes as long as all of the API."""
    from postbell.api.meters import Meters

    made: Meters | None = getattr(state, "meters", None)
    if made is None:
        made = Meters()
        state.meters = made  # type: ignore[attr-defined]
    return made
