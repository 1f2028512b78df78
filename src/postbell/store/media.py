"""Stored files in the database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select
from sqlalchemy.dialects.sqlite import insert

from postbell.domain.media import SUFFIXES, Media
from postbell.store.posts import Locate, media_from
from postbell.store.tables import media, post_media, series_media


def record_media(tx: Connection, items: Iterable[Media], now: datetime) -> None:
    """Store what is known about files; a file that is known already is left as it is."""
    for item in items:
        values = {
            "sha256": item.sha256,
            "kind": item.kind,
            "mime": item.mime,
            "size": item.size,
            "width": item.width,
            "height": item.height,
            "created_at": now,
        }
        tx.execute(insert(media).values(values).on_conflict_do_nothing())


def find_media(tx: Connection, sha256s: Iterable[str], locate: Locate) -> dict[str, Media]:
    """Return those of these files that are known, without alt texts, under names made of their hashes."""
    rows = tx.execute(select(media).where(media.c.sha256.in_(list(sha256s)))).all()
    return {row.sha256: _media(row, locate) for row in rows}


def _media(row: Row[Any], locate: Locate) -> Media:
    named = {"name": f"{row.sha256[:8]}{SUFFIXES[row.mime]}", "alt": "", "part": 1}
    return media_from({**row._asdict(), **named}, locate)


def forget_unused(tx: Connection, before: datetime) -> list[str]:
    """Forget files that no post or series uses and that are older than `before`; return their sha256."""
    used = select(post_media.c.sha256).union_all(select(series_media.c.sha256))
    statement = (
        delete(media)
        .where(media.c.created_at < before, media.c.sha256.not_in(used))
        .returning(media.c.sha256)
    )
    return list(tx.execute(statement).scalars())
