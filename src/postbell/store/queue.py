"""What is due: the claim, and when the next one will be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    bindparam,
    exists,
    func,
    not_,
    or_,
    select,
    update,
)

from postbell.domain.account import Account, Health
from postbell.domain.post import AttemptKind, Delivery, Post
from postbell.domain.states import DeliveryEvent, DeliveryState, PostEvent, delivery_step
from postbell.store.accounts import account_from
from postbell.store.attempts import open_attempt
from postbell.store.deliveries import move_posts
from postbell.store.posts import Locate, load_posts
from postbell.store.tables import account, delivery


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


# The two hot statements are built once: to build one takes several times as long as to run it.
_NOW = bindparam("now", type_=delivery.c.due_at.type)
_SOURCES, _TARGET = delivery_step(DeliveryEvent.CLAIM)


def _head_of_account(*, due: bool) -> ScalarSelect[int]:
    """Return the id of the earliest waiting delivery of the account of the enclosing query."""
    queue = delivery.alias("queue")
    waiting = [queue.c.account_id == account.c.id, queue.c.state == DeliveryState.SCHEDULED]
    if due:
        waiting.append(queue.c.due_at <= _NOW)
    head = select(queue.c.id).where(*waiting).order_by(queue.c.due_at, queue.c.id).limit(1)
    return head.correlate(account).scalar_subquery()


def _may_publish() -> list[ColumnElement[bool]]:
    """Return what is true of an account that may publish, whatever the time."""
    running = delivery.alias("running")
    busy = exists().where(running.c.account_id == account.c.id, running.c.state == DeliveryState.PROCESSING)
    return [
        account.c.removed_at.is_(None),
        account.c.paused_at.is_(None),
        account.c.health == Health.OK,
        not_(busy.correlate(account)),
    ]


def _claim() -> Any:
    rested = or_(account.c.rests_until.is_(None), account.c.rests_until <= _NOW)
    heads = select(_head_of_account(due=True).label("id")).where(*_may_publish(), rested).subquery()
    ready = (
        select(delivery.c.id)
        .join(heads, heads.c.id == delivery.c.id)
        .where(delivery.c.try_at <= _NOW)
        .order_by(delivery.c.due_at, delivery.c.id)
        .limit(bindparam("most"))
    )
    return (
        update(delivery)
        .where(delivery.c.id.in_(ready), func.likely(delivery.c.state.in_(_SOURCES)))
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


_CLAIM = _claim()
_NEXT_DUE = (
    select(account.c.name, account.c.rests_until, delivery.c.post_id, delivery.c.due_at, delivery.c.try_at)
    .select_from(account)
    .join(delivery, delivery.c.id == _head_of_account(due=False))
    .where(*_may_publish())
)


def claim_due(tx: Connection, now: datetime, limit: int, locate: Locate) -> list[Claim]:
    """Take up to `limit` due deliveries, at most one of each account, the earliest due first.

    One guarded UPDATE claims; it stores the instant of the first try, from which networks derive what
    identifies the post, and an attempt is opened for each. All of it is durable before anything is sent.
    An account is passed over while another delivery of it is under way, or while its earliest one waits for a
    later try: what belongs to one account is published in order.
    """
    values = {"now": now, "first_begun_at": _whole_milliseconds(now), "most": limit}
    claimed = tx.execute(_CLAIM, values).all()
    if not claimed:
        return []
    attempts = {row.id: open_attempt(tx, row.id, AttemptKind.PUBLISH, now) for row in claimed}
    move_posts(tx, {row.post_id for row in claimed}, PostEvent.START)
    posts = {found.id: found for found in load_posts(tx, [row.post_id for row in claimed], locate)}
    accounts = _accounts(tx, {row.account_id for row in claimed})
    claims = [
        Claim(
            delivery=next(d for d in posts[row.post_id].deliveries if d.id == row.id),
            post=posts[row.post_id],
            account=accounts[row.account_id],
            attempt_id=attempts[row.id],
        )
        for row in claimed
    ]
    return sorted(claims, key=lambda claim: (claim.delivery.due_at, claim.delivery.id))


def next_due(tx: Connection) -> list[Waiting]:
    """Return, for each account that may publish, when its earliest delivery can be tried."""
    rows = tx.execute(_NEXT_DUE)
    return [
        Waiting(
            account=row.name,
            post_id=row.post_id,
            due_at=row.due_at,
            ready_at=max(row.due_at, row.try_at, row.rests_until or row.try_at),
        )
        for row in rows
    ]


def load_claim(tx: Connection, found: Delivery, attempt_id: int, locate: Locate) -> Claim:
    """Return what a look-up needs to know of a delivery."""
    (of_post,) = load_posts(tx, [found.post_id], locate)
    accounts = _accounts(tx, {found.account_id})
    return Claim(delivery=found, post=of_post, account=accounts[found.account_id], attempt_id=attempt_id)


def _accounts(tx: Connection, ids: Iterable[int]) -> dict[int, Account]:
    rows = tx.execute(select(account).where(account.c.id.in_(list(ids))))
    return {row.id: account_from(row) for row in rows}


def _whole_milliseconds(now: datetime) -> datetime:
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
