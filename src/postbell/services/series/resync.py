"""The posts that a series has made follow it when it changes, or when the clocks of its zone do."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.domain.ids import new_delivery_key
from postbell.domain.post import Delivery, PlacedBy, Post
from postbell.domain.recurrence import Occurrence
from postbell.domain.recycling import Recycling
from postbell.domain.series import Series
from postbell.domain.states import DeliveryState, PostEvent, PostState
from postbell.domain.zones import wall_at
from postbell.services.context import Context
from postbell.services.plan.filling import library_turn
from postbell.services.plan.making import Turn, filled_in, make
from postbell.services.series.recur import POSTS_AT_ONCE, Step, next_step
from postbell.store import accounts as account_store
from postbell.store import deliveries, occurrences, posts
from postbell.store import series as series_store
from postbell.store.deliveries import Planned


#: No change of clocks is greater, and slots are named by clocks.
_MARGIN = timedelta(days=2)
#: A statement has only so many variables: 999 in older builds of SQLite.
_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Synced:
    """How the posts of a series have changed: their ids."""

    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    #: How many are new.
    made: int = 0


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What the posts of a series are to be."""

    #: By the id of the post. Also for those that are left alone: they have their slots.
    kept: Mapping[str, Turn]
    #: What has no post yet, still without the right number.
    missing: Sequence[Turn]
    #: How far the series has come then.
    series: Series


