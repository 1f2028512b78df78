"""How many people responded to what was published, and when that was: from this the best hours follow."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import insert

from postbell.store.tables.after import engagement
from postbell.store.tables.core import delivery


#: What came back on older posts than these says little about today.
_MOST_RESPONSES = 500


def record_responses(tx: Connection, delivery_id: int, responses: float, now: datetime) -> None:
    """Write down how many people responded to a published delivery, instead of what was known before."""
    said = {"responses": responses, "recorded_at": now}
    row = insert(engagement).values(delivery_id=delivery_id, **said)
    tx.execute(row.on_conflict_do_update(index_elements=[engagement.c.delivery_id], set_=said))


def list_responses(tx: Connection, account_id: int) -> list[tuple[datetime, float]]:
    """Return when an account has published its latest posts (aware UTC), and how many people responded."""
    # Left to itself SQLite goes through the whole history of the account.
    of_account = func.likely(delivery.c.account_id == account_id)
    rows = tx.execute(
        select(delivery.c.ended_at, engagement.c.responses)
        .select_from(engagement)
        .join(delivery, delivery.c.id == engagement.c.delivery_id)
        .where(of_account, delivery.c.ended_at.is_not(None))
        .order_by(engagement.c.delivery_id.desc())
        .limit(_MOST_RESPONSES)
    )
    return [(row.ended_at, row.responses) for row in rows]
