"""What accounts and deliveries wait for, where the clock goes back: a wait lasts as long as it would have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, bindparam, func, literal_column, select, update

from postbell.domain.states import DeliveryState
from postbell.store.tables.core import account, delivery


def shift_waits(tx: Connection, step: timedelta, now: datetime, *, longest: timedelta) -> None:
    """Let waits end sooner by the step (negative) by which the clock went back; it says `now` (aware).

    Left alone they would last longer by that. What is over by the clock of before is over by that of now.
    What would still last for longer than the `longest` wait there is was written by a clock of which nobody
    knows how wrong it was: that is over, and a gap between posts begins anew.
    """
    rests, gaps = account.c.rests_until, account.c.next_post_at
    ends = [
        (number, _end(until + step, now, longest))
        for number, until in tx.execute(select(account.c.id, rests).where(rests > now))
    ]
    _set(tx, rests, ends)
    ends = [
        (number, _end(until + step, now, timedelta(seconds=gap or 0) or longest, timedelta(seconds=gap or 0)))
        for number, until, gap in tx.execute(select(account.c.id, gaps, account.c.min_gap).where(gaps > now))
    ]
    _set(tx, gaps, ends)
    due_at, try_at = delivery.c.due_at, delivery.c.try_at
    scheduled = delivery.c.state == literal_column(f"'{DeliveryState.SCHEDULED}'")
    # By the index of what waits for another try, not through everything that is to come.
    rare = func.likelihood(try_at > now, literal_column("0.000001"))
    rows = tx.execute(select(delivery.c.id, due_at, try_at).where(scheduled, try_at > due_at, rare))
    # Not before it is due: that would be early.
    _set(tx, try_at, [(row.id, max(row.due_at, _end(row.try_at + step, now, longest))) for row in rows])


def _end(end: datetime, now: datetime, longest: timedelta, instead: timedelta = timedelta()) -> datetime:
    return end if end <= now + longest else now + instead


def _set(tx: Connection, wait: Column[Any], ends: Sequence[tuple[int, datetime]]) -> None:
    if ends:
        moved = update(wait.table).where(wait.table.c.id == bindparam("of"))
        values = [{"of": number, "end": end} for number, end in ends]
        tx.execute(moved.values({wait: bindparam("end", type_=wait.type)}), values)
