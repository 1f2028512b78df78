"""What is told of a delivery that is public in part, or whole, as its progress says: expressions of SQL."""

from __future__ import annotations

from sqlalchemy import ColumnElement, case, func

from postbell.domain.states import DeliveryEvent
from postbell.store.tables.core import delivery


#: What is public of it, as the end of a message; empty where nothing is, or all.
PUBLIC: ColumnElement[str] = func.coalesce("; " + func.json_extract(delivery.c.progress, "$.public"), "")
#: Whether all of it is public, and something is left to do: it is not missed, cancelled or in doubt then.
ALL_PUBLIC: ColumnElement[bool] = func.json_extract(delivery.c.progress, "$.receipt").is_not(None)
#: The messages of what is cancelled.
CANCELLED = case((PUBLIC == "", delivery.c.message), else_="it was cancelled" + PUBLIC)
CANCELLED_IN_DOUBT = "it was cancelled, but an earlier try may have been accepted: look first" + PUBLIC
#: The steps after which only the user, or a look-up, goes on.
_LEFT = (DeliveryEvent.FAIL, DeliveryEvent.GIVE_UP, DeliveryEvent.LOSE)


def told(event: DeliveryEvent, message: ColumnElement[str]) -> ColumnElement[str]:
    """Return the message of a step, with what is public where nothing goes on by itself."""
    return message + PUBLIC if event in _LEFT else message
