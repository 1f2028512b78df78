"""What happened, read and forgotten; `postbell.store.triggers` writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, literal_column, select, text

from postbell.domain.event import Event, EventKind
from postbell.domain.hook import CallState
from postbell.store.many import as_list, one_of
from postbell.store.prepared import Prepared
from postbell.store.retention import AT_ONCE, Step
from postbell.store.tables.events import event, hook, hook_call


_AFTER = Prepared(
    select(event)
    .where(event.c.id > bindparam("after"), event.c.kind.in_(one_of("kinds")))
    .order_by(event.c.id)
    .limit(bindparam("most"))
)
#: More than any event's number.
_ALL = 2**62


def _free() -> tuple[ColumnElement[bool], ...]:
    """Say in SQL that every hook was told of an event, or it was given up."""
    waiting = hook_call.c.state == literal_column(f"'{CallState.WAITING}'")
    told = select(func.coalesce(func.min(hook.c.after), _ALL)).scalar_subquery()
    waits = select(func.coalesce(func.min(hook_call.c.event_id), _ALL)).where(waiting).scalar_subquery()
    return event.c.id <= told, event.c.id < waits


_FREE = _free()
_LAST = Prepared(select(func.max(event.c.id).label("id")))
_FIRST = Prepared(select(func.min(event.c.id).label("id")))


def events_after(
    tx: Connection, after: int, most: int, kinds: Sequence[EventKind] = tuple(EventKind)
) -> list[Event]:
    """Return what happened after the event of this number, in its order, at most so much of these kinds."""
    values = {"after": after, "most": most, "kinds": as_list(map(str, kinds))}
    return [event_from(row) for row in _AFTER.rows(tx, values)]


def last_id(tx: Connection) -> int:
    """Return the number of the last event that is kept, 0 where there is none."""
    ((last,),) = _LAST.tuples(tx)
    return int(last or 0)


def last_number(tx: Connection) -> int:
    """Return the number of the last event that there was, kept or not, 0 where there was none."""
    last = tx.execute(text("SELECT seq FROM sqlite_sequence WHERE name = 'event'")).scalar_one_or_none()
    return int(last or 0)


def first_id(tx: Connection) -> int | None:
    """Return the number of the first event that is kept, None where there is none."""
    ((first,),) = _FIRST.tuples(tx)
    return first if first is None else int(first)


def prune_events(tx: Connection, before: datetime) -> Step:
    """Forget what was written down before an instant (aware), a little at a time.

    Events count up in the order of time, so the first that is younger ends it. What a hook is still to be
    told is not forgotten.
    """
    rows = tx.execute(select(event.c.id, event.c.at).where(*_FREE).order_by(event.c.id).limit(AT_ONCE)).all()
    old = [row.id for row in rows if row.at < before]
    if old:
        tx.execute(delete(event).where(event.c.id <= old[-1]))
    return Step(removed=len(old), after=0 if len(old) == AT_ONCE else None)


def count_old_events(tx: Connection, before: datetime) -> int:
    """Return how many would be forgotten."""
    return int(tx.execute(select(func.count()).where(event.c.at < before, *_FREE)).scalar_one())


def event_from(columns: Mapping[str, Any]) -> Event:
    """Return the event in a row of the event table, by column; more columns do no harm."""
    values = {column.name: columns[column.name] for column in event.c}
    return Event(**values | {"kind": EventKind(values["kind"])})
