"""Deliveries in the database: one verb for each step of the state table, and the log of tries.

Every verb guards its step in the WHERE clause of one UPDATE. Where that finds no row it raises Stale: nothing
is ever changed from a state in which the table does not allow it. `likely` makes SQLite look for the row by
its id: left to itself it goes through everything that is in the state.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Update,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    not_,
    or_,
    select,
    update,
)

from postbell.domain.post import Delivery, PlacedBy
from postbell.domain.retry import STUCK_AFTER
from postbell.domain.states import POST_STEPS as _POST_STEPS
from postbell.domain.states import (
    DeliveryEvent,
    DeliveryState,
    Outcome,
    PostEvent,
    PostState,
    delivery_step,
    post_sources,
)
from postbell.errors import Stale
from postbell.store.attempts import last_try_began
from postbell.store.many import as_list, one_of
from postbell.store.posts import delivery_from
from postbell.store.prepared import Prepared
from postbell.store.spans import seconds_of
from postbell.store.tables.core import account, delivery, post
from postbell.store.told import ALL_PUBLIC, CANCELLED, CANCELLED_IN_DOUBT, told


_OTHER = delivery.alias("other")


def waits_after(of: FromClause, tries: int) -> ColumnElement[bool]:
    """Say in SQL that a row of the delivery table waits after so many tries, one at least, or more.

    There is an index of what does. SQLite sees that it will do by the literals, and that it is the best by
    the likelihood.
    """
    waits: ColumnElement[str] = literal_column(f"'{DeliveryState.SCHEDULED}'")
    none: ColumnElement[int] = literal_column("0")
    enough = func.likelihood(of.c.tries >= tries, literal_column("0.000001"))
    return and_(of.c.state == waits, of.c.tries > none, enough)


_UNTIL = bindparam("until", type_=delivery.c.try_at.type)
_STUCK_OF_ACCOUNT = (delivery.c.account_id == bindparam("of"), waits_after(delivery, STUCK_AFTER))
_STEP_ASIDE = update(delivery).where(*_STUCK_OF_ACCOUNT, delivery.c.try_at < _UNTIL).values(try_at=_UNTIL)
_FREE_STUCK = update(delivery).where(*_STUCK_OF_ACCOUNT, delivery.c.try_at > _UNTIL).values(try_at=_UNTIL)

#: What a draft has none of. It keeps its date.
UNPLANNED: dict[str, Any] = dict.fromkeys(
    ("try_at", "late_limit", "expires_at", "stream", "fingerprint", "placed_by", "placed_why")
)


def add_deliveries(tx: Connection, post_id: str, keys: Sequence[tuple[int, str]]) -> None:
    """Give a draft its deliveries: (account id, key) each."""
    rows = [
        {
            "post_id": post_id,
            "account_id": account_id,
            "key": key,
            "state": DeliveryState.DRAFT,
            "tries": 0,
            "warnings": [],
        }
        for account_id, key in keys
    ]
    if rows:
        tx.execute(insert(delivery), rows)


def drop_deliveries(tx: Connection, post_id: str, account_ids: Iterable[int]) -> None:
    """Take accounts away from a post that nothing was tried for."""
    untried = (DeliveryState.DRAFT, DeliveryState.SCHEDULED)
    of_accounts = delivery.c.account_id.in_(list(account_ids))
    tx.execute(
        delete(delivery).where(delivery.c.post_id == post_id, of_accounts, delivery.c.state.in_(untried))
    )


@dataclass(frozen=True, kw_only=True)
class Planned:
    """When one account is to publish a post, and under which rules."""

    account_id: int
    #: All instants are aware UTC.
    at: datetime
    late_limit: timedelta | None = None
    expires_at: datetime | None = None
    stream: str | None = None
    fingerprint: str | None = None
    placed_by: PlacedBy | None = None
    placed_why: str | None = None
    wall: str | None = None


def planned_values(planned: Planned) -> dict[str, Any]:
    """Return what is written down of a plan."""
    return {
        "due_at": planned.at,
        "try_at": planned.at,
        "late_limit": seconds_of(planned.late_limit),
        "expires_at": planned.expires_at,
        "stream": planned.stream,
        "fingerprint": planned.fingerprint,
        "placed_by": planned.placed_by,
        "placed_why": planned.placed_why,
        "wall": planned.wall,
    }


def schedule_deliveries(tx: Connection, post_id: str, plan: Iterable[Planned]) -> None:
    """Make the deliveries of a post due as planned; raises Stale if an account is not one of its any more."""
    for planned in plan:
        where = and_(delivery.c.post_id == post_id, delivery.c.account_id == planned.account_id)
        if not move(tx, where, DeliveryEvent.SCHEDULE, message=None, **planned_values(planned)):
            raise Stale(f"The accounts of post {post_id} were removed meanwhile; nothing was done.")


def unschedule_deliveries(tx: Connection, post_id: str) -> None:
    """Make every delivery of a post a draft again; its date stays."""
    move(tx, delivery.c.post_id == post_id, DeliveryEvent.UNSCHEDULE, **UNPLANNED)


def save_progress(tx: Connection, delivery_id: int, progress: dict[str, Any]) -> None:
    """Store what was done so far, while the delivery is under way, or what was found then; raises Stale."""
    open_ = delivery.c.state.in_((DeliveryState.PROCESSING, DeliveryState.UNSURE))
    statement = update(delivery).where(delivery.c.id == delivery_id, open_).values(progress=progress)
    _expect_one(tx.execute(statement).rowcount, delivery_id)


def tell(tx: Connection, delivery_id: int, message: str) -> None:
    """Store why a delivery is as it is."""
    tx.execute(update(delivery).where(delivery.c.id == delivery_id).values(message=message))


def record_published(
    tx: Connection,
    delivery_id: int,
    *,
    receipt_id: str,
    url: str | None,
    warnings: Sequence[str],
    now: datetime,
    found: bool = False,
    late_reason: str | None = None,
    delete_at: datetime | None = None,
    metrics_at: datetime | None = None,
) -> None:
    """Record that it is public; `found` says that a look-up or the user told so. Raises Stale.

    A `late_reason` takes the place of what is stored. At `delete_at` it is taken away again, at `metrics_at`
    it is asked how people respond.
    """
    late = {} if late_reason is None else {"late_reason": late_reason}
    values = late | {
        "result": Outcome.PUBLISHED,
        "receipt_id": receipt_id,
        "url": url,
        "warnings": list(warnings),
        "ended_at": now,
        "message": None,
        "delete_at": delete_at,
        "metrics_at": metrics_at,
    }
    _move_one(tx, delivery_id, DeliveryEvent.FIND if found else DeliveryEvent.PUBLISH, **values)


def record_failed(tx: Connection, delivery_id: int, message: str, now: datetime) -> None:
    """Record that it will not become public by itself. Raises Stale."""
    _move_one(tx, delivery_id, DeliveryEvent.FAIL, result=Outcome.FAILED, message=message, ended_at=now)


def record_retry(tx: Connection, delivery_id: int, message: str, try_at: datetime) -> None:
    """Record that nothing was accepted, and when to try again. Raises Stale."""
    _move_one(tx, delivery_id, DeliveryEvent.RETRY, message=message, try_at=try_at)


def snooze(tx: Connection, delivery_id: int, message: str | None, try_at: datetime) -> None:
    """Let it go on later; the try does not count. Raises Stale."""
    _move_one(tx, delivery_id, DeliveryEvent.SNOOZE, message=message, try_at=try_at)


def lose_track(tx: Connection, delivery_id: int, message: str) -> None:
    """Record that it may be public already. Raises Stale."""
    _move_one(tx, delivery_id, DeliveryEvent.LOSE, message=message)


def resend(tx: Connection, delivery_id: int, *, try_at: datetime, message: str | None = None) -> None:
    """Send an unsure one again: a look-up or the user says that it is not public. Raises Stale."""
    _move_one(tx, delivery_id, DeliveryEvent.RESEND, try_at=try_at, message=message)
    _move_posts_of(tx, delivery_id, PostEvent.REOPEN)


def give_up(tx: Connection, delivery_id: int, message: str, now: datetime) -> None:
    """Call an unsure one failed, because the user says so. Raises Stale."""
    _move_one(tx, delivery_id, DeliveryEvent.GIVE_UP, result=Outcome.FAILED, message=message, ended_at=now)


def reopen(tx: Connection, delivery_id: int, now: datetime, *, unsure: bool = False) -> None:
    """Try a failed or missed one, or one that is `unsure`, again from the beginning, due now.

    Raises Stale for a published one, and for one of a post that is a draft or cancelled.
    The user's word beats the last moment of the post, and what is newer in its series.
    """
    of_delivery = delivery.c.id == delivery_id
    late_limit = tx.execute(select(delivery.c.late_limit).where(of_delivery)).scalar_one_or_none()
    not_public = or_(delivery.c.result.is_(None), delivery.c.result != Outcome.PUBLISHED)
    going_on = exists().where(
        post.c.id == delivery.c.post_id, post.c.state.not_in((PostState.DRAFT, PostState.CANCELLED))
    )
    values: dict[str, Any] = dict.fromkeys(("result", "ended_at", "message", "wall", "late_reason", "stream"))
    values |= {"due_at": now, "try_at": now, "tries": 0}
    values["expires_at"] = None if late_limit is None else now + timedelta(seconds=late_limit)
    moved = move(
        tx,
        and_(of_delivery, not_public, going_on),
        DeliveryEvent.RESEND if unsure else DeliveryEvent.REOPEN,
        **values,
    )
    _expect_one(moved, delivery_id)
    _move_posts_of(tx, delivery_id, PostEvent.REOPEN)


def cancel_waiting(tx: Connection, post_id: str, now: datetime, *, in_doubt: Sequence[int] = ()) -> int:
    """Cancel every delivery of a post that is not under way, nor all public; return how many that were.

    Those `in_doubt` say afterwards that they may be public.
    """
    where = and_(delivery.c.post_id == post_id, not_(ALL_PUBLIC))
    doubted = and_(where, delivery.c.id.in_(in_doubt))
    event, count = DeliveryEvent.CANCEL, 0
    if in_doubt:
        count = move(tx, doubted, event, ended_at=now, message=CANCELLED_IN_DOUBT)
    count += move(tx, where, event, ended_at=now, message=CANCELLED)
    finish_posts(tx, where)
    return count


def hasten(tx: Connection, post_id: str, now: datetime) -> None:
    """Let the waiting deliveries of a post be tried at once, also those whose time is still to come."""
    waiting = and_(delivery.c.post_id == post_id, delivery.c.state == DeliveryState.SCHEDULED)
    tx.execute(update(delivery).where(waiting).values(try_at=now))
    tx.execute(update(delivery).where(waiting, delivery.c.due_at > now).values(due_at=now, wall=None))


def step_aside(tx: Connection, account_id: int, until: datetime) -> None:
    """Let what is stuck of an account wait until a time at least: something else is to be tried before it."""
    tx.execute(_STEP_ASIDE, {"of": account_id, "until": until})


def free_stuck(tx: Connection, account_id: int, now: datetime) -> None:
    """Let what is stuck of an account be tried at once, in the order in which it was due."""
    tx.execute(_FREE_STUCK, {"of": account_id, "until": now})


def list_in_state(tx: Connection, state: DeliveryState) -> list[Delivery]:
    """Return every delivery in a state, the earliest due first."""
    return list_deliveries(tx, delivery.c.state == state)


def count_by_state(tx: Connection) -> dict[DeliveryState, int]:
    """Return how many deliveries are in each state."""
    rows = tx.execute(select(delivery.c.state, func.count().label("n")).group_by(delivery.c.state))
    return {DeliveryState(row.state): row.n for row in rows}


def list_deliveries(
    tx: Connection, where: ColumnElement[bool], *, limit: int | None = None
) -> list[Delivery]:
    """Return the deliveries for which `where` is true, the earliest due first, at most `limit`."""
    rows = tx.execute(
        select(delivery, account.c.name.label("account"), account.c.network)
        .join(account, account.c.id == delivery.c.account_id)
        .where(where)
        .order_by(delivery.c.due_at, delivery.c.id)
        .limit(limit)
    )
    return [delivery_from(row) for row in rows]


def move(tx: Connection, where: ColumnElement[bool], event: DeliveryEvent, **values: Any) -> int:
    """Take the step `event` with every delivery for which `where` is true and which may; return how many."""
    sources, target = delivery_step(event)
    allowed = func.likely(delivery.c.state.in_(sources))
    return tx.execute(update(delivery).where(where, allowed).values(state=target, **values)).rowcount


def _move_one(tx: Connection, delivery_id: int, event: DeliveryEvent, **values: Any) -> None:
    given = {f"to_{name}": value for name, value in values.items()}
    rows = tx.execute(_step(event, tuple(values)), {"of": delivery_id} | given).rowcount
    _expect_one(rows, delivery_id)
    end_posts(tx, [delivery_id])


@functools.cache
def _step(event: DeliveryEvent, names: tuple[str, ...]) -> Update:
    """Return what takes a step with one delivery; built once."""
    sources, target = delivery_step(event)
    values: dict[str, Any] = {name: bindparam(f"to_{name}", type_=delivery.c[name].type) for name in names}
    if event is DeliveryEvent.SNOOZE:
        values["tries"] = delivery.c.tries - 1
    if "message" in values:
        values["message"] = told(event, values["message"])
    if event is DeliveryEvent.PUBLISH:
        values["public_at"] = values["ended_at"]
    elif event is DeliveryEvent.FIND:
        values["public_at"] = last_try_began(bindparam("of"))
    where = (delivery.c.id == bindparam("of"), is_in(delivery.c.state, sources))
    return update(delivery).where(*where).values(state=target, **values)


def _expect_one(rows: int, row_id: int) -> None:
    if rows != 1:
        raise Stale(f"Delivery {row_id} is not in a state that allows this any more; nothing was done.")


def is_in(column: ColumnElement[str], states: Iterable[str]) -> ColumnElement[bool]:
    """Say in SQL that something is in one of these states; as literals, which nobody has to fill in."""
    return func.likely(column.in_([literal_column(f"'{state}'") for state in states]))


def finish_posts(tx: Connection, where: ColumnElement[bool]) -> None:
    """End the posts of these deliveries on which nothing is left to try."""
    tx.execute(_finish(where))


def end_posts(tx: Connection, delivery_ids: Iterable[int]) -> None:
    """Do the same, the deliveries given by their ids."""
    _FINISH.run(tx, {"of": as_list(delivery_ids)})


def move_posts(tx: Connection, post_ids: Iterable[str], event: PostEvent) -> None:
    """Take the step `event` with these posts, where the table allows it."""
    _post_step(event).run(tx, {"ids": as_list(post_ids)})


def _finish(where: ColumnElement[bool]) -> Update:
    sources = post_sources(PostEvent.FINISH)
    open_ = (DeliveryState.SCHEDULED, DeliveryState.PROCESSING)
    still = exists().where(_OTHER.c.post_id == post.c.id, is_in(_OTHER.c.state, open_))
    return (
        update(post)
        .where(post.c.id.in_(select(delivery.c.post_id).where(where)), is_in(post.c.state, sources), ~still)
        .values(state=_POST_STEPS[sources[0], PostEvent.FINISH])
    )


@functools.cache
def _post_step(event: PostEvent) -> Prepared:
    sources = post_sources(event)
    where = (post.c.id.in_(one_of("ids")), is_in(post.c.state, sources))
    return Prepared(update(post).where(*where).values(state=_POST_STEPS[sources[0], event]))


def _move_posts_of(tx: Connection, delivery_id: int, event: PostEvent) -> None:
    post_id = tx.execute(select(delivery.c.post_id).where(delivery.c.id == delivery_id)).scalar_one()
    move_posts(tx, [post_id], event)


_FINISH = Prepared(_finish(delivery.c.id.in_(one_of("of"))))
