"""How things stand in the database, for people who look after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, literal_column, not_, or_, select

from postbell.domain.post import SUPERSEDED, AttemptKind, Delivery
from postbell.domain.states import DeliveryState, Outcome, PostState
from postbell.store.pauses import held
from postbell.store.posts import Locate, delivery_from
from postbell.store.queue import ACCOUNT_PAUSED, ACTIVE
from postbell.store.tables.core import account, attempt, delivery, media, post, post_media


#: What was lost, in the words of its index: as literals, or SQLite would not see that it will do.
MISSED = delivery.c.state == literal_column("'missed'")
FAILED = delivery.c.result == literal_column("'failed'")

#: Whether the user holds a delivery back at `now`.
_HELD = held(ACTIVE, ACCOUNT_PAUSED)


@dataclass(frozen=True, kw_only=True)
class Overdue:
    """What should have been published and was not."""

    count: int
    #: When the oldest of them was meant to be published (aware UTC); None if there are none.
    oldest: datetime | None
    #: How many there are besides that the user holds back.
    held: int = 0


@dataclass(frozen=True, kw_only=True)
class Lost:
    """What lately ended without being published, and should have been."""

    count: int = 0
    #: Those that ended last, the latest first; `count` may be greater.
    newest: tuple[Delivery, ...] = ()
    #: How many posts of series gave way to newer ones besides: nobody has to look at them.
    superseded: int = 0


@dataclass(frozen=True, kw_only=True)
class LostFile:
    """A stored file that is not where it should be, with a post that still needs it."""

    post_id: str
    #: As the user named it.
    name: str


def overdue(tx: Connection, before: datetime, *, now: datetime) -> Overdue:
    """Return what was due before an instant (aware) and still waits at `now`."""
    counts = (
        func.count().filter(not_(_HELD)),
        func.min(delivery.c.due_at).filter(not_(_HELD)),
        func.count().filter(_HELD),
    )
    waiting = (delivery.c.state == DeliveryState.SCHEDULED, delivery.c.due_at < before)
    row = tx.execute(select(*counts).where(*waiting), {"now": now}).one()
    return Overdue(count=row[0], oldest=row[1], held=row[2])


def oldest_overdue(tx: Connection, before: datetime, *, now: datetime) -> Delivery | None:
    """Return the first of what was due before an instant (aware), waits at `now` and is not held back."""
    waiting = (delivery.c.state == DeliveryState.SCHEDULED, delivery.c.due_at < before, not_(_HELD))
    first = select(delivery.c.id).where(*waiting).order_by(delivery.c.due_at, delivery.c.id).limit(1)
    of_first = tx.execute(first, {"now": now}).scalar_one_or_none()
    row = tx.execute(_named().where(delivery.c.id == of_first)).one_or_none()
    return delivery_from(row) if row else None


def lost_since(tx: Connection, since: datetime, limit: int) -> Lost:
    """Return what failed or was missed from an instant (aware) on: the last `limit`, and how many in all."""
    gave_way = and_(MISSED, func.coalesce(delivery.c.message, "").startswith(SUPERSEDED))
    lately = (or_(MISSED, FAILED), delivery.c.ended_at >= since)
    counts = (func.count().filter(not_(gave_way)), func.count().filter(gave_way))
    count, superseded = tx.execute(select(*counts).select_from(delivery).where(*lately)).one()
    last = _named().where(*lately, not_(gave_way))
    rows = tx.execute(last.order_by(delivery.c.ended_at.desc(), delivery.c.id.desc()).limit(limit))
    return Lost(count=count, newest=tuple(map(delivery_from, rows)), superseded=superseded)


def count_results(tx: Connection) -> dict[Outcome, int]:
    """Return how many processed deliveries were published, and how many failed."""
    processed = delivery.c.state == DeliveryState.PROCESSED
    rows = tx.execute(select(delivery.c.result, func.count().label("n")).where(processed).group_by("result"))
    return {Outcome.PUBLISHED: 0, Outcome.FAILED: 0} | {Outcome(row.result): row.n for row in rows}


def newest_time(tx: Connection) -> datetime | None:
    """Return the latest instant (aware UTC) that was written down; None in an empty database.

    Rows count up, so the last post and the last try are found without a search.
    """
    last_post = select(post.c.created_at).order_by(literal_column("post.rowid").desc()).limit(1)
    last_try = select(attempt.c.started_at).order_by(attempt.c.id.desc()).limit(1)
    times = [tx.execute(last).scalar_one_or_none() for last in (last_post, last_try)]
    return max((time for time in times if time is not None), default=None)


def last_published(tx: Connection) -> datetime | None:
    """Return when the last try to publish began (aware UTC); None if there was none."""
    tries = select(attempt.c.started_at).where(attempt.c.kind == AttemptKind.PUBLISH)
    return tx.execute(tries.order_by(attempt.c.id.desc()).limit(1)).scalar_one_or_none()


def lost_files(tx: Connection, locate: Locate) -> list[LostFile]:
    """Return the files that are not on the disk although a post that is to be published needs them."""
    coming = (PostState.DRAFT, PostState.SCHEDULED, PostState.PROCESSING)
    rows = tx.execute(
        select(post.c.id, post_media.c.name, media.c.sha256, media.c.mime)
        .join(post_media, post_media.c.post_id == post.c.id)
        .join(media, media.c.sha256 == post_media.c.sha256)
        .where(post.c.state.in_(coming))
        .order_by(post.c.id, post_media.c.position)
    )
    return [
        LostFile(post_id=row.id, name=row.name) for row in rows if not locate(row.sha256, row.mime).is_file()
    ]


def _named() -> Select[Any]:
    columns = (delivery, account.c.name.label("account"), account.c.network)
    return select(*columns).join(account, account.c.id == delivery.c.account_id)
