"""Looking for a time at which an account can publish a post."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from postbell.domain import queue_order
from postbell.domain.account import Account
from postbell.domain.ids import Random
from postbell.domain.moments import FAR, Candidate, best_moment, grid
from postbell.domain.post import PlacedBy, Post
from postbell.domain.when import When, describe
from postbell.domain.zones import wall_at
from postbell.errors import Invalid, Problem
from postbell.services.context import Context
from postbell.services.plan.engagement import samples, zone_of
from postbell.services.plan.planning import Place
from postbell.services.plan.queueing import HORIZON, move_queued, posting_times, slot_text
from postbell.store import calendar


#: So many posts are named that stand in the way.
_MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Search:
    """A time that is looked for."""

    ctx: Context
    tx: Connection
    post: Post
    account: Account
    now: datetime
    #: The range (aware, both included).
    start: datetime
    end: datetime

    def taken(self, around: timedelta) -> list[datetime]:
        """Return the times of the other posts of the account in the range, and so far around it."""
        start, end = self.start - around, self.end + around
        return calendar.taken_times(self.tx, self.account.id, start, end, besides=self.post.id)

    def refusal(self, where: str, message: str) -> Invalid:
        """Return why the account has no time for the post."""
        return Invalid([Problem(where=where, account=self.account.name, message=message)])


#: A place, and the ids of the posts that had to move for it.
Found = tuple[Place, tuple[str, ...]]


def first_free(search: Search) -> Found:
    """Return the first free posting time; raises Invalid if there is none."""
    return _first(search, search.start, "the next free posting time"), ()


def last_free(search: Search) -> Found:
    """Return the first free posting time after all that is queued; raises Invalid if there is none."""
    last = max((at for _, at in _queued(search)), default=search.start)
    return _first(search, last, "the end of the queue"), ()


def very_next(search: Search) -> Found:
    """Return the first posting time that is free or queued, and move what is queued down to make room.

    Raises Invalid if there is none, or none for the last that is moved, and Stale if one of these was taken
    up for publishing meanwhile.
    """
    # What is queued may move to where this post may not come any more.
    whole = replace(search, end=search.start + HORIZON)
    queued = _queued(search)
    fixed = Counter(whole.taken(timedelta(0))) - Counter(at for _, at in queued)
    slots = [slot.at for slot in posting_times(search.account, whole.start, whole.end)]
    held = {at for _, at in queued}.intersection(slots).difference(fixed)
    # A free time that is too near to a queued post would be too near after the move as well.
    usable = sorted(held.union(_free(whole, slots)))
    try:
        times = queue_order.insert_first(search.post.id, queued, usable)
    except Invalid:
        raise _all_taken(search) from None
    at = times.pop(search.post.id)
    if at > search.end:
        raise _all_taken(search)
    move_queued(search.ctx, search.tx, search.account, times, now=search.now)
    return _place(search, at, "the very next posting time"), tuple(times)


def best_place(search: Search, *, chance: Random) -> Found:
    """Return the best moment of the range; `chance` decides among equals. Raises Invalid if there is none."""
    account, zone = search.account, zone_of(search.ctx, search.account)
    if account.slots:
        slots = posting_times(account, search.start, search.end)
        candidates = [Candidate(at=slot.at, local=slot.local, slot=True) for slot in slots]
    else:
        candidates = list(grid(search.start, search.end, zone))
    choice = best_moment(
        candidates,
        taken=search.taken(max(FAR, account.min_gap or FAR)),
        samples=samples(search.tx, account, zone),
        min_gap=account.min_gap,
        random=chance,
    )
    if choice is None:
        raise _no_moment(search, len(candidates))
    return Place(at=choice.at, by=PlacedBy.AUTO, why=choice.why), ()


def instant_text(ctx: Context, at: datetime) -> str:
    """Return an instant (aware) for people, in the zone of times that name none."""
    whole = at.replace(microsecond=0)
    return describe(When(at=whole, local=wall_at(whole, ctx.zone), zone=ctx.zone.key), ctx.now())


def _first(search: Search, since: datetime, why: str) -> Place:
    slots = (slot.at for slot in posting_times(search.account, since, search.end))
    at = next(_free(search, slots), None)
    if at is None:
        raise _all_taken(search)
    return _place(search, at, why)


def _place(search: Search, at: datetime, why: str) -> Place:
    told = slot_text(at, zone_of(search.ctx, search.account))
    return Place(at=at, by=PlacedBy.QUEUE, why=f"{why} of {search.account.name}: {told}")


def _queued(search: Search) -> list[tuple[str, datetime]]:
    """Return what else is queued for the account and can be moved: ids and times, in order."""
    return [
        (each.post_id, each.due_at)
        for each in calendar.list_queued(search.tx, search.account.id, search.start)
        if each.due_at and each.post_id != search.post.id
    ]


def _free(search: Search, slots: Iterable[datetime]) -> Iterator[datetime]:
    """Yield those slots, in order, that are far enough from other posts of the account and one another."""
    gap = search.account.min_gap or timedelta.resolution
    taken = search.taken(gap)
    for at in slots:
        place = bisect_left(taken, at)
        if all(abs(at - other) >= gap for other in taken[max(0, place - 1) : place + 1]):
            yield at
            taken.insert(place, at)


def _all_taken(search: Search) -> Invalid:
    if search.post.not_after == search.end:
        until = (
            f"until {instant_text(search.ctx, search.end)}, the last moment that you have set for the post,"
        )
    else:
        until = f"within {HORIZON.days} days"
    mend = f"give it more with `postbell queue slots {search.account.name}`."
    return search.refusal("--queue", f"none of its posting times {until} is free; {mend}")


def _no_moment(search: Search, candidates: int) -> Invalid:
    """Return why a range holds no moment, and what takes it."""
    between = f"between {instant_text(search.ctx, search.start)} and {instant_text(search.ctx, search.end)}"
    times = "posting times" if search.account.slots else "half hours from 8:00 to 22:00"
    if not candidates:
        message = f"it has none of its {times} {between}; give a longer range."
        return search.refusal("--between", message)
    gap = search.account.min_gap or timedelta(0)
    coming = calendar.list_coming(search.tx, search.account.id, search.start - gap, search.end + gap)
    ids = list(dict.fromkeys(each.post_id for each in coming if each.post_id != search.post.id))
    named = ", ".join(ids[:_MOST_NAMED]) + (", …" if len(ids) > _MOST_NAMED else "")
    by = f" by {named}" if named else ""
    message = f"all of its {times} {between} are taken{by}, or too near to other posts; give a longer range."
    return search.refusal("--between", message)
