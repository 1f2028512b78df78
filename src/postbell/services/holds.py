"""What holds posts back: pauses, and accounts that cannot be used."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.domain.pause import Pause, PauseScope
from postbell.services.health import Hold, hold_of
from postbell.store import accounts, pauses


_WORDS = {Hold.PAUSED: "is paused", Hold.UNAUTHORIZED: "must be reconnected", Hold.RESTING: "rests"}


@dataclass(frozen=True, kw_only=True)
class Holds:
    """Everything that holds posts back, seen at one instant."""

    #: By id.
    accounts: Mapping[int, Account]
    pauses: tuple[Pause, ...]

    @classmethod
    def seen(cls, tx: Connection, now: datetime) -> Holds:
        """Return what holds posts back at `now` (aware)."""
        everybody = {account.id: account for account in accounts.list_accounts(tx)}
        return cls(accounts=everybody, pauses=tuple(pauses.list_pauses(tx, now)))

    def reason(
        self, at: datetime, *, account_id: int, series_id: str | None, labels: Collection[str]
    ) -> str | None:
        """Return what will still hold a post back at `at` (aware), without a full stop, if anything will."""
        account = self.accounts.get(account_id)
        if account and (held := hold_of(account, at)):
            return f"account {account.name} {_WORDS[held.hold]}"
        names = {
            PauseScope.EVERYTHING: ("",),
            PauseScope.SERIES: (series_id,),
            PauseScope.LABEL: tuple(labels),
        }
        for pause in self.pauses:
            if pause.name in names[pause.scope] and (pause.until is None or pause.until > at):
                return f"{pause.told()} is paused"
        return None
