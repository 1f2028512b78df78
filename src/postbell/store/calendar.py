"""When accounts post, past and to come: the times that are taken."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, and_, exists, select

from postbell.domain.post import Delivery, PlacedBy
from postbell.domain.states import DeliveryState, Outcome, PostState
from postbell.store.deliveries import list_deliveries
from postbell.store.tables.core import delivery, post


_COMING = (DeliveryState.SCHEDULED, DeliveryState.PROCESSING, DeliveryState.UNSURE)


def taken_times(
    tx: Connection, account_id: int, start: datetime, end: datetime, *, besides: str | None = None
) -> list[datetime]:
    """Return when an account has posted or is to post between two instants (aware, both included), in order.

    These are the times that were asked for, whenever it really happened. What failed, was missed or was
    cancelled takes no time, nor does the post `besides`.
    """
    states = (*_COMING, DeliveryState.PROCESSED)
    failed = and_(delivery.c.state == DeliveryState.PROCESSED, delivery.c.result == Outcome.FAILED)
    times = select(delivery.c.due_at).where(
        delivery.c.account_id == account_id,
        delivery.c.state.in_(states),
        delivery.c.due_at.between(start, end),
        ~failed,
    )
    if besides is not None:
        times = times.where(delivery.c.post_id != besides)
    return sorted(tx.execute(times).scalars())


def list_coming(tx: Connection, account_id: int, start: datetime, end: datetime) -> list[Delivery]:
    """Return what an account is to publish between two instants (aware, both included), in order."""
    return list_deliveries(
        tx,
        and_(
            delivery.c.account_id == account_id,
            delivery.c.state.in_(_COMING),
            delivery.c.due_at.between(start, end),
        ),
    )


def list_queued(tx: Connection, account_id: int, start: datetime) -> list[Delivery]:
    """Return what is queued for an account from an instant (aware) on and can still be moved, in order."""
    # One of several accounts may have begun with a post: then it is not moved any more.
    unbegun = exists().where(post.c.id == delivery.c.post_id, post.c.state == PostState.SCHEDULED)
    return list_deliveries(
        tx,
        and_(
            delivery.c.account_id == account_id,
            delivery.c.state == DeliveryState.SCHEDULED,
            delivery.c.due_at >= start,
            delivery.c.placed_by == PlacedBy.QUEUE,
            unbegun,
        ),
    )
