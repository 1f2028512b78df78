"""What a span of time would bring: the real engine lives through it on a copy, and a report tells of it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from pathlib import Path

from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.domain.post import Delivery, Post
from postbell.domain.states import Outcome
from postbell.domain.wall_clock import Occurrence
from postbell.services.accounts.holds import Holds
from postbell.services.context import Context
from postbell.services.plan.virtual import Engine, virtual_context
from postbell.services.posts.critic import FARTHEST, Critic, Repeat, due
from postbell.services.sending.recover import lose_interrupted
from postbell.store import timeline


#: A span, from and to (aware).
Span = tuple[datetime, datetime]


@dataclass(frozen=True, kw_only=True)
class Happening:
    """One delivery of the rehearsal."""

    delivery: Delivery
    post: Post
    #: What the user should know of it: sentences without their full stops.
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EmptySlot:
    """A posting time of an account that nothing fills."""

    account: str
    slot: Occurrence


@dataclass(frozen=True, kw_only=True)
class Rehearsed:
    """How a span of time went."""

    happenings: tuple[Happening, ...]
    empty: tuple[EmptySlot, ...]
    repeats: tuple[Repeat, ...]

    @property
    def latest(self) -> timedelta:
        """The greatest lateness of what was published."""
        published = (each.delivery for each in self.happenings if each.delivery.outcome is Outcome.PUBLISHED)
        late = (each.lateness for each in published)
        return max((each or timedelta() for each in late), default=timedelta())

    @property
    def warnings(self) -> int:
        """How many warnings there are."""
        return len(self.repeats) + sum(len(each.warnings) for each in self.happenings)


def rehearse(
    ctx: Context,
    start: datetime,
    end: datetime,
    *,
    outages: Sequence[Span] = (),
    slots: int = 10,
    progress: Callable[[datetime], None] = lambda _now: None,
) -> Rehearsed:
    """Live from now to `end` on a copy of the database, and report what happens from `start` on.

    All instants are aware; `outages` are spans without a daemon, in order, and `progress` is told now and
    then how late it is. Nothing is stored or sent. Every network takes everything that is within its limits,
    at once. Raises what copying the database raises.
    """
    with (
        tempfile.TemporaryDirectory(prefix="postbell-") as folder,
        virtual_context(ctx, Path(folder), ctx.now()) as virtual,
    ):
        with virtual.store.write() as tx:
            lose_interrupted(tx, virtual.now())  # what the daemon sends at this moment ends elsewhere
            overdue = timeline.due_before(tx, virtual.now())
        engine = Engine(ctx=virtual, slots=slots, progress=progress)
        try:
            asyncio.run(engine.run(end, outages))
        finally:
            engine.close()
        down = any(begin < end <= stop for begin, stop in outages)
        with virtual.store.read() as tx:
            return _report(virtual, tx, (start, end), overdue, down=down)


def _report(
    ctx: Context, tx: Connection, span: Span, overdue: Sequence[Delivery], *, down: bool
) -> Rehearsed:
    start, end = span
    # What is before and after the span counts for quotas, and may say the same as what is in it.
    around = timeline.due_between(tx, start - FARTHEST, end + FARTHEST, ended=True)
    older = {each.id for each in overdue} - {each.id for each in around}
    posts = timeline.posts_of(tx, overdue if older else (), ctx.media.path_of).values()
    around = [*(each for post in posts for each in post.deliveries if each.id in older), *around]
    inside = [each for each in around if _is_inside(each, span)]
    by_id = timeline.posts_of(tx, inside, ctx.media.path_of)
    holds = Holds.seen(tx, ctx.now())
    slots = {account.id: _slots(account, span) for account in holds.accounts.values()}
    critic = Critic(ctx, holds, around, slots, down=down)
    taken = {(each.account_id, due(each)) for each in around}
    empty = [
        EmptySlot(account=account.name, slot=slot)
        for account in holds.accounts.values()
        for at, slot in slots[account.id].items()
        if (account.id, at) not in taken
    ]
    return Rehearsed(
        happenings=tuple(
            Happening(delivery=each, post=post, warnings=critic.warnings(each, post))
            for each in inside
            for post in (by_id[each.post_id],)
        ),
        empty=tuple(sorted(empty, key=lambda each: (each.slot.at, each.account))),
        repeats=critic.repeats(inside, by_id),
    )


def _is_inside(each: Delivery, span: Span) -> bool:
    """Whether it was due within a span, or before that and was settled within it, or waits ever since."""
    start, end = span
    if due(each) >= start:
        return due(each) < end
    return each.outcome is None or (each.ended_at is not None and each.ended_at >= start)


def _slots(account: Account, span: Span) -> dict[datetime, Occurrence]:
    start, end = span
    slots = account.slots.occurrences(start - timedelta.resolution) if account.slots else ()
    return {slot.at: slot for slot in takewhile(lambda slot: slot.at < end, slots)}
