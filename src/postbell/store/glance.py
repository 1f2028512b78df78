"""Whether there is anything to do, and when: what the daemon asks again and again, in a step or two each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, literal_column, select, union_all

from postbell.store.prepared import Prepared
from postbell.store.tables.core import account, delivery, pause


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
_TO_EDIT = _any(delivery.c.edit_at <= _BY, delivery.c.deleted_at.is_(None))
_TO_READ = _any(delivery.c.metrics_at <= _BY)


_TO_RENEW: Any = select(literal_column("1")).select_from(account).where(account.c.renew_at <= _BY).limit(1)


def _next_change() -> Any:
    now, due_at, try_at = bindparam("now", type_=delivery.c.due_at.type), delivery.c.due_at, delivery.c.try_at
    # Few wait for another try: left to itself SQLite goes through everything that waits to find them.
    rare = func.likelihood(try_at > now, literal_column("0.000001"))
    waits = (account.c.rests_until, account.c.next_post_at, account.c.paused_until, pause.c.until)
    times = union_all(
        select(func.min(due_at).label("at")).where(_in_state("scheduled"), due_at > now),
        select(func.min(try_at)).where(_in_state("scheduled"), try_at > due_at, rare),
        *(select(func.min(until)).where(until > now) for until in waits),
    ).subquery()
    return select(func.min(times.c.at).label("at"))


_NEXT_CHANGE = Prepared(_next_change())


def next_change(tx: Connection, now: datetime) -> datetime | None:
    """Return when, after `now` (aware), something may be sent that may not yet; None if time changes nothing.

    Something is due then, or may be tried again, or an account or a pause has waited long enough. That may
    not suffice: what else holds it back is not looked at, or it would have to be at everything that waits.
    """
    (row,) = _NEXT_CHANGE.rows(tx, {"now": now})
    at: datetime | None = row["at"]
    return at


def any_to_send(tx: Connection, by: datetime) -> bool:
    """Whether anything that waits to be sent is due by a time (aware), whatever holds it back."""
    return tx.execute(_TO_SEND, {"by": by}).first() is not None


def any_unsure(tx: Connection) -> bool:
    """Whether it is in doubt of anything if it is public."""
    return tx.execute(_UNSURE).first() is not None


def any_to_renew(tx: Connection, by: datetime) -> bool:
    """Whether tokens of any account are to be traded in by a time (aware), whatever holds that up."""
    return tx.execute(_TO_RENEW, {"by": by}).first() is not None


def any_to_remove(tx: Connection, by: datetime) -> bool:
    """Whether anything is to be taken away by a time (aware), whatever holds that up."""
    return tx.execute(_TO_REMOVE, {"by": by}).first() is not None


def any_to_edit(tx: Connection, by: datetime) -> bool:
    """Whether anything is to be changed where it is public by a time (aware), whatever holds that up."""
    return tx.execute(_TO_EDIT, {"by": by}).first() is not None


def any_to_read(tx: Connection, by: datetime) -> bool:
    """Whether any network is to be asked by a time (aware) how people respond, whatever holds that up."""
    return tx.execute(_TO_READ, {"by": by}).first() is not None
