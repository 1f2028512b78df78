"""What is due: the claim, and when the next one will be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    ScalarSelect,
    Subquery,
    and_,
    bindparam,
    exists,
    func,
    not_,
    or_,
    select,
    true,
    update,
)

from postbell.domain.account import Account, Health
from postbell.domain.pause import PauseScope
from postbell.domain.post import AttemptKind, Delivery, Post
from postbell.domain.retry import STUCK_AFTER
from postbell.domain.states import DeliveryEvent, DeliveryState, PostEvent, delivery_step
from postbell.errors import Damaged
from postbell.store.accounts import account_of
from postbell.store.attempts import INTERRUPTED, open_attempts, withdraw_attempt
from postbell.store.deliveries import is_in, move_posts, snooze, waits_after
from postbell.store.many import as_list, one_of
from postbell.store.pauses import everything_held, next_end, part_held
from postbell.store.posts import Locate, load_posts
from postbell.store.prepared import Prepared
from postbell.store.tables.core import account, attempt, delivery, pause


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A delivery that belongs to the caller until it records how the try ended."""

    delivery: Delivery
    post: Post
    account: Account
    #: The attempt that was opened with the claim.
    attempt_id: int


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """When an account wants to publish next."""

    account: str
    post_id: str
    #: The time that was asked for.
    due_at: datetime
    #: The earliest time at which it can be tried: later after a setback.
    ready_at: datetime


# The hot statements are built once: to build one takes several times as long as to run it.
NOW = bindparam("now", type_=delivery.c.due_at.type)
_SOURCES, _TARGET = delivery_step(DeliveryEvent.CLAIM)

#: The pauses that hold something back at `now`.
ACTIVE = or_(pause.c.until.is_(None), pause.c.until > NOW)
#: Whether the account of the enclosing query is paused at `now`.
ACCOUNT_PAUSED = and_(
    account.c.paused_at.is_not(None), or_(account.c.paused_until.is_(None), account.c.paused_until > NOW)
)


def _head_of_account(*conditions: ColumnElement[bool], queue: FromClause) -> ScalarSelect[int]:
    """Return the id of the earliest waiting delivery of the account of the enclosing query."""
    waiting = (queue.c.account_id == account.c.id, queue.c.state == DeliveryState.SCHEDULED, *conditions)
    head = select(queue.c.id).where(*waiting).order_by(queue.c.due_at, queue.c.id).limit(1)
    return head.correlate(account).scalar_subquery()


def _may_publish() -> list[ColumnElement[bool]]:
    """Return what is true of an account that may publish, whatever the time and whatever is paused."""
    running = delivery.alias("running")
    busy = exists().where(running.c.account_id == account.c.id, running.c.state == DeliveryState.PROCESSING)
    return [
        account.c.removed_at.is_(None),
        account.c.health == Health.OK,
        not_(busy.correlate(account)),
    ]


def due_heads() -> Subquery:
    """Return the ids of what every account that may publish now would publish next.

    What is stuck and waits for a later try is passed over.
    """
    queue = delivery.alias("queue")
    rested = or_(account.c.rests_until.is_(None), account.c.rests_until <= NOW)
    distant = or_(account.c.next_post_at.is_(None), account.c.next_post_at <= NOW)
    aside = and_(queue.c.tries >= STUCK_AFTER, queue.c.try_at > NOW)
    head = _head_of_account(queue.c.due_at <= NOW, not_(aside), not_(part_held(queue, ACTIVE)), queue=queue)
    free = (not_(everything_held(ACTIVE)), not_(ACCOUNT_PAUSED), rested, distant)
    return select(head.label("id")).where(*_may_publish(), *free).subquery()


def _is_suspect() -> ColumnElement[bool]:
    """Say in SQL that the process ended during the last try of a delivery: it may have been the cause."""
    ended = (attempt.c.kind == AttemptKind.PUBLISH, attempt.c.ended_at.is_not(None))
    last = select(attempt.c.result).where(attempt.c.delivery_id == delivery.c.id, *ended)
    result = last.order_by(attempt.c.id.desc()).limit(1).correlate(delivery).scalar_subquery()
    return and_(delivery.c.tries > 0, result.is_not_distinct_from(INTERRUPTED))


