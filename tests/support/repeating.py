"""Series to test with: short ways to add them, to let them grow, and to see what they have made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import select

from postbell.domain.post import Post
from postbell.domain.recurrence import Recurrence, Unit
from postbell.domain.recycling import Gap, GapUnit, Recycling
from postbell.domain.series import Series
from postbell.domain.weekly import WeeklySlots, WeeklyTime
from postbell.services.context import Context
from postbell.services.series.recur import grow
from postbell.services.series.series import WantedSeries, add_series
from postbell.store import accounts, posts
from postbell.store.tables import core as tables
from postbell.store.thread import StoreThread
from support.world import START, World, locate


TODAY = START.date()


def daily(*times: str, zone: str = "UTC", first: date = TODAY, **more: Any) -> Recurrence:
    """Return a rule that comes every day, at 10:00 unless told otherwise."""
    at = tuple(time.fromisoformat(each) for each in times or ("10:00",))
    values: dict[str, Any] = {"every": Unit.DAY, "times": at, "zone": zone, "first": first}
    return Recurrence(**values | more)


def piece(days: int = 7, *, name: str = "tips", **more: Any) -> Recycling:
    """Return the rule of a piece of a library."""
    gap = Gap(count=days, unit=GapUnit.DAYS)
    values: dict[str, Any] = {"gap": gap, "first": datetime.combine(TODAY, time()), "zone": "UTC"}
    values["library"] = name
    return Recycling(**values | more)


def add(world: World, rule: Recurrence | Recycling, text: str = "Hello", **more: Any) -> Series:
    """Add a series for ann, unless told otherwise."""
    return add_series(world.ctx, WantedSeries(rule=rule, text=text, **{"to": ("ann",)} | more)).series


def made(world: World, series: Series | None = None) -> list[Post]:
    """Return every post, or those of a series, by their slots."""
    wanted = select(tables.post.c.id).order_by(tables.post.c.at, tables.post.c.slot)
    if series:
        wanted = wanted.where(tables.post.c.series_id == series.id)
    with world.store.read() as tx:
        return posts.load_posts(tx, list(tx.execute(wanted).scalars()), locate)


def with_thread(world: World, work: Callable[[Context, StoreThread], Awaitable[None]]) -> None:
    """Do what the daemon does on its thread."""

    async def run() -> None:
        thread = StoreThread(world.store)
        try:
            await work(world.ctx, thread)
        finally:
            thread.close()

    asyncio.run(run())


def let_grow(world: World) -> None:
    """Let series and libraries make what they have to make by now."""
    with_thread(world, grow)


def give_slots(world: World, name: str, *times: str, days: range = range(7), zone: str = "UTC") -> None:
    """Give an account posting times on these days of the week; none at all without times."""
    slots = tuple(WeeklyTime(day=day, time=time.fromisoformat(at)) for day in days for at in times)
    with world.store.write() as tx:
        accounts.set_slots(tx, name, WeeklySlots(zone=zone, times=slots) if slots else None)
