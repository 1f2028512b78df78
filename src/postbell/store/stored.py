"""What lies in the store of files, whoever uses it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, exists, or_, select, tuple_, update

from postbell.domain.media import Media, MediaKind
from postbell.store.media import found_media
from postbell.store.posts import Locate
from postbell.store.tables.core import media, post_media
from postbell.store.tables.series import series_media


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A file in the store, whoever uses it."""

    #: Its alt text is what it shows where a post does not say that itself.
    media: Media
    #: When it was given (aware UTC).
    created_at: datetime
    #: Whether a post or a series uses it.
    used: bool


def list_stored(
    tx: Connection,
    locate: Locate,
    *,
    kind: MediaKind | None = None,
    used: bool | None = None,
    beyond: tuple[datetime, str] | None = None,
    limit: int,
) -> list[Stored]:
    """Return files, the newest first, from behind the one that was given then and has that hash."""
    wanted: list[ColumnElement[bool]] = []
    if kind:
        wanted.append(media.c.kind == kind)
    if used is not None:
        wanted.append(_USED if used else ~_USED)
    if beyond:
        wanted.append(tuple_(media.c.created_at, media.c.sha256) < tuple_(*beyond))
    newest = select(media, _USED.label("used")).where(*wanted)
    newest = newest.order_by(media.c.created_at.desc(), media.c.sha256.desc()).limit(limit)
    return [_stored(row, locate) for row in tx.execute(newest)]


def find_stored(tx: Connection, sha256: str, locate: Locate) -> Stored | None:
    """Return a file that is in the store."""
    row = tx.execute(select(media, _USED.label("used")).where(media.c.sha256 == sha256)).one_or_none()
    return _stored(row, locate) if row else None


def describe_media(tx: Connection, sha256: str, shows: str) -> None:
    """Store what a file shows where a post does not say that itself."""
    tx.execute(update(media).where(media.c.sha256 == sha256).values(shows=shows))


def forget_media(tx: Connection, sha256: str) -> bool:
    """Forget a file, unless a post or a series uses it; return whether that was done."""
    return tx.execute(delete(media).where(media.c.sha256 == sha256, ~_USED)).rowcount > 0


def forget_unused(tx: Connection, before: datetime) -> list[str]:
    """Forget files that no post or series uses and that are older than `before`; return their sha256."""
    used = select(post_media.c.sha256).union_all(select(series_media.c.sha256))
    statement = (
        delete(media)
        .where(media.c.created_at < before, media.c.sha256.not_in(used))
        .returning(media.c.sha256)
    )
    return list(tx.execute(statement).scalars())


_USED = or_(
    exists().where(post_media.c.sha256 == media.c.sha256),
    exists().where(series_media.c.sha256 == media.c.sha256),
)


def _stored(row: Row[Any], locate: Locate) -> Stored:
    return Stored(media=found_media(row, locate), created_at=row.created_at, used=bool(row.used))
