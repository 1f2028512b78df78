"""How things stand in the database, for people who look after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, literal_column, select

from postbell.domain.states import DeliveryState, PostState
from postbell.store.posts import Locate
from postbell.store.tables import attempt, delivery, media, post, post_media


@dataclass(frozen=True, kw_only=True)
class Overdue:
    """What should have been published and was not."""

    count: int
    #: When the oldest of them was meant to be published (aware UTC); None if there are none.
    oldest: datetime | None


@dataclass(frozen=True, kw_only=True)
class LostFile:
    """A stored file that is not where it should be, with a post that still needs it."""

    post_id: str
    #: As the user named it.
    name: str


def overdue(tx: Connection, before: datetime) -> Overdue:
    """Return what was due before an instant (aware) and still waits."""
    waiting = (delivery.c.state == DeliveryState.SCHEDULED, delivery.c.due_at < before)
    row = tx.execute(select(func.count(), func.min(delivery.c.due_at)).where(*waiting)).one()
    return Overdue(count=row[0], oldest=row[1])


def newest_time(tx: Connection) -> datetime | None:
    """Return the latest instant (aware UTC) that was written down; None in an empty database.

    Rows count up, so the last post and the last try are found without a search.
    """
    last_post = select(post.c.created_at).order_by(literal_column("post.rowid").desc()).limit(1)
    last_try = select(attempt.c.started_at).order_by(attempt.c.id.desc()).limit(1)
    times = [tx.execute(last).scalar_one_or_none() for last in (last_post, last_try)]
    return max((time for time in times if time is not None), default=None)


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
