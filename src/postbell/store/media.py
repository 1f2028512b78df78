"""Stored files in the database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, exists, or_, select, tuple_, update
from sqlalchemy.dialects.sqlite import insert

from postbell.domain.media import STORED, Media, MediaKind
from postbell.store.posts import Locate, media_from
from postbell.store.tables import media, post_media, series_media


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A file in the store, whoever uses it."""

    #: Its alt text is what it shows where a post does not say that itself.
    media: Media
    #: When it was given (aware UTC).
    created_at: datetime
    #: Whether a post or a series uses it.
    used: bool


def record_media(tx: Connection, items: Iterable[Media], now: datetime) -> None:
    """Store what is known about files; of one that is known already only what is known of it as a video."""
    for item in items:
        statement = insert(media).values(_values(item, now))
        again = {name: statement.excluded[name] for name in _FILMED} if item.film else {}
        tx.execute(
            statement.on_conflict_do_update(index_elements=["sha256"], set_=again)
            if again
            else statement.on_conflict_do_nothing()
        )


def record_given(tx: Connection, items: Iterable[Media], now: datetime) -> None:
    """Store what is known about files that are given to be used later, and what they show, where it is said.

    One that is known already is as new as if it came for the first time.
    """
    for item in items:
        values = _values(item, now) | {"shows": item.alt}
        again = {"created_at": now} | ({"shows": item.alt} if item.alt else {})
        again |= {name: values[name] for name in _FILMED} if item.film else {}
        statement = insert(media).values(values)
        tx.execute(statement.on_conflict_do_update(index_elements=["sha256"], set_=again))


def find_media(tx: Connection, sha256s: Iterable[str], locate: Locate) -> dict[str, Media]:
    """Return those of these files that are known, under names made of their hashes."""
    rows = tx.execute(select(media).where(media.c.sha256.in_(list(sha256s)))).all()
    return {row.sha256: _media(row, locate) for row in rows}


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


#: What whoever looks into a video finds out.
_FILMED = ("width", "height", "film")

_USED = or_(
    exists().where(post_media.c.sha256 == media.c.sha256),
    exists().where(series_media.c.sha256 == media.c.sha256),
)


def _values(item: Media, now: datetime) -> dict[str, Any]:
    return {
        "sha256": item.sha256,
        "kind": item.kind,
        "mime": item.mime,
        "size": item.size,
        "width": item.width,
        "height": item.height,
        "film": vars(item.film) if item.film else None,
        "created_at": now,
    }


def _stored(row: Row[Any], locate: Locate) -> Stored:
    return Stored(media=_media(row, locate), created_at=row.created_at, used=bool(row.used))


def _media(row: Row[Any], locate: Locate) -> Media:
    named = {"name": f"{row.sha256[:8]}{STORED[row.mime]}", "alt": row.shows, "part": 1}
    return media_from({**row._asdict(), **named}, locate)
