"""What is asked of networks about what is public: to change it, or to take it away.

Each kind of wish has a column of `delivery` that says when it is due: `edit_at`, `delete_at`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from postbell.domain.account import Health
from postbell.domain.post import Delivery
from postbell.domain.states import Outcome
from postbell.errors import Stale
from postbell.store.posts import delivery_from
from postbell.store.tables.core import account, delivery


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One kind of what is asked."""

    #: The name of the column that says when it is due.
    column: str
    #: What is wanted of it, in words: "changed".
    done: str

    def due(self, tx: Connection, now: datetime, limit: int) -> list[Delivery]:
        """Return what is due by now, what waits longest first, at most `limit`.

        What belongs to an account that must be reconnected, or that rests, is left out; what belongs to one
        that was removed is not: nobody can ever do it.
        """
        rested = or_(account.c.rests_until.is_(None), account.c.rests_until <= now)
        usable = and_(account.c.health == Health.OK, rested)
        rows = tx.execute(
            select(delivery, account.c.name.label("account"), account.c.network)
            .join(account, account.c.id == delivery.c.account_id)
            .where(self._waits, self._at <= now, or_(usable, account.c.removed_at.is_not(None)))
            .order_by(self._at, delivery.c.id)
            .limit(limit)
        )
        return [delivery_from(row) for row in rows]

    def ask(self, tx: Connection, delivery_id: int, now: datetime, **values: Any) -> None:
        """Make it due now, with other values if need be. Raises Stale if it is not public any more."""
        public = (delivery.c.result == Outcome.PUBLISHED, delivery.c.deleted_at.is_(None))
        asked = update(delivery).where(delivery.c.id == delivery_id, *public)
        if tx.execute(asked.values({self.column: now, **values})).rowcount != 1:
            raise Stale(f"Delivery {delivery_id} is not public any more; nothing was done.")

    def change(self, tx: Connection, delivery_id: int, **values: Any) -> None:
        """Change what is asked for. Raises Stale if it is not any more."""
        changed = update(delivery).where(delivery.c.id == delivery_id, self._waits).values(values)
        if tx.execute(changed).rowcount != 1:
            raise Stale(f"Delivery {delivery_id} is not to be {self.done} any more; nothing was done.")

    def postpone(self, tx: Connection, delivery_id: int, until: datetime) -> None:
        """Try it later. Raises Stale if it is not asked for any more."""
        self.change(tx, delivery_id, **{self.column: until})

    def postpone_all(self, tx: Connection, account_id: int, *, now: datetime, until: datetime) -> None:
        """Try later everything of one account that is due by now."""
        # `likely`: by the index of what waits here, not through everything that the account ever published.
        due = (func.likely(delivery.c.account_id == account_id), self._waits, self._at <= now)
        tx.execute(update(delivery).where(*due).values({self.column: until}))

    @property
    def _at(self) -> ColumnElement[datetime]:
        return delivery.c[self.column]

    @property
    def _waits(self) -> ColumnElement[bool]:
        return and_(self._at.is_not(None), delivery.c.deleted_at.is_(None))
