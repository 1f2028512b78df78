"""What is waited for, where the clock goes back: a wait lasts as long as it would have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, bindparam, func, literal_column, select, update

from postbell.domain.states import DeliveryState
from postbell.store.comments import OPEN
from postbell.store.tables.after import comment
from postbell.store.tables.core import account, delivery
from postbell.store.tables.events import hook, hook_call


def shift_waits(tx: Connection, step: timedelta, now: datetime, *, longest: timedelta) -> None:
    """Let waits end sooner by the step (negative) by which the clock went back; it says `now` (aware).

    Left alone they would last longer by that. What is over by the clock of before is over by that of now.
    What would still last for longer than the `longest` wait there is was written by a clock of which nobody
    knows how wrong it was: that is over, and what is to lie between two posts, or between a post and its
    first comment, begins anew. When something is to be taken away, changed, read or renewed stays as it is.
    """
    _shift_accounts(tx, step, now, longest)
    _shift_deliveries(tx, step, now, longest)
    _shift_comments(tx, step, now, longest)
    for wait in (hook.c.rests_until, hook_call.c.try_at):
        _shift(tx, wait, step, now, longest)


def _shift_accounts(tx: Connection, step: timedelta, now: datetime, longest: timedelta) -> None:
    _shift(tx, account.c.rests_until, step, now, longest)
    gaps = account.c.next_post_at
    ends = [
        (number, _end(until + step, now, timedelta(seconds=gap or 0) or longest, timedelta(seconds=gap or 0)))
        for number, until, gap in tx.execute(select(account.c.id, gaps, account.c.min_gap).where(gaps > now))
    ]
    _set(tx, gaps, ends)


def _shift_deliveries(tx: Connection, step: timedelta, now: datetime, longest: timedelta) -> None:
    due_at, try_at = delivery.c.due_at, delivery.c.try_at
    scheduled = delivery.c.state == literal_column(f"'{DeliveryState.SCHEDULED}'")
    # By the index of what waits for another try, not through everything that is to come.
    rare = func.likelihood(try_at > now, literal_column("0.000001"))
    rows = tx.execute(select(delivery.c.id, due_at, try_at).where(scheduled, try_at > due_at, rare))
    # Not before it is due: that would be early.
    _set(tx, try_at, [(row.id, max(row.due_at, _end(row.try_at + step, now, longest))) for row in rows])


def _shift_comments(tx: Connection, step: timedelta, now: datetime, longest: timedelta) -> None:
    due_at, try_at = comment.c.due_at, comment.c.try_at
    waiting = select(comment.c.delivery_id, due_at, try_at, delivery.c.ended_at)
    ends = []
    for row in tx.execute(waiting.join_from(comment, delivery).where(OPEN, try_at > now)):
        # It was to come so long after its post was published, by the clock of then: that is a wait as well.
        after = row.due_at - (row.ended_at or row.due_at)
        ends.append((row.delivery_id, _end(row.try_at + step, now, max(longest, after), after)))
    _set(tx, try_at, ends)


def _shift(tx: Connection, wait: Column[Any], step: timedelta, now: datetime, longest: timedelta) -> None:
    (key,) = wait.table.primary_key
    rows = tx.execute(select(key, wait).where(wait > now))
    _set(tx, wait, [(number, _end(until + step, now, longest)) for number, until in rows])


def _end(end: datetime, now: datetime, longest: timedelta, instead: timedelta = timedelta()) -> datetime:
    return end if end <= now + longest else now + instead


def _set(tx: Connection, wait: Column[Any], ends: Sequence[tuple[int, datetime]]) -> None:
    if ends:
        (key,) = wait.table.primary_key
        moved = update(wait.table).where(key == bindparam("of"))
        values = [{"of": number, "end": end} for number, end in ends]
        tx.execute(moved.values({wait: bindparam("end", type_=wait.type)}), values)
