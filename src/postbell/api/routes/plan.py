"""What will be published when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Query
from pydantic import Field

from postbell.api import plan_models, rehearsing
from postbell.api.asked import Asked
from postbell.api.call import Answer
from postbell.api.moments import read_instant
from postbell.api.resource import Call, Resource
from postbell.domain.access import Scope
from postbell.errors import Invalid, Noting, Problem
from postbell.services.context import Context
from postbell.services.plan import forecast
from postbell.shapes.plan import coming_json


resource = Resource("plan", "What was and will be published when; nothing is stored.", path="/api/v1")

#: No longer span is told at once, or rehearsed.
_LONGEST = timedelta(days=366)
_LONGEST_REHEARSAL = timedelta(days=92)
#: Nothing was published before.
_EARLIEST = 1970


class NextAsked(Asked):
    """How much of what comes next."""

    count: int = Field(10, description="How many, at most.", ge=1, le=1000)
    until: str | None = Field(None, description="Only those before this: RFC 3339.")


class AgendaAsked(Asked):
    """A span of time."""

    since: str = Field(description="From this on: RFC 3339.", examples=["2026-12-01T00:00:00+01:00"])
    until: str = Field(
        description="Before this, at most 366 days later: RFC 3339.", examples=["2027-01-01T00:00:00+01:00"]
    )


class RehearsalAsked(Asked):
    """A span of time to rehearse."""

    until: str = Field(
        description="Its end, at most 92 days from now: RFC 3339.", examples=["2026-12-08T00:00:00+01:00"]
    )
    since: str | None = Field(None, description="Its beginning: RFC 3339; left out: now.")
    downtime: list[tuple[str, str]] = Field(
        default_factory=list,
        description="Spans in which no daemon runs: beginning and end of each, RFC 3339.",
        max_length=20,
        examples=[[["2026-12-02T18:00:00Z", "2026-12-03T09:00:00Z"]]],
    )


@resource.get("/next", "List what comes next", returns=plan_models.ComingList)
def coming(call: Call, asked: Annotated[NextAsked, Query()]) -> Answer:
    """List what will be published next, also what series have not made yet; what is overdue comes first."""
    until = read_instant(call.ctx, asked.until, where="until") if asked.until else None
    found = forecast.upcoming(call.ctx, count=asked.count, until=until)
    return Answer(body={"coming": [coming_json(each, call.ctx.zone) for each in found]})


@resource.get("/agenda", "List a span of time", returns=plan_models.ComingList)
def agenda(call: Call, asked: Annotated[AgendaAsked, Query()]) -> Answer:
    """List what was and will be published in a span of time (a day, a week, a month), and dated drafts."""
    since, until = _span(call.ctx, asked)
    found = forecast.between(call.ctx, since, until)
    return Answer(body={"coming": [coming_json(each, call.ctx.zone) for each in found]})


@resource.serve("POST", "/rehearsal", "Rehearse", needs=Scope.READ, returns=plan_models.Rehearsal)
def rehearse(call: Call, asked: RehearsalAsked) -> Answer:
    """Return what would happen in a span of time, without sending or storing anything.

    The real engine lives through it on a copy of the database, in a process of its own. One rehearsal at a
    time: 503 while another one is under way, and where it takes longer than a minute.
    """
    ctx, noting = call.ctx, Noting()
    until = noting(lambda: read_instant(ctx, asked.until, where="--until"))
    since = noting(lambda: read_instant(ctx, asked.since, where="--since") if asked.since else None)
    spans = noting(lambda: [_outage(ctx, *each) for each in asked.downtime])
    if until and until - ctx.now() > _LONGEST_REHEARSAL:
        message = f"it is too far away; at most {_LONGEST_REHEARSAL.days} days are rehearsed."
        noting.problems.append(Problem(where="--until", message=message))
    if noting.problems or not until:
        raise Invalid(noting.problems)
    return Answer(body=rehearsing.rehearse(call.app, since, until, spans or []))


def _outage(ctx: Context, begin: str, end: str) -> tuple[datetime, datetime]:
    return read_instant(ctx, begin, where="--downtime"), read_instant(ctx, end, where="--downtime")


def _span(ctx: Context, asked: AgendaAsked) -> tuple[datetime, datetime]:
    """Return the span; raises Invalid for one that is too long, or too far away."""
    since = read_instant(ctx, asked.since, where="since")
    until = read_instant(ctx, asked.until, where="until")
    problems = []
    if not since < until <= since + _LONGEST:
        message = f"it is not after the beginning, or more than {_LONGEST.days} days later."
        problems.append(Problem(where="until", message=message))
    if since.year < _EARLIEST or since > ctx.now() + forecast.LONGEST:
        message = f"it is too far away; the future is known for {forecast.LONGEST.days} days."
        problems.append(Problem(where="since", message=message))
    if problems:
        raise Invalid(problems)
    return since, until
