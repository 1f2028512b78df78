"""How Postbell is doing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from postbell.domain.account import Account, Health
from postbell.domain.post import LATE_AFTER, Delivery
from postbell.domain.states import DeliveryState
from postbell.services.context import Context
from postbell.settings import Places
from postbell.store import accounts, deliveries, queue, schema, summary
from postbell.store.lock import DaemonLock
from postbell.store.queue import Waiting
from postbell.store.summary import Overdue


class Hold(StrEnum):
    """Why nothing is published with an account."""

    #: The user wants it so.
    PAUSED = "paused"
    #: The network does not accept it.
    UNAUTHORIZED = "unauthorized"
    #: The network asked to wait, or could not be reached.
    RESTING = "resting"


@dataclass(frozen=True, kw_only=True)
class Held:
    """An account with which nothing is published now."""

    account: str
    hold: Hold
    #: What the network said; None if nobody said anything.
    reason: str | None = None
    #: When it ends by itself (aware UTC), if it does.
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Status:
    """How things stand at one instant."""

    #: The process id of the daemon; None if none runs.
    daemon: int | None
    #: When each account that may publish wants to publish next, the soonest first.
    next_due: tuple[Waiting, ...]
    overdue: Overdue
    counts: Mapping[DeliveryState, int]
    unsure: tuple[Delivery, ...]
    held: tuple[Held, ...]
    #: Bytes of the database with its write-ahead log.
    database_bytes: int
    schema: str | None

    @property
    def troubles(self) -> list[str]:
        """What somebody must look at, in sentences; an empty list means that all is well."""
        found = []
        if self.daemon is None:
            found.append("No daemon runs, so nothing is published. Start it: `postbell run`, or by systemd.")
        if self.overdue.oldest:
            since = f"{self.overdue.oldest:%Y-%m-%d %H:%M}Z"
            found.append(f"Overdue: {counted(self.overdue.count)}, the oldest since {since}.")
        if self.unsure:
            found.append(f"Unsure: {counted(len(self.unsure))}. Look at the network, then `postbell settle`.")
        found += [
            f"Account {held.account} must be reconnected: {held.reason or 'the network refuses it'}."
            for held in self.held
            if held.hold is Hold.UNAUTHORIZED
        ]
        return found


def status(ctx: Context, places: Places) -> Status:
    """Return how things stand now, seen in one moment of the database."""
    now = ctx.now()
    with ctx.store.read() as tx:
        next_due = sorted(queue.next_due(tx), key=lambda waiting: (waiting.ready_at, waiting.account))
        late = summary.overdue(tx, now - LATE_AFTER)
        counts = deliveries.count_by_state(tx)
        unsure = deliveries.list_in_state(tx, DeliveryState.UNSURE)
        everybody = accounts.list_accounts(tx)
    sides = [places.database.with_name(places.database.name + suffix) for suffix in ("", "-wal")]
    return Status(
        daemon=DaemonLock(places.data_dir).holder(),
        next_due=tuple(next_due),
        overdue=late,
        counts=counts,
        unsure=tuple(unsure),
        held=tuple(held for account in everybody if (held := hold_of(account, now))),
        database_bytes=sum(side.stat().st_size for side in sides if side.exists()),
        schema=schema.revision_of(ctx.store),
    )


def hold_of(account: Account, now: datetime) -> Held | None:
    """Return why nothing is published with an account now; None if something may be."""
    if account.paused_at is not None:
        return Held(account=account.name, hold=Hold.PAUSED)
    if account.health is Health.UNAUTHORIZED:
        return Held(account=account.name, hold=Hold.UNAUTHORIZED, reason=account.health_note)
    if account.rests_until is not None and account.rests_until > now:
        return Held(
            account=account.name, hold=Hold.RESTING, reason=account.rest_reason, until=account.rests_until
        )
    return None


def counted(count: int) -> str:
    """Return a number of deliveries in words."""
    return "1 delivery" if count == 1 else f"{count} deliveries"
