"""Why there is caution with what the database says, and until when it was known to be sound."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, and_, exists, func, select, update

from postbell.domain.caution import Cause, Caution
from postbell.domain.pause import PauseScope
from postbell.domain.post import FORGOTTEN, AttemptKind
from postbell.domain.states import DeliveryState
from postbell.store.tables.core import account, attempt, delivery, pause
from postbell.store.tables.mark import mark


def note_alive(tx: Connection, now: datetime) -> None:
    """Store that the database was there, and a daemon worked on it, at `now` (aware)."""
    tx.execute(update(mark).values(alive_at=now))


def last_alive(tx: Connection) -> datetime | None:
    """Return when that was last stored (aware UTC); None if it never was."""
    at: datetime | None = tx.execute(select(mark.c.alive_at)).scalar_one()
    return at


def begin_caution(
    tx: Connection, cause: Cause, now: datetime, *, known_until: datetime | None, lost: int = 0
) -> None:
    """Store that what is overdue is looked up before it is sent, why, and what the database has forgotten."""
    tx.execute(update(mark).values(cause=cause, cautious_since=now, known_until=known_until, lost_edits=lost))


def read_caution(tx: Connection, can_ask: Callable[[str], bool]) -> Caution | None:
    """Return the last cause for caution, and how much is still in doubt because of it.

    `can_ask` tells of a network's key whether it can be asked what is public.
    """
    row = tx.execute(select(mark)).one()
    if row.cause is None:
        return None
    held = select(pause.c.name).where(
        pause.c.scope == PauseScope.EVERYTHING, pause.c.since == row.cautious_since
    )
    of_delivery = attempt.c.delivery_id == delivery.c.id
    tried = and_(of_delivery, attempt.c.kind == AttemptKind.PUBLISH)
    last = select(func.max(attempt.c.id)).where(tried).correlate(delivery).scalar_subquery()
    forgotten = exists().where(attempt.c.id == last, attempt.c.result == FORGOTTEN)
    counts = (
        select(account.c.network, func.count().label("n"))
        .select_from(delivery)
        .join(account, account.c.id == delivery.c.account_id)
        .where(delivery.c.state == DeliveryState.UNSURE, forgotten)
        .group_by(account.c.network)
    )
    by_network = {each.network: each.n for each in tx.execute(counts)}
    asked = sum(count for network, count in by_network.items() if can_ask(network))
    return Caution(
        cause=Cause(row.cause),
        since=row.cautious_since,
        known_until=row.known_until,
        lost=row.lost_edits,
        holds=tx.execute(held).first() is not None,
        left=sum(by_network.values()),
        asked=asked,
    )
