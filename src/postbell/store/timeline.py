"""What is, was and will be due, in the order of time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Connection, and_

from postbell.domain.post import Delivery, Post
from postbell.domain.states import DeliveryState
from postbell.store.deliveries import list_deliveries
from postbell.store.posts import Locate, load_posts
from postbell.store.tables.core import delivery


#: A statement has only so many variables: 999 in older builds of SQLite.
_AT_ONCE = 500

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_WAITING = (DeliveryState.SCHEDULED, DeliveryState.PROCESSING)
_EVER = (*_WAITING, DeliveryState.UNSURE, DeliveryState.PROCESSED, DeliveryState.MISSED)


def due_between(
    tx: Connection, start: datetime, end: datetime, *, ended: bool = False, limit: int | None = None
) -> list[Delivery]:
    """Return what is due from `start` on and before `end` (aware), the earliest first, at most `limit`.

    Only what still waits or is under way; with `ended` also what was published, failed, missed or is unsure.
    """
    states = _EVER if ended else _WAITING
    within = and_(delivery.c.state.in_(states), delivery.c.due_at >= start, delivery.c.due_at < end)
    return list_deliveries(tx, within, limit=limit)


def due_before(tx: Connection, end: datetime, *, limit: int | None = None) -> list[Delivery]:
    """Return what was due before `end` (aware) and still waits or is under way, at most `limit`."""
    return due_between(tx, _BEGINNING, end, limit=limit)


def posts_of(tx: Connection, found: Iterable[Delivery], locate: Locate) -> dict[str, Post]:
    """Return the posts of these deliveries by their ids."""
    ids = list(dict.fromkeys(each.post_id for each in found))
    parts = (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
    return {post.id: post for part in parts for post in load_posts(tx, part, locate)}
