"""What was published for a while only, and is to be taken away again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, update

from postbell.domain.account import Health
from postbell.domain.post import Delivery
from postbell.domain.states import Outcome
from postbell.errors import Stale
from postbell.store.posts import delivery_from
from postbell.store.tables import account, delivery


_WAITS = and_(delivery.c.delete_at.is_not(None), delivery.c.deleted_at.is_(None))


def due_removals(tx: Connection, now: datetime, limit: int) -> list[Delivery]:
    """Return what is to be taken away by now, what waits longest first, at most `limit`.

    What belongs to an account that must be reconnected, or that rests, is left out; what belongs to one that
    was removed is not: nobody can ever take it away.
    """
    rested = or_(account.c.rests_until.is_(None), account.c.rests_until <= now)
    usable = and_(account.c.health == Health.OK, rested)
    rows = tx.execute(
        select(delivery, account.c.name.label("account"), account.c.network)
        .join(account, account.c.id == delivery.c.account_id)
        .where(_WAITS, delivery.c.delete_at <= now, or_(usable, account.c.removed_at.is_not(None)))
        .order_by(delivery.c.delete_at, delivery.c.id)
        .limit(limit)
    )
    return [delivery_from(row) for row in rows]


def ask_removal(tx: Connection, delivery_id: int, now: datetime) -> None:
    """Have it taken away now. Raises Stale if it is not public any more."""
    public = (delivery.c.result == Outcome.PUBLISHED, delivery.c.deleted_at.is_(None))
    asked = update(delivery).where(delivery.c.id == delivery_id, *public).values(delete_at=now)
    if tx.execute(asked).rowcount != 1:
        raise Stale(f"Delivery {delivery_id} is not public any more; nothing was done.")


def record_removed(tx: Connection, delivery_id: int, now: datetime) -> None:
    """Record that it was taken away. Raises Stale if that is not asked for any more."""
    _change(tx, delivery_id, deleted_at=now)


def postpone_removal(tx: Connection, delivery_id: int, until: datetime) -> None:
    """Try to take it away later. Raises Stale if that is not asked for any more."""
    _change(tx, delivery_id, delete_at=until)


def postpone_removals(tx: Connection, account_id: int, *, now: datetime, until: datetime) -> None:
    """Try later to take away everything that is to be taken away by now with one account."""
    # `likely`: by the index of what waits here, not through everything that the account ever published.
    due = (func.likely(delivery.c.account_id == account_id), _WAITS, delivery.c.delete_at <= now)
    tx.execute(update(delivery).where(*due).values(delete_at=until))


def give_up_removal(tx: Connection, delivery_id: int, warning: str) -> None:
    """Leave it where it is, with a warning. Raises Stale if it was not to be taken away any more."""
    row = tx.execute(select(delivery.c.warnings).where(delivery.c.id == delivery_id)).one_or_none()
    _change(tx, delivery_id, delete_at=None, warnings=[*(row.warnings if row else ()), warning])


def _change(tx: Connection, delivery_id: int, **values: Any) -> None:
    changed = tx.execute(update(delivery).where(delivery.c.id == delivery_id, _WAITS).values(values))
    if changed.rowcount != 1:
        raise Stale(f"Delivery {delivery_id} is not to be taken away any more; nothing was done.")
