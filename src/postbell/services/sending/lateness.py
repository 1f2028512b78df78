"""Why something is late, and what is too late to be published at all."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from postbell.domain.account import Account, Health
from postbell.domain.post import SUPERSEDED, Delivery
from postbell.domain.spans import span_text
from postbell.errors import DatabaseLocked, DiskFailed, DiskFull, PostbellError
from postbell.services.sending.outcomes import is_in_doubt
from postbell.store import accounts, deliveries, overdue


#: Tells why a delivery of an account is late, or missed; None stands for an account that is gone.
Why = Callable[[Delivery, Account | None], str]

#: How many deliveries one transaction gives up at most.
MOST = 100

#: Why nothing was sent at all.
NOT_RUNNING = "Postbell was not running"
ASLEEP = "the machine was asleep, or Postbell was stopped"
CLOCK_SET = "the clock was set"
#: It took a claim in the end, after a wait.
BUSY = "the database was busy"
#: Nothing else kept it, before its try and during it.
OTHERS = "other posts were being sent"
SLOW = "sending it took that long"
_REFUSED = {
    DatabaseLocked: "the database was locked",
    DiskFull: "the disk was full",
    DiskFailed: "the disk did not take what was to be written",
}
#: What lasts has no end yet.
_ENDLESS = datetime.max.replace(tzinfo=UTC)
#: So many halts are remembered, and so many reasons of one delivery.
_REMEMBERED = 5
_THEN = ", then "


@dataclass(frozen=True, kw_only=True)
class Delay:
    """What has kept something from being sent, and until when (aware UTC)."""

    why: str
    until: datetime


@dataclass
class Halts:
    """What has kept everything from being sent lately."""

    _delays: deque[Delay] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    #: By the end of each: the accounts that would not have sent anything anyway.
    _spared: dict[datetime, Collection[int]] = field(default_factory=dict)

    def note(self, why: str, until: datetime) -> None:
        """Note that nothing was sent before `until` (aware UTC); once more where it goes on."""
        if self._delays and self._delays[-1].why == why:
            self._delays.pop()
        self._delays.append(Delay(why=why, until=until))

    def spare(self, tx: Connection) -> None:
        """Take down whom the halts noted since the last time have not kept from sending.

        To be called before anything is sent again: what holds an account for longer then began before.
        """
        ends = {delay.until for delay in list(self._delays)}
        known = {end: self._spared[end] for end in ends if end in self._spared}
        if ends - known.keys():
            everybody = accounts.list_accounts(tx)
            for end in ends - known.keys():
                known[end] = {each.id for each in everybody if _is_held(each, end)}
        self._spared = known

    def since(self, moment: datetime) -> list[str]:
        """Return all that has halted everything since then, one after the other."""
        return [delay.why for delay in list(self._delays) if delay.until > moment]

    def why_late(self, delivery: Delivery, account: Account | None) -> str:
        """Return what has kept an account from publishing a delivery in time, after what is known of that."""
        due, own = delivery.due_at, _own_delay(delivery, account)
        assert due is not None, "what waits for its time has one"
        others = [each for each in list(self._delays) if each.until > due and not self._spares(each, account)]
        delays = sorted([*others, *([own] if own else [])], key=lambda delay: delay.until)
        known = joined(delivery.late_reason, [delay.why for delay in delays])
        return known or (SLOW if delivery.progress else OTHERS)

    def _spares(self, delay: Delay, account: Account | None) -> bool:
        return account is None or account.id in self._spared.get(delay.until, ())


def joined(told: str | None, reasons: Iterable[str]) -> str | None:
    """Add reasons to those that are told, one after the other, each once; None where there is none."""
    known = told.split(_THEN) if told else []
    new = [reason.replace(_THEN, ", and then ") for reason in reasons]  # networks write as they like
    return _THEN.join([*dict.fromkeys([*known, *new])][:_REMEMBERED]) or None


def why_refused(error: PostbellError) -> str:
    """Return why the database did not take a claim."""
    known = (why for kind, why in _REFUSED.items() if isinstance(error, kind))
    return next(known, "the database could not be used")


def give_up_late(
    tx: Connection, now: datetime, late_limit: timedelta, why: Why
) -> tuple[list[Delivery], bool]:
    """Miss what is superseded or overdue at `now`; what may be public becomes unsure.

    What is superseded goes first: where the newest of a series is too late, the older ones are not published
    instead of it. Then both again: behind what was too late there may be something that is superseded.
    Return what was missed, and whether there may be more: so that nothing holds up the database for long, it
    is a limited number at a time, and nothing may be published before all is done.
    """
    missed: list[Delivery] = []
    left = MOST
    while left:
        late, told = overdue.list_superseded(tx, now, left), _superseded_told
        if not late:
            late = overdue.list_overdue(tx, before=now - late_limit, now=now, most=left)
            told = functools.partial(_overdue_told, now=now, late_limit=late_limit)
        if not late:
            break
        missed += _give_up(tx, late, told, now)
        left -= len(late)
    untried = [each for each in missed if each.begun_at is None and each.late_reason is None]
    by_id = {account.id: account for account in accounts.list_accounts(tx)} if untried else {}
    overdue.record_late(tx, {each.id: why(each, by_id.get(each.account_id)) for each in untried})
    return missed, not left


def _own_delay(delivery: Delivery, account: Account | None) -> Delay | None:
    """Return what has kept this account alone from publishing a delivery in time; None if nothing has."""
    if account is None:
        return Delay(why="the account was removed", until=_ENDLESS)
    if account.health is not Health.OK:
        return Delay(why="the account must be reconnected", until=_ENDLESS)
    due, rests, distant = delivery.due_at, account.rests_until, account.next_post_at
    assert due is not None, "what waits for its time has one"
    if account.min_gap and distant and distant > due and (rests is None or distant >= rests):
        gap = f"the account keeps {span_text(account.min_gap)} between two posts"
        return Delay(why=gap, until=distant)
    if rests and rests > due:
        return Delay(why=account.rest_reason or "the account rested", until=rests)
    return None


def _is_held(account: Account, moment: datetime) -> bool:
    """Whether an account could not publish before a moment (aware), whatever else kept it."""
    ends = [account.rests_until, account.next_post_at if account.min_gap else None]
    ends += [account.paused_until or _ENDLESS] if account.paused_at else []
    return account.health is not Health.OK or any(end is not None and end >= moment for end in ends)


def _give_up(
    tx: Connection, late: Sequence[Delivery], told: Callable[[Delivery], str], now: datetime
) -> list[Delivery]:
    by_message: dict[str, list[int]] = {}
    for delivery in late:
        if delivery.begun_at and is_in_doubt(tx, delivery.id):  # nobody may call that missed
            doubt = f"{told(delivery)}, so it is not sent again; and an earlier try may have been accepted"
            deliveries.lose_track(tx, delivery.id, doubt)
        else:
            by_message.setdefault(told(delivery), []).append(delivery.id)
    return [each for message, ids in by_message.items() for each in overdue.miss(tx, ids, message, now)]


def _superseded_told(delivery: Delivery) -> str:
    of_library = delivery.stream is not None and delivery.stream.startswith("library:")
    return f"{SUPERSEDED} {'library' if of_library else 'series'} is due"


def _overdue_told(delivery: Delivery, now: datetime, late_limit: timedelta) -> str:
    due, end, own = delivery.due_at, delivery.expires_at, delivery.late_limit
    assert due is not None, "what is overdue has a time"
    if end and end < now and (own is None or end != due + own):
        return f"its last moment ({end:%Y-%m-%d %H:%M:%S}Z) has passed"
    return f"it was due for too long (more than {span_text(late_limit if own is None else own)})"
