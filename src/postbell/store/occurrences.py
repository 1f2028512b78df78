"""The posts that series have made, in the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from postbell.domain.post import PlacedBy, Post
from postbell.domain.states import (
    DeliveryEvent,
    DeliveryState,
    PostEvent,
    PostState,
    delivery_step,
    post_sources,
)
from postbell.domain.zones import read_wall
from postbell.store.deliveries import Planned, planned_values
from postbell.store.posts import insert_posts
from postbell.store.tables.core import delivery, post
from postbell.store.tables.series import series_account


#: A statement has only so many variables: 999 in older builds of SQLite.
_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Made:
    """A post that a series has made, and when its accounts publish it."""

    post: Post
    #: With the key that names it at the far side.
    deliveries: tuple[tuple[str, Planned], ...]


@dataclass(frozen=True, kw_only=True)
class OnWall:
    """A scheduled post that was given its time on a wall clock."""

    post_id: str
    #: The instant (aware UTC), and what clocks in `zone` showed then when it was stored (naive).
    at: datetime
    local: datetime
    zone: str
    #: The series that looks after it; None for one by hand, also where only its time is.
    series_id: str | None


def insert_made(tx: Connection, made: Sequence[Made]) -> None:
    """Store posts as scheduled, with their deliveries. An index refuses a second one for the same slot."""
    if not made:
        return
    insert_posts(tx, [each.post for each in made])
    rows = [
        {
            "post_id": each.post.id,
            "account_id": planned.account_id,
            "key": key,
            "state": DeliveryState.SCHEDULED,
            "tries": 0,
            "warnings": [],
        }
        | planned_values(planned)
        for each in made
        for key, planned in each.deliveries
    ]
    if rows:
        tx.execute(insert(delivery), rows)


def taken_slots(tx: Connection, series_ids: Iterable[str], least: str) -> set[tuple[str, str]]:
    """Return the slots of series, from the one named `least` on, that have their posts: (series id, slot)."""
    taken: set[tuple[str, str]] = set()
    for these in _parts(series_ids):
        # Names of slots begin with their dates: in the order of names is in the order of time.
        where = (post.c.series_id.in_(these), post.c.slot >= least)
        taken |= {
            (row.series_id, row.slot)
            for row in tx.execute(select(post.c.series_id, post.c.slot).where(*where))
        }
    return taken


def made_ids(tx: Connection, series_id: str, least: str, now: datetime) -> list[str]:
    """Return the posts of a series whose slot is `least` or later, or that are due after `now`, by slot."""
    coming = or_(post.c.slot >= least, post.c.at > now)
    rows = tx.execute(select(post.c.id).where(post.c.series_id == series_id, coming).order_by(post.c.slot))
    return list(rows.scalars())


def coming_ids(tx: Connection, series_id: str, now: datetime, limit: int) -> list[str]:
    """Return the next posts of a series that are scheduled for after `now` (aware), at most `limit`."""
    coming = (post.c.series_id == series_id, post.c.state == PostState.SCHEDULED, post.c.at > now)
    return list(tx.execute(select(post.c.id).where(*coming).order_by(post.c.at).limit(limit)).scalars())


def next_times(tx: Connection, now: datetime) -> dict[str, datetime]:
    """Return when (aware UTC) the next post of each series is scheduled after `now`, by its id."""
    coming = (post.c.series_id.is_not(None), post.c.state == PostState.SCHEDULED, post.c.at > now)
    first = func.min(post.c.at).label("at")
    rows = tx.execute(select(post.c.series_id, first).where(*coming).group_by(post.c.series_id))
    return {row.series_id: row.at for row in rows}


def ids_of_slots(tx: Connection, series_id: str, slots: Iterable[str]) -> list[str]:
    """Return the posts that a series has made for these slots, in any order."""
    ids: list[str] = []
    for these in _parts(slots):
        where = (post.c.series_id == series_id, post.c.slot.in_(these))
        ids += tx.execute(select(post.c.id).where(*where)).scalars()
    return ids


def delete_untouched(tx: Connection, post_ids: Iterable[str]) -> None:
    """Remove those of these posts that are still scheduled and that nobody has changed by hand."""
    for these in _parts(post_ids):
        own = (post.c.state == PostState.SCHEDULED, post.c.touched.is_(False))
        tx.execute(delete(post).where(post.c.id.in_(these), *own))


def cancel_untouched(tx: Connection, series_id: str, now: datetime, *, touched: bool = False) -> int:
    """Cancel what a series has planned, late or not; return how many posts that were.

    What was changed by hand stays, unless `touched`; so do drafts whose time had come by `now` (aware).
    """
    to_come = or_(post.c.state == PostState.SCHEDULED, post.c.at > now)
    wanted = select(post.c.id).where(
        post.c.series_id == series_id, post.c.state.in_(post_sources(PostEvent.CANCEL)), to_come
    )
    ids = list(tx.execute(wanted if touched else wanted.where(post.c.touched.is_(False))).scalars())
    sources, target = delivery_step(DeliveryEvent.CANCEL)
    for these in _parts(ids):
        waiting = (delivery.c.post_id.in_(these), delivery.c.state.in_(sources))
        tx.execute(update(delivery).where(*waiting).values(state=target, ended_at=now))
        values = {"state": PostState.CANCELLED, "updated_at": now, "version": post.c.version + 1}
        tx.execute(update(post).where(post.c.id.in_(these)).values(values))
    return len(ids)


def delete_planned(tx: Connection, series_id: str, *, touched: bool) -> int:
    """Remove what a series has planned and nothing was begun of; return how many posts that were.

    What was changed by hand stays, unless `touched`.
    """
    planned = (post.c.series_id == series_id, post.c.state.in_((PostState.DRAFT, PostState.SCHEDULED)))
    gone = delete(post).where(*planned)
    return tx.execute(gone if touched else gone.where(post.c.touched.is_(False))).rowcount


def let_go(tx: Connection, series_id: str) -> int:
    """Make ordinary posts of all that a series has made; return how many that are."""
    own = update(post).where(post.c.series_id == series_id)
    return tx.execute(own.values(series_id=None, slot=None, turn=None)).rowcount


def skipped_times(tx: Connection, account_id: int, start: datetime, end: datetime) -> list[datetime]:
    """Return the times between two instants (aware) for which what a library had placed was cancelled."""
    skipped = (
        delivery.c.account_id == account_id,
        delivery.c.state == DeliveryState.CANCELLED,
        delivery.c.due_at.between(start, end),
        delivery.c.placed_by == PlacedBy.LIBRARY,
    )
    return list(tx.execute(select(delivery.c.due_at).where(*skipped)).scalars())


def recount_uses(tx: Connection, series_id: str) -> None:
    """Let each account have used a piece of a library last when the last post of it says so."""
    last = (
        select(func.max(delivery.c.due_at))
        .join(post, post.c.id == delivery.c.post_id)
        .where(
            post.c.series_id == series_account.c.series_id,
            delivery.c.account_id == series_account.c.account_id,
            delivery.c.placed_by == PlacedBy.LIBRARY,
        )
    )
    own = series_account.c.series_id == series_id
    tx.execute(
        update(series_account).where(own).values(used_at=last.correlate(series_account).scalar_subquery())
    )


def scheduled_on_wall(tx: Connection) -> Iterator[OnWall]:
    """Yield every scheduled post with a time on a wall clock of which nothing was begun, by its time.

    Then the accounts that have times of their own.
    """
    columns = (post.c.id, post.c.at, post.c.local, post.c.zone, post.c.series_id, post.c.touched)
    wanted = select(*columns).where(post.c.state == PostState.SCHEDULED, post.c.local.is_not(None))
    for row in tx.execute(wanted.order_by(post.c.at)):
        yield OnWall(
            post_id=row.id,
            at=row.at,
            local=datetime.fromisoformat(row.local),
            zone=row.zone,
            series_id=None if row.touched else row.series_id,
        )
    yield from _apart_on_wall(tx)


def _apart_on_wall(tx: Connection) -> Iterator[OnWall]:
    """Yield what is due on a wall clock of its own, and of which nothing was tried."""
    untried = (delivery.c.state == DeliveryState.SCHEDULED, delivery.c.tries == 0)
    wanted = select(delivery.c.post_id, delivery.c.due_at, delivery.c.wall).where(
        *untried, delivery.c.wall.is_not(None)
    )
    for row in tx.execute(wanted.order_by(delivery.c.due_at)):
        local, zone = read_wall(row.wall)
        yield OnWall(post_id=row.post_id, at=row.due_at, local=local, zone=zone, series_id=None)


def _parts(ids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while these := list(islice(rest, _AT_ONCE)):
        yield these
