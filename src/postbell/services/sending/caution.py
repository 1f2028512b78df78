"""Looking before sending, where the database may have forgotten what was sent, or the clock was set.

Nothing overdue is sent then before its network was asked: it becomes unsure, and `recover` asks. What is due
later is sent at its time, unless the database has forgotten what the user did: then everything is paused,
because it may have been cancelled. It is over when everything in doubt is settled; all of it lies in the
database.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from postbell.clock import Clock
from postbell.domain.caution import MOST_UNNOTICED, Cause
from postbell.domain.pause import Pause, PauseScope
from postbell.domain.post import Delivery
from postbell.publishing.registry import can_ask
from postbell.services.context import Context
from postbell.services.sending.outcomes import LONGEST_REST
from postbell.store import accounts, mark, pauses, summary
from postbell.store.caution import begin_caution, last_alive, read_caution
from postbell.store.mark import Mark
from postbell.store.overdue import doubt_begun, doubt_overdue
from postbell.store.series import pass_over
from postbell.store.waits import shift_waits


#: A clock that goes back by less is being corrected.
_LEAST_STEP = timedelta(seconds=1)
#: Two clocks are read one after the other: if more than these seconds pass in between, they are read again.
_AT_ONCE = 1.0


@dataclass(frozen=True, kw_only=True)
class Stock:
    """How the database was found when a daemon began to work on it."""

    #: Why there is caution, if there is a reason.
    cause: Cause | None = None
    #: What is in doubt because of that.
    doubted: Sequence[Delivery] = ()


def take_stock(tx: Connection, ctx: Context, beside: Mark | None, machine: str | None) -> Stock:
    """Compare the database with the mark beside it, and with the clock; begin to be cautious where need be.

    Only for a daemon that has just started and holds the lock, before anything is claimed. `machine` names
    the machine on which it runs; None where no mark can be made, so that nobody will miss it.
    """
    now, within = ctx.now(), mark.read_mark(tx)
    newest = summary.newest_time(tx)
    cause = mark.what_happened(within, beside, machine)
    cause = cause or _what_the_clock_says(beside, newest=newest, now=now)
    _shorten_waits(tx, beside.at if beside and beside.at else newest, newest, now)
    _count_on(tx, within, beside, machine)
    if cause is None:
        return Stock()
    if cause.is_grave:
        lost = mark.count_lost(within, beside)
        return _distrust(tx, cause, beside, ctx.can_ask, lost=lost, now=now)
    since = beside.at if beside and cause is Cause.AWAY else newest
    return Stock(cause=cause, doubted=_doubt(tx, cause, _askable(tx, ctx), since=since, now=now))


def _shorten_waits(tx: Connection, seen: datetime | None, newest: datetime | None, now: datetime) -> None:
    """Let no wait last longer because the clock went back while nothing ran, given when it was seen last.

    It went back by that much at least. Where it did so before, only what is newest still says that.
    """
    steps = [min(now - time, timedelta()) for time in (seen, newest) if time]
    if steps and min(steps) < -_LEAST_STEP:
        shift_waits(tx, steps[0], now, longest=LONGEST_REST)


def begin_after_restore(tx: Connection, beside: Mark | None, machine: str, now: datetime) -> Stock:
    """Do the same with a backup that takes the place of a database."""
    _count_on(tx, mark.read_mark(tx), beside, machine)
    return _distrust(tx, Cause.RESTORED, beside, can_ask, lost=0, now=now)


def _distrust(
    tx: Connection,
    cause: Cause,
    beside: Mark | None,
    can_ask: Callable[[str], bool],
    *,
    lost: int,
    now: datetime,
) -> Stock:
    # Only a daemon writes these, so they are from before the database went back, by a clock that may have
    # been wrong by so much without a word. What commands have written down says nothing of that.
    known = [time for time in (summary.last_published(tx), last_alive(tx)) if time]
    since = max(known) - MOST_UNNOTICED if known else None
    # And that clock may have been fast: then what is due by it is public already.
    fast = [time + mark.REFRESHED for time in (*known, beside.at if beside else None) if time and time > now]
    due = max([now, *fast])
    silent = [each.id for each in accounts.list_accounts(tx) if not can_ask(each.network)]
    doubt_begun(tx, silent, told=_told(cause), since=since, now=now)
    return Stock(cause=cause, doubted=_doubt(tx, cause, None, since=since, lost=lost, now=now, due=due))


def _what_the_clock_says(beside: Mark | None, *, newest: datetime | None, now: datetime) -> Cause | None:
    seen = beside.at if beside else None
    if any(time and time - now > MOST_UNNOTICED for time in (newest, seen)):
        return Cause.CLOCK_SET
    return Cause.AWAY if seen and now - seen > MOST_UNNOTICED else None


def _count_on(tx: Connection, within: Mark, beside: Mark | None, machine: str | None) -> None:
    """Count on from the greater: whoever puts the same old copy in place once more is noticed again."""
    found = (within, beside) if beside else (within,)
    changes, edits = max(each.changes for each in found), max(each.edits for each in found)
    mark.set_mark(tx, Mark(changes=changes, edits=edits, machine=machine))


def _doubt(
    tx: Connection,
    cause: Cause,
    asked: Sequence[int] | None,
    *,
    since: datetime | None,
    lost: int = 0,
    now: datetime,
    due: datetime | None = None,
) -> list[Delivery]:
    """Call unsure what is due at `now`, or at `due`, and may be public, with these accounts or with all.

    `since` is the earliest instant (aware) at which it can have been published without the database knowing;
    if nobody can tell, it can have been at any time. Returns what is in doubt.
    """
    _begin(tx, cause, now, since=since, lost=lost)
    if cause.is_grave:
        pass_over(tx, now)
    return doubt_overdue(tx, asked, told=_told(cause), since=since, now=now, due=due)


def _told(cause: Cause) -> str:
    comes = "it is not known what was published since" if cause.is_grave else "it is looked up first"
    return f"{cause.told}, so {comes}"


def _begin(tx: Connection, cause: Cause, now: datetime, *, since: datetime | None, lost: int) -> None:
    """Store why there is caution, unless something graver is still to be told; hold back what must be."""
    before = read_caution(tx, lambda _network: False)
    if before and before.cause.is_grave and before.is_told(now) and not cause.is_grave:
        return
    lost += before.lost if before and before.holds else 0
    begin_caution(tx, cause, now, known_until=since, lost=lost)
    if lost or cause.is_blind:
        pauses.pause(tx, Pause(scope=PauseScope.EVERYTHING, since=now))


def _askable(tx: Connection, ctx: Context) -> list[int]:
    return [account.id for account in accounts.list_accounts(tx) if ctx.can_ask(account.network)]


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look at the clock, compared with the one before it."""

    #: Aware UTC.
    now: datetime
    elapsed: float
    #: When the clock was looked at before.
    before: datetime
    #: How long that really is ago.
    passed: timedelta

    @property
    def step(self) -> timedelta:
        """By how much the clock was set meanwhile; positive is forwards."""
        return self.now - self.before - self.passed

    @property
    def was_set(self) -> bool:
        """Whether the clock went back, or far: whether anything that is stored must be looked at again."""
        return self.is_far or self.step < -_LEAST_STEP

    @property
    def is_far(self) -> bool:
        """Whether that is more than a correction."""
        return abs(self.step) > MOST_UNNOTICED


