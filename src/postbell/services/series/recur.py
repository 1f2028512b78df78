"""Series make their posts ahead of their time, one for each slot, and libraries fill what is left empty."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from postbell.domain.recurrence import Occurrence
from postbell.domain.recycling import Recycling
from postbell.domain.series import Series
from postbell.domain.states import SeriesState
from postbell.services.context import Context
from postbell.services.plan.filling import fill_libraries, over_at
from postbell.services.plan.making import Turn, make
from postbell.store import accounts as account_store
from postbell.store import occurrences
from postbell.store import series as series_store
from postbell.store.thread import StoreThread


#: The most series that one transaction looks at, and about the most posts that it makes: others wait for it.
_SERIES_AT_ONCE = 100
POSTS_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True)
class Step:
    """How far a series comes in one go."""

    #: What it makes posts for, in order.
    made: tuple[Occurrence, ...] = ()
    #: The series afterwards; how many posts it has made by then is still to be counted.
    series: Series


async def grow(ctx: Context, thread: StoreThread) -> None:
    """Let every series make what it has to make by now, and libraries fill empty posting times."""
    now = ctx.now()
    made = 0
    while (step := await thread.write(materialise, ctx, now)) is not None:
        made += step
    made += await thread.write(fill_libraries, ctx, now)
    if made:
        import structlog  # commands import this module too, and have no use for it

        structlog.get_logger().info("posts_made", count=made)


def materialise(tx: Connection, ctx: Context, now: datetime) -> int | None:
    """Let some of the series whose time has come make posts; return how many, or None if there is no such.

    Every slot within the horizon gets its post, and at least the next one. Slots that passed while no daemon
    ran get theirs too: that they were missed is to be seen. To be called until it returns None; each call is
    a transaction of its own, and short.
    """
    ids = series_store.due_series(tx, now + ctx.horizon, _SERIES_AT_ONCE)
    if not ids:
        return None
    steps: list[Step] = []
    left = POSTS_AT_ONCE
    for series in series_store.load_series(tx, ids, ctx.media.path_of):
        if left > 0:
            steps.append(next_step(series, now, ctx.horizon, most=left))
            left -= len(steps[-1].made)
    return _store(tx, ctx, steps, now)


def make_first(tx: Connection, ctx: Context, series: Series, now: datetime) -> None:
    """Let a series that was just stored make its first posts; the daemon goes on with more of them."""
    _store(tx, ctx, [next_step(series, now, ctx.horizon, most=POSTS_AT_ONCE)], now)


def next_step(series: Series, now: datetime, horizon: timedelta, *, most: int) -> Step:
    """Return what a series makes next, at most so many: up to the horizon, and at least one to come."""
    if isinstance(series.rule, Recycling) and series.library is not None:
        ends = series.rule.ends_before(now, series.made)
        return Step(series=_ended(series) if ends else replace(series, next_at=over_at(series.rule, horizon)))
    since = series.made_until or series.created_at
    made: list[Occurrence] = []
    following = None
    for occurrence in series.rule.occurrences(since):
        last = made[-1].at if made else since
        if len(made) == most or (last > now and occurrence.at > now + horizon):
            following = occurrence
            break
        made.append(occurrence)
    until = made[-1].at if made else since
    if following is None and until <= now:
        return Step(made=tuple(made), series=_ended(replace(series, made_until=until)))
    # When the last one has come there must be a next one, however far away; or the series has ended.
    next_at = min(following.at, until + horizon) if following else until + horizon
    return Step(made=tuple(made), series=replace(series, made_until=until, next_at=next_at))


def _ended(series: Series) -> Series:
    return replace(series, state=SeriesState.ENDED, next_at=None)


def _store(tx: Connection, ctx: Context, steps: Iterable[Step], now: datetime) -> int:
    """Store what series make, and how far they have come with it; return how many posts were made.

    A slot that has its post keeps it, so to do this again changes nothing.
    """
    by_name = {account.name: account for account in account_store.list_accounts(tx)}
    found = list(steps)
    slots = [occurrence.key for step in found for occurrence in step.made]
    ids = [step.series.id for step in found]
    taken = occurrences.taken_slots(tx, ids, min(slots)) if slots else set()
    turns: list[Turn] = []
    advanced: list[Series] = []
    for step in found:
        series = step.series
        free = [each for each in step.made if (series.id, each.key) not in taken]
        accounts = [by_name[name] for name in series.to if name in by_name]
        turns += [
            Turn(series=series, occurrence=each, zone=series.rule.zone, number=number, accounts=accounts)
            for number, each in enumerate(free, series.made)
        ]
        advanced.append(replace(series, made=series.made + len(free)))
    make(tx, ctx, turns, now)
    series_store.advance_series(tx, advanced)
    return len(turns)
