"""What is over for long is removed, in small steps; how much that was is kept.

Left alone is what anything still goes by: what may be public and nobody knows, what is to be taken away,
the last post of each series on each account (from which its next use is counted), and every try of what was
not published, which tells whether it may be tried again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, or_, select
from sqlalchemy.dialects.sqlite import insert

from postbell.domain.states import DeliveryState, Outcome, PostState
from postbell.store.tables.core import attempt, delivery, post
from postbell.store.tables.own import tally


#: How many rows one step looks at: a writing transaction is to be short.
AT_ONCE = 200

#: How a delivery ended, in words of an outcome: those of its result, else its state.
_OUTCOME = func.coalesce(delivery.c.result, delivery.c.state)


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one step did."""

    removed: int
    #: Where the next step begins; None if there is none.
    after: int | None = None


def prune_attempts(tx: Connection, before: datetime, after: int = 0) -> Step:
    """Remove tries of published deliveries that began before an instant (aware), from the id `after` on.

    Tries count up in the order of time, so the first that is younger ends it.
    """
    public = and_(delivery.c.result == Outcome.PUBLISHED, ~_to_be_taken_away())
    rows = tx.execute(
        select(attempt.c.id, public.label("public"))
        .join(delivery, delivery.c.id == attempt.c.delivery_id)
        .where(attempt.c.id > after, attempt.c.started_at < before)
        .order_by(attempt.c.id)
        .limit(AT_ONCE)
    ).all()
    tx.execute(delete(attempt).where(attempt.c.id.in_([row.id for row in rows if row.public])))
    removed = sum(bool(row.public) for row in rows)
    return Step(removed=removed, after=rows[-1].id if len(rows) == AT_ONCE else None)


def prune_posts(tx: Connection, before: datetime) -> Step:
    """Remove posts that ended before an instant (aware) with all that belongs to them, and count them."""
    ids = list(tx.execute(select(post.c.id).where(_over(before)).limit(AT_ONCE)).scalars())
    ended = select(delivery.c.account_id, _OUTCOME.label("outcome"), func.count().label("count"))
    these = delivery.c.post_id.in_(ids)
    for row in tx.execute(ended.where(these).group_by(delivery.c.account_id, "outcome")).all():
        added = insert(tally).values(account_id=row.account_id, outcome=row.outcome, count=row.count)
        counted = tally.c.count + added.excluded.count
        key = [tally.c.account_id, tally.c.outcome]
        tx.execute(added.on_conflict_do_update(index_elements=key, set_={"count": counted}))
    tx.execute(delete(post).where(post.c.id.in_(ids)))
    return Step(removed=len(ids), after=0 if len(ids) == AT_ONCE else None)


def count_prunable(tx: Connection, *, attempts: datetime | None, posts: datetime | None) -> tuple[int, int]:
    """Return how many tries and posts would be removed that are older than these instants (aware), if any."""
    of_posts = posts and tx.execute(select(func.count()).select_from(post).where(_over(posts))).scalar_one()
    public = and_(delivery.c.result == Outcome.PUBLISHED, ~_to_be_taken_away())
    tries = select(func.count()).select_from(attempt).join(delivery, delivery.c.id == attempt.c.delivery_id)
    of_tries = attempts and tx.execute(tries.where(public, attempt.c.started_at < attempts)).scalar_one()
    return of_tries or 0, of_posts or 0


def count_pruned(tx: Connection) -> Counter[Outcome]:
    """Return how many deliveries were removed, by how they had ended."""
    rows = tx.execute(
        select(tally.c.outcome, func.sum(tally.c.count).label("count")).group_by(tally.c.outcome)
    )
    return Counter({Outcome(row.outcome): row.count for row in rows})


def _to_be_taken_away() -> ColumnElement[bool]:
    return and_(delivery.c.delete_at.is_not(None), delivery.c.deleted_at.is_(None))


def _over(before: datetime) -> ColumnElement[bool]:
    """Say in SQL that nothing is left to do about a post, and has not been since an instant."""
    of_post: Any = delivery.c.post_id == post.c.id
    ended = (DeliveryState.PROCESSED, DeliveryState.MISSED, DeliveryState.CANCELLED)
    going_on = or_(delivery.c.state.not_in(ended), delivery.c.ended_at >= before, _to_be_taken_away())
    return and_(
        post.c.state.in_((PostState.PROCESSED, PostState.CANCELLED)),
        or_(post.c.at < before, post.c.at.is_(None)),
        post.c.updated_at < before,
        ~exists().where(of_post, going_on),
        ~exists().where(of_post, post.c.series_id.is_not(None), ~_has_later()),
    )


def _has_later() -> ColumnElement[bool]:
    """Say in SQL that a later post of the same series has ended on the account of a delivery."""
    later, of_later = post.alias("later"), delivery.alias("of_later")
    return (
        exists()
        .where(
            later.c.series_id == post.c.series_id,
            of_later.c.post_id == later.c.id,
            of_later.c.account_id == delivery.c.account_id,
            of_later.c.due_at > delivery.c.due_at,
            of_later.c.state.in_((DeliveryState.PROCESSED, DeliveryState.MISSED)),
        )
        .correlate(post, delivery)
    )
