"""What was published for a while only, and is to be taken away again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from postbell.domain.post import Delivery
from postbell.store.public import Wish
from postbell.store.tables.core import delivery


_REMOVAL = Wish(column="delete_at", done="taken away")


def due_removals(tx: Connection, now: datetime, limit: int) -> list[Delivery]:
    """Return what is to be taken away by now, at most `limit`; see `Wish.due`."""
    return _REMOVAL.due(tx, now, limit)


def ask_removal(tx: Connection, delivery_id: int, now: datetime) -> None:
    """Have it taken away now. Raises Stale if it is not public any more."""
    _REMOVAL.ask(tx, delivery_id, now)


def record_removed(tx: Connection, delivery_id: int, now: datetime) -> None:
    """Record that it was taken away. Raises Stale if that is not asked for any more."""
    _REMOVAL.change(tx, delivery_id, deleted_at=now)


def postpone_removal(tx: Connection, delivery_id: int, until: datetime) -> None:
    """Try to take it away later. Raises Stale if that is not asked for any more."""
    _REMOVAL.postpone(tx, delivery_id, until)


def postpone_removals(tx: Connection, account_id: int, *, now: datetime, until: datetime) -> None:
    """Try later to take away everything that is to be taken away by now with one account."""
    _REMOVAL.postpone_all(tx, account_id, now=now, until=until)


def give_up_removal(tx: Connection, delivery_id: int, warning: str) -> None:
    """Leave it where it is, with a warning. Raises Stale if it was not to be taken away any more."""
    row = tx.execute(select(delivery.c.warnings).where(delivery.c.id == delivery_id)).one_or_none()
    _REMOVAL.change(tx, delivery_id, delete_at=None, warnings=[*(row.warnings if row else ()), warning])
