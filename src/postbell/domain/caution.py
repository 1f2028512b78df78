"""What makes Postbell look before it sends what is overdue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


#: A clock that is set by no more than this is corrected, and one who is away for no longer was not away.
MOST_UNNOTICED = timedelta(hours=1)
#: A grave cause is told for so long at least: more is forgotten than what is overdue.
_LATELY = timedelta(days=1)


class Cause(StrEnum):
    """Why something may be public that the database knows nothing of."""

    #: The database is older than the mark beside it.
    WENT_BACK = "went_back"
    #: The database or the mark was written by another machine.
    COPIED = "copied"
    #: There is no mark beside a database that had one.
    MARK_LOST = "mark_lost"
    #: The user has restored a backup.
    RESTORED = "restored"
    #: The clock was set.
    CLOCK_SET = "clock_set"
    #: No daemon ran for a long time: it may be that, or a whole machine that went back in time.
    AWAY = "away"

    @property
    def is_grave(self) -> bool:
        """Whether the database is not, or may not be, what it was: then only a look-up or the user helps.

        Otherwise everything is most likely as it should be, and what no network can be asked about is
        published, or missed, as if nothing had happened.
        """
        return self not in (Cause.CLOCK_SET, Cause.AWAY)

    @property
    def is_blind(self) -> bool:
        """Whether nobody can tell if what the user did last is forgotten, as what was cancelled."""
        return self in (Cause.COPIED, Cause.MARK_LOST)

    @property
    def told(self) -> str:
        """What has happened, in words without a stop at the end."""
        return _WORDS[self]

    @property
    def sentence(self) -> str:
        """The same as a sentence."""
        return f"{self.told[0].upper()}{self.told[1:]}."


_WORDS = {
    Cause.WENT_BACK: "the database went back in time (an old copy, or its log was lost)",
    Cause.COPIED: "the data folder comes from another machine",
    Cause.MARK_LOST: "the file postbell.mark is gone, so nobody knows whether the database is the newest",
    Cause.RESTORED: "a backup was restored",
    Cause.CLOCK_SET: "the clock was set by more than an hour",
    Cause.AWAY: "Postbell was away for more than an hour",
}


@dataclass(frozen=True, kw_only=True)
class Caution:
    """That Postbell has begun to look before it sends."""

    cause: Cause
    #: When it noticed (aware UTC).
    since: datetime
    #: Until when (aware UTC) the database knew everything for certain; None if nobody can tell.
    known_until: datetime | None
    #: How many times commands have changed the database of which it knows nothing any more.
    lost: int
    #: Whether everything is held back, because what waits may have been cancelled.
    holds: bool
    #: How many deliveries are still in doubt because of it.
    left: int
    #: How many of them are looked up; the others wait for the user.
    asked: int

    def is_told(self, now: datetime) -> bool:
        """Whether somebody should still know of it at `now` (aware)."""
        recent = self.cause.is_grave and timedelta() <= now - self.since < _LATELY
        return self.left > 0 or self.holds or recent