def _claim(which: ColumnElement[bool], *first: ColumnElement[Any]) -> Any:
    """Return the claim of what is due and `which` is true of: by `first`, then the earliest due."""
    heads = due_heads()
    ready = (
        select(delivery.c.id)
        .join(heads, heads.c.id == delivery.c.id)
        .where(delivery.c.try_at <= NOW, which)
        .order_by(*first, delivery.c.due_at, delivery.c.id)
        .limit(bindparam("most"))
    )
    return (
        update(delivery)
        .where(delivery.c.id.in_(ready), is_in(delivery.c.state, _SOURCES))
        .values(
            state=_TARGET,
            tries=delivery.c.tries + 1,
            begun_at=func.coalesce(
                delivery.c.begun_at, bindparam("first_begun_at", type_=delivery.c.begun_at.type)
            ),
            message=None,
        )
        .returning(delivery.c.id, delivery.c.post_id, delivery.c.account_id)
    )


def _goes_on() -> Any:
    """Return how to find out when accounts go on that may publish, and that nothing holds back for good.

    A ring ends the pauses whose time has come, so those that are there count. The next suspect is begun when
    the one before it has ended; it is not waited for.
    """
    everything = select(pause.c.until).where(pause.c.scope == PauseScope.EVERYTHING).scalar_subquery()
    goes_on = or_(account.c.paused_at.is_(None), account.c.paused_until.is_not(None))
    waits = (account.c.rests_until, account.c.next_post_at, account.c.paused_until)
    wanted = (delivery.c.id, delivery.c.post_id, delivery.c.due_at, delivery.c.try_at)
    found = select(account.c.name, *waits, everything.label("all_paused_until"), *wanted)
    free = (goes_on, not_(everything_held(pause.c.until.is_(None))), not_(_is_suspect()))
    return found.select_from(account).where(*_may_publish(), *free)


def _next_due(*, paused_parts: bool) -> Any:
    """Return the first delivery of each account that is not stuck, with all that it waits for.

    With `paused_parts` what is held back with its series or a label is looked for, else what is not.
    """
    queue = delivery.alias("queue")
    free = [] if paused_parts else [not_(part_held(queue, true()))]
    first = _head_of_account(queue.c.tries < STUCK_AFTER, *free, queue=queue)
    found = _goes_on().join(delivery, delivery.c.id == first)
    return found.where(part_held(delivery, true())) if paused_parts else found


def _next_stuck() -> Any:
    """Return what is stuck, with all that it waits for: it need not be the first of its account.

    When its time has come it takes its place in the order again: see `_not_behind`.
    """
    of_account = and_(delivery.c.account_id == account.c.id, waits_after(delivery, STUCK_AFTER))
    return _goes_on().join(delivery, of_account).where(not_(part_held(delivery, true())))


def _first_not_stuck() -> Any:
    """Return when the first delivery of each account that is not stuck is due, and its id."""
    queue = delivery.alias("queue")
    first = _head_of_account(queue.c.tries < STUCK_AFTER, not_(part_held(queue, true())), queue=queue)
    found = select(account.c.name, delivery.c.due_at, delivery.c.id).select_from(account)
    return found.join(delivery, delivery.c.id == first)


_CLAIM = Prepared(_claim(not_(_is_suspect())))
# What was seldom tried comes first: else the same innocent one would be under way at every kill.
_CLAIM_SUSPECT = Prepared(_claim(_is_suspect(), delivery.c.tries))
_ACCOUNTS = Prepared(select(account).where(account.c.id.in_(one_of("ids"))))
_NEXT_DUE = _next_due(paused_parts=False)
_NEXT_STUCK = _next_stuck()
_FIRST_NOT_STUCK = _first_not_stuck()
_NEXT_HELD = _next_due(paused_parts=True)
_SUSPECTS = Prepared(
    select(
        or_(
            exists().where(waits_after(delivery, 1), _is_suspect()),
            exists().where(
                delivery.c.state.in_((DeliveryState.UNSURE, DeliveryState.PROCESSING)), _is_suspect()
            ),
        )
    )
)


