"""What holds posts back: pauses, and accounts that cannot be used."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from postbell.domain.account import Account, Health
from postbell.domain.pause import Pause, PauseScope
from postbell.domain.post import Post
from postbell.services.context import Context
from postbell.store import accounts, pauses


class Hold(StrEnum):
    """Why nothing is published with an account."""

    #: The user wants it so.
    PAUSED = "paused"
    #: The network does not accept it.
    UNAUTHORIZED = "unauthorized"
    #: The network asked to wait, or could not be reached.
    RESTING = "resting"


_WORDS = {Hold.PAUSED: "is paused", Hold.UNAUTHORIZED: "must be reconnected", Hold.RESTING: "rests"}


@dataclass(frozen=True, kw_only=True)
class Held:
    """An account with which nothing is published now."""

    account: str
    hold: Hold
    #: What the network said; None if nobody said anything.
    reason: str | None = None
    #: When it ends by itself (aware UTC), if it does.
    until: datetime | None = None

    @property
    def mend(self) -> str | None:
        """The command that ends it; None where it ends by itself."""
        commands = {Hold.PAUSED: "resume --account", Hold.UNAUTHORIZED: "account reconnect"}
        return f"`postbell {commands[self.hold]} {self.account}`" if self.hold in commands else None

    def told(self, time: Callable[[datetime], str]) -> str:
        """Return what holds the account, and what ends it; `time` puts an instant into words."""
        said = self.said(time)
        return f"{said}; {self.mend}" if self.mend and self.mend not in said else said

    def short(self, time: Callable[[datetime], str]) -> str:
        """Return the state of the account in few words; `time` puts an instant into words."""
        ends = f" until {time(self.until)}" if self.until else ""
        if self.hold is Hold.RESTING:
            return f"rests{ends}: {self.reason}"
        return f"{self.hold}{ends}"

    def said(self, time: Callable[[datetime], str]) -> str:
        """Return what holds the account, and why; `time` puts an instant into words."""
        ends = f" until {time(self.until)}" if self.until else ""
        said = " ".join((self.reason or "").split()).removeprefix(f"{self.account}: ").rstrip(".")
        reason = f": {said}" if said else ""
        return f"account {self.account} {_WORDS[self.hold]}{ends}{reason}"


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
        for pause in matching(self.pauses, series_id, labels):
            if pause.until is None or pause.until > at:
                return f"{pause.told()} is paused"
        return None


def hold_of(account: Account, now: datetime) -> Held | None:
    """Return why nothing is published with an account now; None if something may be."""
    if account.is_paused(now):
        return Held(account=account.name, hold=Hold.PAUSED, until=account.paused_until)
    if account.health is Health.UNAUTHORIZED:
        return Held(account=account.name, hold=Hold.UNAUTHORIZED, reason=account.health_note)
    if account.rests_until is not None and account.rests_until > now:
        return Held(
            account=account.name, hold=Hold.RESTING, reason=account.rest_reason, until=account.rests_until
        )
    return None


def pauses_of(ctx: Context, post: Post) -> list[Pause]:
    """Return the pauses that hold a post back now, besides those of its accounts."""
    with ctx.store.read() as tx:
        found = pauses.list_pauses(tx, ctx.now())
    return matching(found, post.series_id, post.labels)


def matching(found: Iterable[Pause], series_id: str | None, labels: Collection[str]) -> list[Pause]:
    """Return those of the pauses that hold back a post of a series, with these labels."""
    names: Mapping[PauseScope, Collection[str | None]] = {
        PauseScope.EVERYTHING: ("",),
        PauseScope.SERIES: (series_id,),
        PauseScope.LABEL: labels,
    }
    return [pause for pause in found if pause.name in names[pause.scope]]


def pause_told(pause: Pause, time: Callable[[datetime], str]) -> str:
    """Return what is paused, and what ends it; `time` puts an instant into words."""
    option = "--all" if pause.scope is PauseScope.EVERYTHING else f"--{pause.scope} {shlex.quote(pause.name)}"
    ends = f" until {time(pause.until)}" if pause.until else ""
    return f"{pause.told()} is paused{ends}; `postbell resume {option}`"
