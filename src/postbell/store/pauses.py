"""What the user holds back besides single accounts: everything, a series, a label."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from postbell.domain.pause import Pause, PauseScope
from postbell.domain.post import LATE_AFTER
from postbell.domain.states import DeliveryState
from postbell.store.accounts import end_account_pauses
from postbell.store.prepared import Prepared
from postbell.store.tables.core import account, delivery, post
from postbell.store.tables.core import pause as table


_END = Prepared(delete(table).where(table.c.until <= bindparam("now")).returning(table))


def pause(tx: Connection, wanted: Pause) -> None:
    """Hold back what `wanted` names; where it is paused already, it is paused anew."""
    times = {"since": wanted.since, "until": wanted.until}
    new = insert(table).values(scope=wanted.scope, name=wanted.name, **times)
    tx.execute(new.on_conflict_do_update(index_elements=["scope", "name"], set_=times))


def resume(tx: Connection, scope: PauseScope, name: str, now: datetime) -> bool:
    """Let go on what was paused, and say of what is late now why it is; False if it was not paused."""
    row = tx.execute(
        delete(table).where(table.c.scope == scope, table.c.name == name).returning(table)
    ).one_or_none()
    if row is not None:
        _tell_late(tx, _pause_from(row), now)
    return row is not None


def list_pauses(tx: Connection, now: datetime) -> list[Pause]:
    """Return what is paused now, everything first."""
    active = or_(table.c.until.is_(None), table.c.until > now)
    rows = tx.execute(select(table).where(active).order_by(table.c.scope, table.c.name))
    return [_pause_from(row) for row in rows]


def end_pauses(tx: Connection, now: datetime) -> None:
    """End the pauses whose time has come, those of accounts too, as if the user did at that time."""
    for row in _END.rows(tx, {"now": now}):
        _tell_late(tx, _pause_of(row), row["until"])
    end_account_pauses(tx, now)


def next_end(tx: Connection) -> datetime | None:
    """Return when the first pause of a series or a label ends by itself (aware UTC); None if none does."""
    parts = table.c.scope != PauseScope.EVERYTHING
    first: datetime | None = tx.execute(select(func.min(table.c.until)).where(parts)).scalar_one()
    return first


def everything_held(active: ColumnElement[bool]) -> ColumnElement[bool]:
    """Say in SQL that everything is held back; `active` says which pauses of `tables.pause` count."""
    return exists().where(table.c.scope == PauseScope.EVERYTHING, active).correlate()


def part_held(queued: FromClause, active: ColumnElement[bool]) -> ColumnElement[bool]:
    """Say in SQL that a row of the delivery table is held back with its series or one of its labels.

    Where nothing of that kind is paused, which is known after one look for all rows, no row is looked at.
    """
    parts = or_(table.c.scope == PauseScope.SERIES, table.c.scope == PauseScope.LABEL)
    labels = func.json_each(post.c.labels).table_valued("value", name="label")
    named = or_(
        and_(table.c.scope == PauseScope.SERIES, table.c.name == post.c.series_id),
        and_(table.c.scope == PauseScope.LABEL, table.c.name.in_(select(labels.c.value))),
    )
    any_part = exists().where(parts, active).correlate()
    return and_(any_part, exists().where(post.c.id == queued.c.post_id, active, named).correlate(queued))


def held(active: ColumnElement[bool], account_paused: ColumnElement[bool]) -> ColumnElement[bool]:
    """Say in SQL that a delivery is held back in any way; the conditions say which pauses count."""
    its_account = exists().where(account.c.id == delivery.c.account_id, account_paused).correlate(delivery)
    return or_(everything_held(active), its_account, part_held(delivery, active))


def of_scope(scope: PauseScope, name: str) -> ColumnElement[bool]:
    """Say in SQL that a delivery belongs to what such a pause holds back."""
    if scope is PauseScope.EVERYTHING:
        return delivery.c.id.is_not(None)
    if scope is PauseScope.SERIES:
        return exists().where(post.c.id == delivery.c.post_id, post.c.series_id == name)
    return exists().where(post.c.id == delivery.c.post_id, has_label(post, name))


def of_account(account_id: int) -> ColumnElement[bool]:
    """Say in SQL that a delivery belongs to an account."""
    return delivery.c.account_id == account_id


def count_waiting(tx: Connection, where: ColumnElement[bool], before: datetime | None = None) -> int:
    """Return how many waiting deliveries `where` is true of; with `before` (aware), of those due by then."""
    waiting = [delivery.c.state == DeliveryState.SCHEDULED, where]
    waiting += [delivery.c.due_at < before] if before else []
    count: int = tx.execute(select(func.count()).select_from(delivery).where(*waiting)).scalar_one()
    return count


def list_freed(tx: Connection, where: ColumnElement[bool], now: datetime) -> list[int]:
    """Return the ids of what waits and is due, and nothing holds back, of those that `where` is true of."""
    active = or_(table.c.until.is_(None), table.c.until > now)
    paused = or_(account.c.paused_until.is_(None), account.c.paused_until > now)
    waiting = (delivery.c.state == DeliveryState.SCHEDULED, delivery.c.due_at <= now, where)
    free = not_(held(active, and_(account.c.paused_at.is_not(None), paused)))
    return list(tx.execute(select(delivery.c.id).where(*waiting, free)).scalars())


def has_label(labelled: FromClause, label: str) -> ColumnElement[bool]:
    """Say in SQL that a row of a table with labels has this one."""
    labels = func.json_each(labelled.c.labels).table_valued("value", name="label")
    return literal(label).in_(select(labels.c.value))


def _tell_late(tx: Connection, ended: Pause, at: datetime) -> None:
    """Write down why what was held back is late, if it is and nothing else came first."""
    late = (
        delivery.c.state == DeliveryState.SCHEDULED,
        delivery.c.due_at < at - LATE_AFTER,
        delivery.c.late_reason.is_(None),
        of_scope(ended.scope, ended.name),
    )
    tx.execute(update(delivery).where(*late).values(late_reason=f"{ended.told()} was paused"))


def _pause_from(row: Any) -> Pause:
    return _pause_of(row._asdict())


def _pause_of(values: dict[str, Any]) -> Pause:
    return Pause(**values | {"scope": PauseScope(values["scope"])})
