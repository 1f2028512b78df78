"""What is measured: how much there is of what, and how tries ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, or_, select

from postbell.domain.post import AttemptKind
from postbell.domain.states import DeliveryState, PostState
from postbell.store.tables.core import account, attempt, delivery, post


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One try."""

    id: int
    network: str
    kind: AttemptKind
    #: How it ended; None while it has not.
    result: str | None
    #: How long after its time the delivery became public, or was begun, in seconds.
    late: float


def count_posts(tx: Connection) -> dict[PostState, int]:
    """Return how many posts there are in each state."""
    rows = tx.execute(select(post.c.state, func.count().label("n")).group_by(post.c.state))
    return dict.fromkeys(PostState, 0) | {PostState(row.state): row.n for row in rows}


def count_unsure(tx: Connection) -> int:
    """Return of how many deliveries nobody knows whether they are public."""
    unsure = select(func.count()).where(delivery.c.state == DeliveryState.UNSURE)
    return int(tx.execute(unsure).scalar_one())


def token_ends(tx: Connection) -> list[tuple[str, str, datetime]]:
    """Return when (aware UTC) the logins of accounts end that have an end: (account, network, when)."""
    known = (account.c.removed_at.is_(None), account.c.tokens_end_at.is_not(None))
    rows = tx.execute(select(account.c.name, account.c.network, account.c.tokens_end_at).where(*known))
    return [(row.name, row.network, row.tokens_end_at) for row in rows]


def last_attempt(tx: Connection) -> int:
    """Return the number of the last try, 0 where there is none."""
    return int(tx.execute(select(func.max(attempt.c.id))).scalar_one() or 0)


def tries_since(tx: Connection, after: int, besides: Iterable[int], most: int) -> Sequence[Tried]:
    """Return the tries after the one with this number, at most so many, and these besides."""
    columns = (attempt.c.id, attempt.c.kind, attempt.c.result, account.c.network)
    found = (
        select(*columns, delivery.c.due_at, delivery.c.begun_at, delivery.c.public_at)
        .join(delivery, delivery.c.id == attempt.c.delivery_id)
        .join(account, account.c.id == delivery.c.account_id)
        .where(or_(attempt.c.id > after, attempt.c.id.in_(list(besides))))
        .order_by(attempt.c.id)
        .limit(most)
    )
    return [
        Tried(
            id=row.id,
            network=row.network,
            kind=AttemptKind(row.kind),
            result=row.result,
            late=_late(row.due_at, row.public_at or row.begun_at),
        )
        for row in tx.execute(found)
    ]


def _late(due_at: datetime | None, moment: datetime | None) -> float:
    return max(0.0, (moment - due_at).total_seconds()) if due_at and moment else 0.0
