"""Whether there is anything to do: what the daemon asks at each beat, in one step through an index each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, literal_column, select

from postbell.store.tables import delivery


def _any(*conditions: ColumnElement[bool]) -> Any:
    return select(literal_column("1")).select_from(delivery).where(*conditions).limit(1)


def _in_state(state: str) -> ColumnElement[bool]:
    # As a literal, or SQLite would not see which index will do.
    return delivery.c.state == literal_column(f"'{state}'")


_BY = bindparam("by", type_=delivery.c.due_at.type)
_TO_SEND = _any(_in_state("scheduled"), delivery.c.due_at <= _BY)
_UNSURE = _any(_in_state("unsure"))
_TO_REMOVE = _any(
    delivery.c.delete_at.is_not(None), delivery.c.deleted_at.is_(None), delivery.c.delete_at <= _BY
)


def any_to_send(tx: Connection, by: datetime) -> bool:
    """Whether anything that waits to be sent is due by a time (aware), whatever holds it back."""
    return tx.execute(_TO_SEND, {"by": by}).first() is not None


def any_unsure(tx: Connection) -> bool:
    """Whether it is in doubt of anything if it is public."""
    return tx.execute(_UNSURE).first() is not None


def any_to_remove(tx: Connection, by: datetime) -> bool:
    """Whether anything is to be taken away by a time (aware), whatever holds that up."""
    return tx.execute(_TO_REMOVE, {"by": by}).first() is not None