def claim_due(
    tx: Connection, now: datetime, limit: int, locate: Locate, *, suspects: bool = False
) -> list[Claim]:
    """Take up to `limit` due deliveries, at most one of each account, the earliest due first.

    One guarded UPDATE claims; it stores the instant of the first try, from which networks derive what
    identifies the post, and an attempt is opened for each. All of it is durable before anything is sent.
    An account is passed over while it is paused, rests or keeps its least gap, while another delivery of it
    is under way, or while its earliest one waits for a later try: what belongs to one account is published
    in order. Overtaken is only what is held back with a series or a label, and what is stuck.

    During the last try of a suspect the process ended, and may end again. Those are left out, or with
    `suspects` they alone are taken.
    """
    values = {"now": now, "first_begun_at": _whole_milliseconds(now), "most": limit}
    claimed = (_CLAIM_SUSPECT if suspects else _CLAIM).tuples(tx, values)
    if not claimed:
        return []
    delivery_ids, post_ids, account_ids = zip(*claimed, strict=True)
    opened = open_attempts(tx, delivery_ids, AttemptKind.PUBLISH, now)
    move_posts(tx, set(post_ids), PostEvent.START)
    posts = {found.id: found for found in load_posts(tx, post_ids, locate)}
    accounts = _accounts(tx, set(account_ids))
    try:
        claims = [
            Claim(
                delivery=next(d for d in posts[post_id].deliveries if d.id == delivery_id),
                post=posts[post_id],
                account=accounts[account_id],
                attempt_id=opened[delivery_id],
            )
            for delivery_id, post_id, account_id in claimed
        ]
    except (KeyError, StopIteration):
        raise Damaged(
            "The database is damaged: what is due belongs to no post or account. See `postbell db check`, "
            "and `postbell db restore` for the backups."
        ) from None
    return sorted(claims, key=lambda claim: (claim.delivery.due_at, claim.delivery.id))


def put_off(tx: Connection, claim: Claim, message: str, until: datetime) -> None:
    """Take a claim back in the transaction that has made it, as if it had not been made."""
    withdraw_attempt(tx, claim.attempt_id)
    snooze(tx, claim.delivery.id, message, until)


def next_due(tx: Connection) -> list[Waiting]:
    """Return, for each account that may publish, when its earliest delivery can be tried, and what is stuck.

    Of an account whose earliest one is held back with a series or a label until a time, that is told too: a
    ring ends such pauses. What is stuck is not told then, nor what waits behind a suspect left out.
    """
    found = [_waiting(row) for row in tx.execute(_NEXT_DUE)]
    found += _not_behind(tx, tx.execute(_NEXT_STUCK).all())
    if (end := next_end(tx)) is not None:
        found += [_waiting(row, end) for row in tx.execute(_NEXT_HELD)]
    return found


def _not_behind(tx: Connection, stuck: Sequence[Any]) -> list[Waiting]:
    """Return what is stuck, but for what stands behind something that is not: that one comes first."""
    if not stuck:
        return []
    first = {row.name: (row.due_at, row.id) for row in tx.execute(_FIRST_NOT_STUCK)}
    return [_waiting(row) for row in stuck if row.name not in first or (row.due_at, row.id) < first[row.name]]


def has_suspects(tx: Connection) -> bool:
    """Whether the process ended during the last try of something that is not yet settled, or tried again."""
    ((found,),) = _SUSPECTS.tuples(tx)
    return bool(found)


def load_claim(tx: Connection, found: Delivery, attempt_id: int, locate: Locate) -> Claim:
    """Return what a look-up needs to know of a delivery."""
    (of_post,) = load_posts(tx, [found.post_id], locate)
    accounts = _accounts(tx, {found.account_id})
    return Claim(delivery=found, post=of_post, account=accounts[found.account_id], attempt_id=attempt_id)


def _waiting(row: Any, end: datetime | None = None) -> Waiting:
    ends = (row.rests_until, row.next_post_at, row.paused_until, row.all_paused_until, end)
    return Waiting(
        account=row.name,
        post_id=row.post_id,
        due_at=row.due_at,
        ready_at=max(row.due_at, row.try_at, *filter(None, ends)),
    )


def _accounts(tx: Connection, ids: Iterable[int]) -> dict[int, Account]:
    rows = _ACCOUNTS.rows(tx, {"ids": as_list(ids)})
    return {row["id"]: account_of(row) for row in rows}


def _whole_milliseconds(now: datetime) -> datetime:
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