def note_step(tx: Connection, ctx: Context, look: Look) -> list[Delivery]:
    """Do what must be done because the clock was set; return what is in doubt because of that."""
    if look.step < -_LEAST_STEP:
        shift_waits(tx, look.step, look.now, longest=LONGEST_REST)
    if not look.is_far:
        return []
    return _doubt(tx, Cause.CLOCK_SET, _askable(tx, ctx), since=look.before, now=look.now)


class Watch:
    """Notices that the clock was set, by one that nobody can set."""

    def __init__(self, clock: Clock) -> None:
        self._now, self._elapsed = _read(clock)

    def look(self, clock: Clock) -> Look:
        """Compare the clock with how it was when a look was last taken for granted."""
        now, elapsed = _read(clock)
        passed = timedelta(seconds=elapsed - self._elapsed)
        return Look(now=now, elapsed=elapsed, before=self._now, passed=passed)

    def accept(self, look: Look) -> None:
        """Take it for granted: what the clock says was acted upon."""
        self._now, self._elapsed = look.now, look.elapsed


def _read(clock: Clock) -> tuple[datetime, float]:
    while True:
        before, now = clock.elapsed(), clock.now()
        # The process may be stopped in between, or the machine be suspended.
        if clock.elapsed() - before < _AT_ONCE:
            return now, before
