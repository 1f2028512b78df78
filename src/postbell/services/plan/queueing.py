"""The queue of an account: its posting times, who has them, and another order."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from postbell.domain import queue_order
from postbell.domain.account import Account
from postbell.domain.post import PlacedBy, Post
from postbell.domain.recurrence import Occurrence
from postbell.domain.states import DeliveryState, PostEvent
from postbell.domain.time_words import WEEKDAYS
from postbell.domain.weekly import WeeklySlots
from postbell.domain.zones import clock_text, wall_at
from postbell.errors import Invalid, Problem
from postbell.services.context import Context
from postbell.services.plan.engagement import zone_of
from postbell.services.plan.planning import Place, plan
from postbell.store import accounts, calendar, deliveries, posts


#: How far ahead posting times are looked for.
HORIZON = timedelta(days=400)
#: What is due sooner than this stays as it is.
LEAD = timedelta(minutes=1)

#: A statement has only so many variables: 999 in older builds of SQLite.
_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Seat:
    """A time in the queue, and who has it."""

    #: The instant (aware UTC).
    at: datetime
    #: What clocks in `zone` show then (naive).
    local: datetime
    zone: str
    #: Whether it is a posting time of the account; else something was queued before these were changed.
    slot: bool
    #: What is to be published then; nothing if it is free.
    posts: tuple[Post, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Roster:
    """The queue of one account."""

    account: Account
    #: Its next posting times, in order, and what is queued in between.
    seats: tuple[Seat, ...]
    #: How many posts are queued after the last of these.
    later: int = 0


def set_slots(ctx: Context, name: str, slots: WeeklySlots | None) -> None:
    """Give an account other posting times, or none; what is queued keeps its time. Raises NotFound."""
    with ctx.store.write() as tx:
        accounts.set_slots(tx, name, slots if slots and slots.times else None)
    ctx.ring()


def posting_times(account: Account, start: datetime, end: datetime | None = None) -> Iterator[Occurrence]:
    """Yield the posting times of an account from `start` to `end` (aware, both included), in order.

    Without an end, those of the next HORIZON. Raises Invalid if the account has none at all.
    """
    if account.slots is None:
        mend = f'give it some: `postbell queue slots {account.name} "mon-fri 09:00"`.'
        raise Invalid([_problem("--queue", account, f"it has no posting times; {mend}")])
    last = end or start + HORIZON
    slots = account.slots.occurrences(start - timedelta.resolution)
    return takewhile(lambda slot: slot.at <= last, slots)


def list_queue(ctx: Context, name: str, count: int) -> Roster:
    """Return the next `count` posting times of an account and who has them; raises NotFound."""
    now = ctx.now()
    with ctx.store.read() as tx:
        account = accounts.get_account(tx, name)
        queued = calendar.list_queued(tx, account.id, now)
        slots = list(islice(posting_times(account, now), count)) if account.slots else []
        end = slots[-1].at if slots else max((each.due_at for each in queued if each.due_at), default=now)
        times = {slot.at for slot in slots}
        held = [
            each
            for each in calendar.list_coming(tx, account.id, now, end)
            if each.due_at in times or each.placed_by is PlacedBy.QUEUE
        ]
        found = posts.load_posts(tx, [each.post_id for each in held], ctx.media.path_of)
    zone, by_id = zone_of(ctx, account), {post.id: post for post in found}
    holders: dict[datetime, list[Post]] = {at: [] for at in times}
    for each in held:
        assert each.due_at is not None, "what is to come has a time"
        holders.setdefault(each.due_at, []).append(by_id[each.post_id])
    seats = tuple(
        Seat(at=at, local=wall_at(at, zone), zone=zone.key, slot=at in times, posts=tuple(held_by))
        for at, held_by in sorted(holders.items())
    )
    later = sum(1 for each in queued if each.due_at and each.due_at > end)
    return Roster(account=account, seats=seats, later=later)


def list_outside(ctx: Context, name: str) -> tuple[str, ...]:
    """Return the ids of what is queued for an account, but not at one of its posting times."""
    now = ctx.now()
    with ctx.store.read() as tx:
        account = accounts.get_account(tx, name)
        queued = {each.post_id: each.due_at for each in calendar.list_queued(tx, account.id, now)}
    last = max((at for at in queued.values() if at), default=now)
    slots = {slot.at for slot in posting_times(account, now, last)} if account.slots else set()
    return tuple(post_id for post_id, at in queued.items() if at not in slots)


def reorder(ctx: Context, name: str, ids: Sequence[str]) -> tuple[str, ...]:
    """Let the posts that `ids` name (their beginnings are enough) be the first in the queue of an account.

    The others follow as they did. Returns the ids of those that were moved. Raises NotFound, Invalid with
    every name that is wrong, or Stale if one was taken up for publishing meanwhile; then nothing is changed.
    """

    def order(queue: queue_order.Queue) -> dict[str, datetime]:
        known = [post_id for post_id, _ in queue]
        return queue_order.reordered([_full(prefix, known) for prefix in ids], queue)

    return _arrange(ctx, name, order)


def shuffle(ctx: Context, name: str, seed: int | None = None) -> tuple[str, ...]:
    """Put what is queued for an account into any order; the same seed always gives the same.

    Returns the ids of those that were moved. Raises NotFound or Stale; then nothing is changed.
    """
    chance = ctx.random if seed is None else random.Random(seed)  # noqa: S311 - nothing is kept secret by it
    return _arrange(ctx, name, lambda queue: queue_order.shuffled(queue, chance))


def move_queued(
    ctx: Context, tx: Connection, account: Account, times: Mapping[str, datetime], *, now: datetime
) -> None:
    """Give queued posts of an account other times (aware, by id).

    Raises Invalid with every post that would come too late, and Stale if one was taken up for publishing
    meanwhile.
    """
    zone, ids, problems = zone_of(ctx, account), list(times), []
    for start in range(0, len(ids), _AT_ONCE):
        for post in posts.load_posts(tx, ids[start : start + _AT_ONCE], ctx.media.path_of):
            told = slot_text(times[post.id], zone)
            if post.not_after and times[post.id] > post.not_after:
                late = f"it would come after the last moment that you have set for it, at {told}"
                problems.append(_problem(f"post {post.id}", account, f"in this order {late}."))
            else:
                why = f"moved within the queue of {account.name}: {told}"
                place = Place(at=times[post.id], by=PlacedBy.QUEUE, why=why)
                _move(ctx, tx, post, account, place=place, now=now)
    if problems:
        raise Invalid(problems)


def _move(ctx: Context, tx: Connection, post: Post, account: Account, *, place: Place, now: datetime) -> None:
    (own,) = (each for each in post.deliveries if each.account_id == account.id)
    others = (each for each in post.deliveries if each.state is DeliveryState.SCHEDULED and each.id != own.id)
    earliest = min([place.at, *(each.due_at for each in others if each.due_at)])
    zone = ZoneInfo(post.zone) if post.zone else ctx.zone
    local = wall_at(earliest, zone)
    changed = replace(post, at=earliest, local=local, zone=zone.key, updated_at=now)
    posts.update_post(tx, changed, PostEvent.SCHEDULE)
    planned = plan(changed, [account], {account.id: place}, stream=own.stream)
    deliveries.schedule_deliveries(tx, post.id, planned)


def slot_text(at: datetime, zone: ZoneInfo) -> str:
    """Return an instant (aware) as a time of the week: `Mon 09:00 Europe/Berlin`."""
    local = wall_at(at, zone)
    return f"{WEEKDAYS[local.weekday()][:3].title()} {clock_text(local)} {zone.key}"


def _arrange(
    ctx: Context, name: str, order: Callable[[queue_order.Queue], dict[str, datetime]]
) -> tuple[str, ...]:
    now = ctx.now()
    with ctx.store.write() as tx:
        account = accounts.get_account(tx, name)
        queued = calendar.list_queued(tx, account.id, now + LEAD)
        before = {each.post_id: each.due_at for each in queued if each.due_at}
        times = order(list(before.items()))
        moved = {post_id: at for post_id, at in times.items() if at != before[post_id]}
        move_queued(ctx, tx, account, moved, now=now)
    ctx.ring()
    return tuple(moved)


def _full(prefix: str, known: Sequence[str]) -> str:
    """Return the one of the known ids that begins so; what is not one of them as it is."""
    found = [post_id for post_id in known if post_id.startswith(prefix.lower())]
    return found[0] if len(found) == 1 else prefix


def _problem(where: str, account: Account, message: str) -> Problem:
    return Problem(where=where, account=account.name, message=message)
