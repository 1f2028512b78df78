"""The log of tries: opened before anything is sent, closed after it, never changed again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    bindparam,
    case,
    delete,
    exists,
    insert,
    select,
    update,
)

from postbell.domain.post import FORGOTTEN, Attempt, AttemptKind
from postbell.domain.states import DeliveryState
from postbell.errors import Stale
from postbell.store.many import as_list, as_time, listed, part
from postbell.store.prepared import Prepared
from postbell.store.tables.core import attempt, delivery


#: How a try ended during which the process did.
INTERRUPTED = "interrupted"
#: What is said of a try of which nothing was sent yet, and of one during which the process ended before that.
PREPARING = "its files are made to fit; nothing is sent yet"
UNSENT = "the process ended before anything was sent"

_OPEN = Prepared(
    insert(attempt)
    .from_select(
        ["delivery_id", "kind", "started_at"],
        select(
            listed("of").c.value,
            bindparam("kind", type_=attempt.c.kind.type),
            bindparam("now", type_=attempt.c.started_at.type),
        ),
    )
    .returning(attempt.c.id, attempt.c.delivery_id)
)
_ENDED = listed("ended")
_CLOSE = Prepared(
    update(attempt)
    .where(attempt.c.id == part(_ENDED, 0), attempt.c.ended_at.is_(None))
    .values(ended_at=part(_ENDED, 1), result=bindparam("how"), message=None)
)


def open_attempts(
    tx: Connection, delivery_ids: Sequence[int], kind: AttemptKind, now: datetime
) -> dict[int, int]:
    """Open a try of each of these deliveries in the log; return their ids by delivery."""
    rows = _OPEN.tuples(tx, {"of": as_list(delivery_ids), "kind": kind, "now": now})
    return {delivery_id: attempt_id for attempt_id, delivery_id in rows}


def close_attempts(tx: Connection, ended: Sequence[tuple[int, datetime]], *, result: str) -> None:
    """Write down that these tries ended the same way, and when: (id, instant) each.

    Raises Stale if that was written already of one of them.
    """
    values = as_list((attempt_id, as_time(now)) for attempt_id, now in ended)
    if _CLOSE.run(tx, {"ended": values, "how": result}) != len(ended):
        raise Stale("One of these attempts was closed already.")


def open_attempt(tx: Connection, delivery_id: int, kind: AttemptKind, now: datetime) -> int:
    """Open a try in the log and return its id."""
    values = {"delivery_id": delivery_id, "kind": kind, "started_at": now}
    return int(tx.execute(insert(attempt).values(values).returning(attempt.c.id)).scalar_one())


def close_attempt(
    tx: Connection, attempt_id: int, *, result: str, message: str | None, now: datetime
) -> None:
    """Write down how a try ended; raises Stale if that was written already."""
    statement = (
        update(attempt)
        .where(attempt.c.id == attempt_id, attempt.c.ended_at.is_(None))
        .values(ended_at=now, result=result, message=message)
    )
    if tx.execute(statement).rowcount != 1:
        raise Stale(f"Attempt {attempt_id} was closed already.")


def note(tx: Connection, attempt_id: int, message: str | None) -> None:
    """Write down what is known of a try that is under way; raises Stale if it has ended."""
    under_way = (attempt.c.id == attempt_id, attempt.c.ended_at.is_(None))
    if tx.execute(update(attempt).where(*under_way).values(message=message)).rowcount != 1:
        raise Stale(f"Attempt {attempt_id} was closed already.")


def withdraw_attempt(tx: Connection, attempt_id: int) -> None:
    """Forget a try that was opened in this very transaction: nothing was sent."""
    tx.execute(delete(attempt).where(attempt.c.id == attempt_id))


def close_interrupted(
    tx: Connection, delivery_id: int, now: datetime, *, kind: AttemptKind | None = None
) -> bool:
    """Close the tries that a dead process left open: of one kind where those of others may be under way.

    Return whether it is known that nothing was sent in them.
    """
    of_kind = [attempt.c.kind == kind] if kind else []
    unsent = attempt.c.message.is_not_distinct_from(PREPARING)
    told = case((unsent, UNSENT), else_="the process ended during the try")
    statement = (
        update(attempt)
        .where(attempt.c.delivery_id == delivery_id, attempt.c.ended_at.is_(None), *of_kind)
        .values(ended_at=now, result=INTERRUPTED, message=told)
        .returning(attempt.c.message)
    )
    return set(tx.execute(statement).scalars()) == {UNSENT}


def being_looked_up(tx: Connection) -> set[int]:
    """Return the ids of the unsure deliveries of which a look-up has not ended."""
    open_ = exists().where(attempt.c.delivery_id == delivery.c.id, attempt.c.ended_at.is_(None))
    found = select(delivery.c.id).where(delivery.c.state == DeliveryState.UNSURE, open_)
    return set(tx.execute(found).scalars())


def add_forgotten(tx: Connection, since: Mapping[int, datetime], message: str, *, now: datetime) -> None:
    """Write down for each delivery a try that there may have been between an instant and `now` (aware)."""
    values = {"kind": AttemptKind.PUBLISH, "ended_at": now, "result": FORGOTTEN, "message": message}
    rows = [values | {"delivery_id": delivery_id, "started_at": at} for delivery_id, at in since.items()]
    if rows:
        tx.execute(insert(attempt), rows)


def list_attempts(tx: Connection, delivery_ids: Sequence[int]) -> list[Attempt]:
    """Return the tries of these deliveries, oldest first."""
    rows = tx.execute(select(attempt).where(attempt.c.delivery_id.in_(delivery_ids)).order_by(attempt.c.id))
    return [Attempt(**row._asdict() | {"kind": AttemptKind(row.kind)}) for row in rows]


def last_try_began(delivery_id: ColumnElement[int]) -> ScalarSelect[datetime]:
    """Say in SQL when the last try to publish a delivery began of which anybody knows; null without one."""
    known = (attempt.c.kind == AttemptKind.PUBLISH, attempt.c.result.is_distinct_from(FORGOTTEN))
    tries = select(attempt.c.started_at).where(attempt.c.delivery_id == delivery_id, *known)
    return tries.order_by(attempt.c.id.desc()).limit(1).scalar_subquery()


def is_forgotten(tx: Connection, delivery_id: int) -> bool:
    """Whether nobody knows of the last try to publish a delivery if it was made at all."""
    of_delivery = (attempt.c.delivery_id == delivery_id, attempt.c.kind == AttemptKind.PUBLISH)
    last = select(attempt.c.result).where(*of_delivery).order_by(attempt.c.id.desc()).limit(1)
    return tx.execute(last).scalar_one_or_none() == FORGOTTEN
