"""Stored files in the database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.sqlite import insert

from postbell.domain.media import STORED, Media, MediaKind
from postbell.domain.states import DeliveryState
from postbell.store.posts import Locate, media_from
from postbell.store.tables.core import delivery, media, post_media


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
    return {row.sha256: found_media(row, locate) for row in rows}


def waiting_with_videos(tx: Connection) -> list[str]:
    """Return the ids of the posts that have videos and wait for their time anywhere, the earliest first."""
    found = (
        select(delivery.c.post_id)
        .join(post_media, post_media.c.post_id == delivery.c.post_id)
        .join(media, media.c.sha256 == post_media.c.sha256)
        .where(media.c.kind == MediaKind.VIDEO, delivery.c.state == DeliveryState.SCHEDULED)
        .order_by(delivery.c.due_at, delivery.c.id)
    )
    return list(dict.fromkeys(tx.execute(found).scalars()))


#: What whoever looks into a video finds out.
_FILMED = ("width", "height", "film")


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


def found_media(row: Row[Any], locate: Locate) -> Media:
    """Return a file that is in the store, under a name made of its hash."""
    named = {"name": f"{row.sha256[:8]}{STORED[row.mime]}", "alt": row.shows, "part": 1}
    return media_from({**row._asdict(), **named}, locate)