def sync(tx: Connection, ctx: Context, series: Series, now: datetime) -> Synced:
    """Let the posts to come of an active series say and do what it says now.

    What somebody has changed by hand stays as it is and keeps its slot, as does what is being published or
    was. Of the others those whose time stays, or at least the day, are changed in place; what is left over is
    removed, what is missing is made. To do this again changes nothing.
    """
    named = {account.name: account for account in account_store.list_accounts(tx)}
    accounts = [named[name] for name in series.to if name in named]
    least = (now - _MARGIN).date().isoformat()
    ids = occurrences.made_ids(tx, series.id, least, now)
    parts = (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
    found = [post for part in parts for post in posts.load_posts(tx, part, ctx.media.path_of)]
    wanted = (_of_piece if series.library else _of_rule)(ctx, series, accounts, found, now)
    kept = [post for post in found if post.id in wanted.kept and _is_free(post)]
    surplus = [post for post in found if post.id not in wanted.kept and _is_free(post) and _at(post) > now]
    occurrences.delete_untouched(tx, [post.id for post in surplus])
    if any(each.placed_by is PlacedBy.LIBRARY for post in surplus for each in post.deliveries):
        occurrences.recount_uses(tx, series.id)
    # Numbered anew in the order of their times: what is removed must not take texts with it.
    coming = [*(wanted.kept[post.id] for post in kept), *wanted.missing]
    coming.sort(key=lambda turn: turn.occurrence.at)
    own = sorted(post.turn for post in (*kept, *surplus) if post.turn is not None)
    numbers = [*own, *range(series.made, series.made + len(wanted.missing))]
    numbered = [replace(turn, number=number) for turn, number in zip(coming, numbers, strict=False)]
    turns = {turn.occurrence.key: turn for turn in numbered}
    of_post = {post.id: turns[wanted.kept[post.id].occurrence.key] for post in kept}
    changed = [post.id for post in kept if _update(tx, ctx, post, of_post[post.id], now)]
    new = [turns[turn.occurrence.key] for turn in wanted.missing]
    make(tx, ctx, new, now)
    made, spare = series.made + max(0, len(new) - len(surplus)), set(numbers[len(coming) :])
    while made - 1 in spare:
        made -= 1
    series_store.advance_series(tx, [replace(wanted.series, made=made)])
    return Synced(changed=tuple(changed), removed=tuple(post.id for post in surplus), made=len(new))


def _of_rule(
    ctx: Context, series: Series, accounts: Sequence[Account], found: Sequence[Post], now: datetime
) -> _Wanted:
    step = next_step(replace(series, made_until=now), now, ctx.horizon, most=POSTS_AT_ONCE)

    def turn(occurrence: Occurrence, number: int | None) -> Turn:
        zone = series.rule.zone
        return Turn(series=series, occurrence=occurrence, zone=zone, number=number or 0, accounts=accounts)

    kept = _match(found, step, wall_at(now, ZoneInfo(series.rule.zone)).isoformat(timespec="minutes"))
    has_post = {occurrence.key for occurrence in kept.values()}
    return _Wanted(
        kept={post.id: turn(kept[post.id], post.turn) for post in found if post.id in kept},
        missing=[turn(occurrence, None) for occurrence in step.made if occurrence.key not in has_post],
        series=step.series,
    )


def _match(found: Iterable[Post], step: Step, floor: str) -> dict[str, Occurrence]:
    """Return which of the wanted times each post has: its own slot, else one to come of the same day.

    The day counts because the time of day is what is changed most: a day that the user has skipped stays
    skipped, and a post keeps its id.
    """
    free = {occurrence.key: occurrence for occurrence in step.made}
    slots = {post.id: post.slot or "" for post in found}
    matched = {post_id: free.pop(slot) for post_id, slot in slots.items() if slot in free}
    days: defaultdict[str, deque[Occurrence]] = defaultdict(deque)
    for occurrence in free.values():
        days[_day(occurrence.key)].append(occurrence)
    for post_id, slot in slots.items():
        if post_id not in matched and slot > floor and days[_day(slot)]:
            matched[post_id] = days[_day(slot)].popleft()
    return matched


def _of_piece(
    ctx: Context, series: Series, accounts: Sequence[Account], found: Sequence[Post], now: datetime
) -> _Wanted:
    assert isinstance(series.rule, Recycling), "only recycled posts belong to a library"
    kept = {}
    for post in found:
        slot = post.slot or ""
        account = next((each for each in accounts if slot.startswith(f"{each.id}:")), None)
        if account and post.local and post.zone and not series.rule.ends_before(_at(post), 0):
            own = Occurrence(key=slot.removeprefix(f"{account.id}:"), at=_at(post), local=post.local)
            kept[post.id] = replace(library_turn(series, account, own, post.zone), number=post.turn or 0)
    return _Wanted(
        kept=kept, missing=[], series=next_step(series, now, ctx.horizon, most=POSTS_AT_ONCE).series
    )


def _update(tx: Connection, ctx: Context, post: Post, turn: Turn, now: datetime) -> bool:
    """Let a post be what it is to be; say whether that was a change."""
    changed = filled_in(post, turn)
    plan = turn.plan(changed)
    had = {delivery.account_id: _planned(delivery) for delivery in post.deliveries}
    wants = {planned.account_id: planned for planned in plan}
    if changed == post and had == wants:
        return False
    posts.update_post(tx, replace(changed, updated_at=now), PostEvent.EDIT)
    deliveries.drop_deliveries(tx, post.id, had.keys() - wants.keys())
    new = [account.id for account in turn.accounts if account.id not in had]
    deliveries.add_deliveries(tx, post.id, [(each, new_delivery_key(ctx.random)) for each in new])
    deliveries.schedule_deliveries(tx, post.id, plan)
    return True


def _planned(delivery: Delivery) -> Planned:
    assert delivery.due_at is not None, "what is scheduled has a time"
    return Planned(
        account_id=delivery.account_id,
        at=delivery.due_at,
        late_limit=delivery.late_limit,
        expires_at=delivery.expires_at,
        stream=delivery.stream,
        fingerprint=delivery.fingerprint,
        placed_by=delivery.placed_by,
        placed_why=delivery.placed_why,
    )


def _is_free(post: Post) -> bool:
    """Whether a series may change a post: nothing was begun, and nobody has changed it by hand."""
    waits = all(delivery.state is DeliveryState.SCHEDULED for delivery in post.deliveries)
    return post.state is PostState.SCHEDULED and not post.touched and waits


def _at(post: Post) -> datetime:
    assert post.at is not None, "posts of series have times"
    return post.at


def _day(slot: str) -> str:
    return slot[: len("2026-12-24")]
