"""Scheduled posts keep the time that clocks show when the rules of a time zone have changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.domain.post import Delivery, PlacedBy, Post
from postbell.domain.states import DeliveryState, PostEvent, PostState, SeriesState
from postbell.domain.zones import is_zone, read_wall, wall_at, wall_text, wall_to_instant
from postbell.services.context import Context
from postbell.services.plan.planning import Place, plan
from postbell.services.posts.own_times import at_earliest
from postbell.services.series.resync import sync
from postbell.store import accounts as account_store
from postbell.store import deliveries, occurrences, posts
from postbell.store import series as series_store
from postbell.store.deliveries import Planned
from postbell.store.occurrences import OnWall
from postbell.store.thread import StoreThread


#: Clocks are seldom set by more, and posting times are seldom closer.
_NEAR = timedelta(hours=3)
#: So many posts are moved in one transaction.
_AT_ONCE = 200


@dataclass(frozen=True, kw_only=True)
class Shifted:
    """What does not stand any more where clocks say."""

    #: The active series with posts of which that is so.
    series: tuple[str, ...]
    #: The other posts.
    posts: tuple[str, ...]


async def retime(ctx: Context, thread: StoreThread) -> None:
    """Move what was scheduled by rules of a time zone that are not true any more.

    A post that nothing was begun of is published when clocks show what they were to show when it was
    scheduled; posts that series have made follow the slots of these. Accounts that publish a post at another
    time than the rest: a queued one goes to the posting time next to it, if there is one within three hours,
    because which one it was cannot be known any more; a time that was chosen as the best stays as it is; one
    that was named for the account alone goes with its own clocks, also while others have the post already.
    Nothing is done for a post whose first time is right, although the place of another account in the queue
    may not be.
    """
    shifted = await thread.read(find_shifted)
    now = ctx.now()
    moved: list[str] = []
    for series_id in shifted.series:
        moved += await thread.write(_follow_series, ctx, series_id, now)
    for start in range(0, len(shifted.posts), _AT_ONCE):
        moved += await thread.write(_move, ctx, shifted.posts[start : start + _AT_ONCE], now)
    log = structlog.get_logger()
    for post_id in moved:
        log.info("post_retimed", post=post_id)


def find_shifted(tx: Connection) -> Shifted:
    """Return what is scheduled for an instant at which clocks do not show what they were to show."""
    found = [each for each in occurrences.scheduled_on_wall(tx) if _is_shifted(each)]
    with_series = list(dict.fromkeys(each.series_id for each in found if each.series_id))
    alive = series_store.with_own_times(tx, with_series)
    return Shifted(
        series=tuple(each for each in with_series if each in alive),
        posts=tuple(dict.fromkeys(each.post_id for each in found if each.series_id not in alive)),
    )


def _is_shifted(each: OnWall) -> bool:
    return is_zone(each.zone) and wall_at(each.at, ZoneInfo(each.zone)) != each.local


def _follow_series(tx: Connection, ctx: Context, series_id: str, now: datetime) -> Sequence[str]:
    (series,) = series_store.load_series(tx, [series_id], ctx.media.path_of)
    # It may have been ended a moment ago.
    return sync(tx, ctx, series, now).changed if series.state is SeriesState.ACTIVE else ()


def _move(tx: Connection, ctx: Context, post_ids: Sequence[str], now: datetime) -> list[str]:
    accounts = {account.id: account for account in account_store.list_accounts(tx)}
    moved = []
    for post in posts.load_posts(tx, post_ids, ctx.media.path_of):
        if post.state is PostState.SCHEDULED and post.at and post.local and post.zone:
            at = _instant(post.at, post.local, post.zone)
            # What clocks leave out now was moved forward: then they show something else.
            local = wall_at(at, ZoneInfo(post.zone)) if at != post.at else post.local
            changed = replace(post, at=at, local=local, updated_at=now)
            waiting = [each for each in post.deliveries if each.state is DeliveryState.SCHEDULED]
            final, planned = at_earliest(ctx, changed, _planned(changed, waiting, accounts, was=post.at))
            posts.update_post(tx, final, PostEvent.EDIT)
        elif post.state is PostState.PROCESSING and post.at:
            waiting = [each for each in post.deliveries if each.is_to_come]
            planned = _planned(post, waiting, accounts, was=post.at)
            posts.update_post(tx, replace(post, updated_at=now), PostEvent.AMEND)
        else:
            continue
        deliveries.schedule_deliveries(tx, post.id, planned)
        moved.append(post.id)
    return moved


def _instant(at: datetime, local: datetime, zone: str) -> datetime:
    """Return when clocks show a time now; `at` where they still show it then, if only for the second time."""
    if not is_zone(zone) or wall_at(at, ZoneInfo(zone)) == local:
        return at
    return wall_to_instant(local, ZoneInfo(zone))[0]


def _planned(
    post: Post, waiting: Sequence[Delivery], accounts: Mapping[int, Account], *, was: datetime
) -> list[Planned]:
    places = {each.account_id: _place(post, each, accounts[each.account_id], was=was) for each in waiting}
    stream = next((each.stream for each in waiting if each.stream), None)
    return plan(post, [accounts[each.account_id] for each in waiting], places, stream=stream)


def _place(post: Post, delivery: Delivery, account: Account, *, was: datetime) -> Place:
    at = _new_time(post, delivery, account, was)
    shared = post.zone if delivery.due_at == was and not delivery.placed_by else None
    zone = delivery.zone or shared
    wall = wall_text(wall_at(at, ZoneInfo(zone)), zone) if zone and is_zone(zone) else delivery.wall
    return Place(at=at, by=delivery.placed_by, why=delivery.placed_why, wall=wall)


def _new_time(post: Post, delivery: Delivery, account: Account, was: datetime) -> datetime:
    assert post.at is not None, "what is scheduled has a time"
    assert delivery.due_at is not None, "what is scheduled has a time"
    if delivery.wall:
        return _instant(delivery.due_at, *read_wall(delivery.wall))
    if delivery.due_at == was:
        return post.at
    due = delivery.due_at
    if delivery.placed_by is not PlacedBy.QUEUE or account.slots is None:
        return due
    slots = takewhile(lambda slot: slot.at <= due + _NEAR, account.slots.occurrences(due - _NEAR))
    return min((slot.at for slot in slots), key=lambda at: abs(at - due), default=due)
