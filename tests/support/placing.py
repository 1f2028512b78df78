"""Accounts with posting times, and posts that are put there.

Berlin is an hour ahead of UTC, and START is Monday 10:00 there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from postbell.domain.account import Account
from postbell.domain.post import Post
from postbell.domain.states import PostEvent
from postbell.domain.weekly import DaysOff, WeeklySlots, WeeklyTime
from postbell.errors import Invalid
from postbell.services.plan.placing import Placed, Placing, Queue, QueueMode, choose
from postbell.services.plan.planning import plan
from postbell.store import accounts, deliveries, posts
from postbell.store.tables import core as tables
from support.world import World, account_of, add_post, post_of


HOUR = timedelta(hours=1)
NEXT, LAST = Queue(mode=QueueMode.NEXT), Queue(mode=QueueMode.LAST)


def slots(
    world: World, name: str, *times: str, zone: str = "Europe/Berlin", off: tuple[DaysOff, ...] = ()
) -> None:
    """Let an account post at these times of every day."""
    every = tuple(WeeklyTime(day=day, time=time.fromisoformat(at)) for day in range(7) for at in times)
    with world.store.write() as tx:
        accounts.set_slots(tx, name, WeeklySlots(zone=zone, times=every, days_off=off))


def gap(world: World, name: str, least: timedelta) -> None:
    """Let an account keep a distance between its posts."""
    with world.store.write() as tx:
        values = {"min_gap": int(least.total_seconds())}
        tx.execute(tables.account.update().where(tables.account.c.name == name).values(values))


def draft(world: World, *to: str) -> Post:
    """Store a post without a time, for ann if nobody else is named."""
    return add_post(world.store, to=to or ("ann",), at=None)


def _of_post(world: World, post: Post) -> list[Account]:
    return [account_of(world.store, each.account) for each in post.deliveries]


def place(world: World, post: Post, placing: Placing) -> Placed:
    """Schedule a post where it is put."""
    to = _of_post(world, post)
    with world.store.write() as tx:
        placed = choose(world.ctx, tx, post, to, placing, now=world.clock.now())
        when = placed.when
        changed = replace(post, at=when.at, local=when.local, zone=when.zone)
        posts.update_post(tx, changed, PostEvent.SCHEDULE)
        deliveries.schedule_deliveries(tx, post.id, plan(changed, to, placed.places))
    return placed


def queue(world: World, *to: str, placing: Placing | None = None) -> Post:
    """Schedule a new post at the next free posting time, or where it is put."""
    post = draft(world, *to)
    place(world, post, placing or Queue())
    return post_of(world.store, post.id)


def due(world: World, post: Post, name: str = "ann") -> datetime | None:
    """Return when an account is to publish a post."""
    found = post_of(world.store, post.id)
    return next(each.due_at for each in found.deliveries if each.account == name)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Return a UTC time in November 2026."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def wall(text: str) -> datetime:
    """Return what a clock on the wall shows (naive)."""
    return datetime.fromisoformat(text)


def problems(world: World, post: Post, placing: Placing) -> list[str]:
    """Return why a post finds no place."""
    with pytest.raises(Invalid) as refused:
        place(world, post, placing)
    return [str(problem) for problem in refused.value.problems]
