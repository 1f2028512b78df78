"""When a post is published if the user leaves that to Postbell: in a queue, or at the best moment."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.domain.post import Post
from postbell.domain.when import When
from postbell.domain.zones import wall_at
from postbell.errors import Invalid, Problem
from postbell.services.context import Context
from postbell.services.plan.engagement import zone_of
from postbell.services.plan.planning import Place
from postbell.services.plan.queueing import HORIZON, LEAD
from postbell.services.plan.searching import (
    Found,
    Search,
    best_place,
    first_free,
    instant_text,
    last_free,
    very_next,
)


class QueueMode(StrEnum):
    """Which of the posting times of an account a post takes."""

    #: The first free one.
    FREE = "free"
    #: The very next one; what is queued moves down.
    NEXT = "next"
    #: The first free one after everything that is queued.
    LAST = "last"


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Take a posting time of each account."""

    mode: QueueMode = QueueMode.FREE


@dataclass(frozen=True, kw_only=True)
class Auto:
    """Take the best moment of each account in a range."""

    #: Instants (aware UTC), both included.
    start: datetime
    end: datetime
    #: Decides among equals; the same seed always decides alike.
    seed: int | None = None


Placing = Queue | Auto


@dataclass(frozen=True, kw_only=True)
class Placed:
    """What was chosen for a post."""

    #: By the id of the account.
    places: dict[int, Place]
    #: The earliest of them: the time of the post.
    when: When
    #: The ids of the posts that had to move down the queue; that is stored already.
    moved: tuple[str, ...] = ()


_IN_QUEUE: dict[QueueMode, Callable[[Search], Found]] = {
    QueueMode.FREE: first_free,
    QueueMode.NEXT: very_next,
    QueueMode.LAST: last_free,
}


def choose(
    ctx: Context, tx: Connection, post: Post, accounts: Sequence[Account], placing: Placing, *, now: datetime
) -> Placed:
    """Choose a time for a post on each account (at least one); call it in the transaction that stores them.

    The post may have times already: they count as free. Nothing of the post itself is stored here, but what
    is queued may have to move for it. Raises Invalid with a problem for every account that has no time for
    it, and Stale if a queued post was taken up for publishing meanwhile.
    """
    if isinstance(placing, Auto):
        start, end = _range(ctx, post, placing, now)
        chance = ctx.random if placing.seed is None else random.Random(placing.seed)  # noqa: S311 - no secret
        find: Callable[[Search], Found] = partial(best_place, chance=chance)
    else:
        start = now + LEAD
        end = min(start + HORIZON, post.not_after or start + HORIZON)
        find = _IN_QUEUE[placing.mode]
    places: dict[int, Place] = {}
    moved: list[str] = []
    problems: list[Problem] = []
    for account in accounts:
        search = Search(ctx=ctx, tx=tx, post=post, account=account, now=now, start=start, end=end)
        try:
            places[account.id], others = find(search)
        except Invalid as error:
            problems += error.problems
        else:
            moved += others
    if problems:
        raise Invalid(problems)
    when = _earliest(ctx, accounts, places)
    return Placed(places=places, when=when, moved=tuple(dict.fromkeys(moved)))


def _range(ctx: Context, post: Post, auto: Auto, now: datetime) -> tuple[datetime, datetime]:
    """Return the part of the range in which the post may be published; raises Invalid if there is none."""
    start, end = max(auto.start, now + LEAD), auto.end
    message = None
    if end <= auto.start:
        message = "the end of the range is not after its beginning."
    elif end < start:
        message = "the range is over; give a later end."
    elif end > start + HORIZON:
        message = f"the range is longer than {HORIZON.days} days; give an earlier end."
    elif post.not_after and post.not_after < start:
        last = instant_text(ctx, post.not_after)
        message = f"the range begins after the last moment that you have set for the post, {last}."
    if message:
        raise Invalid([Problem(where="--and", message=message)])
    return start, min(end, post.not_after or end)


def _earliest(ctx: Context, accounts: Iterable[Account], places: dict[int, Place]) -> When:
    first = min(accounts, key=lambda account: places[account.id].at)
    at, zone = places[first.id].at, zone_of(ctx, first)
    return When(at=at, local=wall_at(at, zone), zone=zone.key)
