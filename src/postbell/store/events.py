"""What happened, read and forgotten; `postbell.store.triggers` writes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select

from postbell.domain.event import Event, EventKind
from postbell.store.event_tables import event
from postbell.store.prepared import Prepared
from postbell.store.retention import AT_ONCE, Step


_AFTER = Prepared(
    select(event).where(event.c.id > bindparam("after")).order_by(event.c.id).limit(bindparam("most"))
)
_LAST = Prepared(select(func.max(event.c.id).label("id")))
_FIRST = Prepared(select(func.min(event.c.id).label("id")))


def events_after(tx: Connection, after: int, most: int) -> list[Event]:
    """Return what happened after the event of this number, in its order, at most so much."""
    return [_event_from(row) for row in _AFTER.rows(tx, {"after": after, "most": most})]


def last_id(tx: Connection) -> int:
    """Return the number of the last event that is kept, 0 where there is none."""
    ((last,),) = _LAST.tuples(tx)
    return int(last or 0)


def first_id(tx: Connection) -> int | None:
    """Return the number of the first event that is kept, None where there is none."""
    ((first,),) = _FIRST.tuples(tx)
    return first if first is None else int(first)


def prune_events(tx: Connection, before: datetime) -> Step:
    """Forget what was written down before an instant (aware), a little at a time.

    Events count up in the order of time, so the first that is younger ends it.
    """
    rows = tx.execute(select(event.c.id, event.c.at).order_by(event.c.id).limit(AT_ONCE)).all()
    old = [row.id for row in rows if row.at < before]
    if old:
        tx.execute(delete(event).where(event.c.id <= old[-1]))
    return Step(removed=len(old), after=0 if len(old) == AT_ONCE else None)


def count_old_events(tx: Connection, before: datetime) -> int:
    """Return how many would be forgotten."""
    return int(tx.execute(select(func.count()).where(event.c.at < before)).scalar_one())


def _event_from(row: dict[str, Any]) -> Event:
    return Event(**row | {"kind": EventKind(row["kind"])})
