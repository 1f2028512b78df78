"""Which posts read alike."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, and_, or_

from postbell.domain.post import Delivery
from postbell.domain.states import DeliveryState, Outcome
from postbell.store.deliveries import list_deliveries
from postbell.store.tables.core import delivery


_OPEN = (DeliveryState.SCHEDULED, DeliveryState.PROCESSING, DeliveryState.UNSURE)


def list_alike(
    tx: Connection, account_id: int, fingerprint: str, *, since: datetime, besides: str
) -> list[Delivery]:
    """Return what reads the same on an account: what is still to come, or was published `since` (aware).

    The earliest due comes first. The post `besides` is left out.
    """
    published = and_(delivery.c.result == Outcome.PUBLISHED, delivery.c.ended_at >= since)
    alike = and_(
        delivery.c.account_id == account_id,
        delivery.c.fingerprint == fingerprint,
        delivery.c.post_id != besides,
        or_(delivery.c.state.in_(_OPEN), published),
    )
    return list_deliveries(tx, alike)
