"""How people respond to what was published: what was read, and what is to be read when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, insert, or_, select, update

from postbell.domain.account import Health
from postbell.domain.metrics import Reading
from postbell.domain.post import Delivery
from postbell.store.posts import delivery_from
from postbell.store.tables.after import reading
from postbell.store.tables.core import account, delivery


def due_readings(tx: Connection, now: datetime, limit: int) -> list[Delivery]:
    """Return what is to be looked at by now, what waits longest first, at most `limit`.

    What belongs to an account that must be reconnected, rests or was removed is left out.
    """
    rested = or_(account.c.rests_until.is_(None), account.c.rests_until <= now)
    rows = tx.execute(
        select(delivery, account.c.name.label("account"), account.c.network)
        .join(account, account.c.id == delivery.c.account_id)
        .where(delivery.c.metrics_at <= now, account.c.removed_at.is_(None))
        .where(account.c.health == Health.OK, rested)
        .order_by(delivery.c.metrics_at, delivery.c.id)
        .limit(limit)
    )
    return [delivery_from(row) for row in rows]


def add_reading(tx: Connection, delivery_id: int, counts: Mapping[str, int], now: datetime) -> None:
    """Write down what a network says of a published delivery."""
    tx.execute(insert(reading).values(delivery_id=delivery_id, read_at=now, counts=dict(counts)))


def read_again(tx: Connection, delivery_id: int, at: datetime | None) -> None:
    """Look at a delivery again then, or never."""
    tx.execute(update(delivery).where(delivery.c.id == delivery_id).values(metrics_at=at))


def postpone_readings(tx: Connection, account_id: int, *, now: datetime, until: datetime) -> None:
    """Look later at everything that is to be looked at by now with one account."""
    # `likely`: by the index of what waits here, not through everything that the account ever published.
    due = (func.likely(delivery.c.account_id == account_id), delivery.c.metrics_at <= now)
    tx.execute(update(delivery).where(*due).values(metrics_at=until))


def list_readings(tx: Connection, post_id: str) -> list[Reading]:
    """Return what was ever read of a post, the oldest first."""
    rows = tx.execute(
        select(account.c.name, reading.c.read_at, reading.c.counts)
        .select_from(reading)
        .join(delivery, delivery.c.id == reading.c.delivery_id)
        .join(account, account.c.id == delivery.c.account_id)
        .where(delivery.c.post_id == post_id)
        .order_by(reading.c.id)
    )
    return [Reading(account=row.name, read_at=row.read_at, counts=row.counts) for row in rows]
