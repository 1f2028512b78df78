"""Who has fetched the files of deliveries, in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from postbell.store.tables.core import delivery
from postbell.store.tables.fetches import fetch


#: So many are kept of one delivery: the first say all that there is to know.
MOST = 200


@dataclass(frozen=True, kw_only=True)
class Fetch:
    """Somebody fetched a file of a delivery."""

    delivery_id: int
    file: str
    #: Aware UTC.
    at: datetime
    address: str
    agent: str


def record_fetch(tx: Connection, number: int, *, file: str, address: str, agent: str, now: datetime) -> None:
    """Store that a file of a delivery was fetched; not for one that is gone, and not without end."""
    known = tx.execute(select(delivery.c.id).where(delivery.c.id == number)).first()
    so_far = tx.execute(select(func.count()).where(fetch.c.delivery_id == number)).scalar_one()
    if known and so_far < MOST:
        values = {"delivery_id": number, "file": file, "at": now, "address": address, "agent": agent[:200]}
        tx.execute(insert(fetch).values(values))


def list_fetches(tx: Connection, numbers: Sequence[int]) -> list[Fetch]:
    """Return what was fetched of deliveries, the first first."""
    columns = [fetch.c[name] for name in ("delivery_id", "file", "at", "address", "agent")]
    rows = tx.execute(select(*columns).where(fetch.c.delivery_id.in_(list(numbers))).order_by(fetch.c.id))
    return [Fetch(**row._asdict()) for row in rows]
