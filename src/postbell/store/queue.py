"""What is due: the claim, and when the next one will be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, not_, or_, select, update

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


def claim_due(tx: Connection, now: datetime, limit: int, locate: Locate) -> list[Claim]:
    """Take up to `limit` due deliveries, at most one of each account, the earliest due first.

    One guarded UPDATE claims; it stores the instant of the first try, from which networks derive what
    identifies the post, and an attempt is opened for each. All of it is durable before anything is sent.
    An account is passed over while another delivery of it is under way, or while its earliest one waits for a
    later try: what belongs to one account is published in order.
    """
    sources, target = delivery_step(DeliveryEvent.CLAIM)
    heads = _heads(now).subquery()
    ready = (
        select(delivery.c.id)
        .join(heads, heads.c.id == delivery.c.id)
        .where(delivery.c.try_at <= now)
        .order_by(delivery.c.due_at, delivery.c.id)
        .limit(limit)
    )
    claimed = tx.execute(
        update(delivery)
        .where(delivery.c.id.in_(ready), func.likely(delivery.c.state.in_(sources)))
        .values(
            state=target,
            tries=delivery.c.tries + 1,
            begun_at=func.coalesce(delivery.c.begun_at, _whole_milliseconds(now)),
            message=None,
        )
        .returning(delivery.c.id, delivery.c.post_id, delivery.c.account_id)
    ).all()
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
    head = _head_of_account(due_by=None)
    rows = tx.execute(
        select(
            account.c.name, account.c.rests_until, delivery.c.post_id, delivery.c.due_at, delivery.c.try_at
        )
        .select_from(account)
        .join(delivery, delivery.c.id == head)
        .where(account.c.removed_at.is_(None), account.c.paused_at.is_(None), account.c.health == Health.OK)
        .where(not_(_busy()))
    )
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


def _head_of_account(due_by: datetime | None) -> Any:
    """Return the id of the earliest waiting delivery of the account of the enclosing query."""
    queue = delivery.alias("queue")
    conditions = [queue.c.account_id == account.c.id, queue.c.state == DeliveryState.SCHEDULED]
    if due_by is not None:
        conditions.append(queue.c.due_at <= due_by)
    head = select(queue.c.id).where(*conditions).order_by(queue.c.due_at, queue.c.id).limit(1)
    return head.correlate(account).scalar_subquery()


def _busy() -> ColumnElement[bool]:
    running = delivery.alias("running")
    return (
        exists()
        .where(running.c.account_id == account.c.id, running.c.state == DeliveryState.PROCESSING)
        .correlate(account)
    )


def _heads(now: datetime) -> Any:
    """Select the earliest due delivery of each account that may publish now."""
    rested = or_(account.c.rests_until.is_(None), account.c.rests_until <= now)
    return select(_head_of_account(due_by=now).label("id")).where(
        account.c.removed_at.is_(None),
        account.c.paused_at.is_(None),
        account.c.health == Health.OK,
        rested,
        not_(_busy()),
    )


def _accounts(tx: Connection, ids: Iterable[int]) -> dict[int, Account]:
    rows = tx.execute(select(account).where(account.c.id.in_(list(ids))))
    return {row.id: account_from(row) for row in rows}


def _whole_milliseconds(now: datetime) -> datetime:
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
