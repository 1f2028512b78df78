"""What was published, written down for many deliveries at once: three statements, however many they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, null, select, update

from postbell.domain.states import DeliveryEvent, DeliveryState, Outcome, delivery_step
from postbell.errors import Stale
from postbell.store.attempts import close_attempts
from postbell.store.deliveries import end_posts, is_in
from postbell.store.many import as_list, as_time, listed, part
from postbell.store.prepared import Prepared
from postbell.store.tables.core import delivery


@dataclass(frozen=True, kw_only=True)
class Published:
    """How one try ended that made a delivery public."""

    delivery_id: int
    account_id: int
    attempt_id: int
    receipt_id: str
    url: str | None
    warnings: Sequence[str]
    #: When the try had ended (aware UTC).
    now: datetime
    #: When it is taken away again, and when its network is asked how people respond (aware UTC).
    delete_at: datetime | None
    metrics_at: datetime | None
    #: Why it was late, where more is known of that than is stored.
    late_reason: str | None = None


#: Hardly anything is published so long after its time.
_LATEST = timedelta(days=31)
_SOURCES, _TARGET = delivery_step(DeliveryEvent.PUBLISH)
_EACH = listed("published")
_PUBLISH = Prepared(
    update(delivery)
    .where(delivery.c.id == part(_EACH, 0), is_in(delivery.c.state, _SOURCES))
    .values(
        state=_TARGET,
        result=Outcome.PUBLISHED,
        receipt_id=part(_EACH, 1),
        url=part(_EACH, 2),
        warnings=part(_EACH, 3),
        ended_at=part(_EACH, 4),
        public_at=part(_EACH, 4),
        delete_at=part(_EACH, 5),
        metrics_at=part(_EACH, 6),
        late_reason=func.coalesce(part(_EACH, 7), delivery.c.late_reason),
        message=null(),
    )
)


def record_all_published(tx: Connection, tried: Sequence[Published]) -> None:
    """Record that all of these are public, and close their tries.

    Raises Stale if one of them is not under way; then nothing may be kept of what this did.
    """
    close_attempts(tx, [(each.attempt_id, each.now) for each in tried], result=Outcome.PUBLISHED)
    values = as_list(
        (
            each.delivery_id,
            each.receipt_id,
            each.url,
            json.dumps(each.warnings),
            as_time(each.now),
            as_time(each.delete_at),
            as_time(each.metrics_at),
            each.late_reason,
        )
        for each in tried
    )
    if _PUBLISH.run(tx, {"published": values}) != len(tried):
        raise Stale("One of these deliveries is not under way any more.")
    end_posts(tx, [each.delivery_id for each in tried])


def known_receipts(tx: Connection, account_id: int, since: datetime) -> list[str]:
    """Return how the network calls what an account has published since an instant (aware)."""
    known = select(delivery.c.receipt_id).where(
        delivery.c.account_id == account_id,
        delivery.c.state == DeliveryState.PROCESSED,
        delivery.c.due_at >= since - _LATEST,  # there is an index of that
        delivery.c.ended_at >= since,
        delivery.c.receipt_id.is_not(None),
    )
    return list(tx.execute(known).scalars())
