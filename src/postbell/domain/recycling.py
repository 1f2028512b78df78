"""Recycled posts: again after a gap, until an end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from postbell.domain.recurrence import Occurrence, Recurrence, Unit
from postbell.domain.zones import twice_note, wall_at, wall_to_instant


class GapUnit(StrEnum):
    """What a gap is counted in."""

    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"


_ON_CALENDAR = {GapUnit.DAYS: Unit.DAY, GapUnit.WEEKS: Unit.WEEK, GapUnit.MONTHS: Unit.MONTH}
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Gap:
    """The span between two uses. Hours are hours; the others are counted on the calendar."""

    count: int
    unit: GapUnit


@dataclass(frozen=True, kw_only=True)
class Recycling:
    """When a piece is published again."""

    gap: Gap
    #: What clocks in `zone` show at the first use, or before which a piece of a library is not used (naive).
    first: datetime
    #: The IANA name of the zone.
    zone: str
    #: The last day on which it may be used.
    last: date | None = None
    #: How often it is used in all; None means without end.
    count: int | None = None
    #: The library whose pieces fill empty slots; None where it keeps times of its own.
    library: str | None = None

    def occurrences(self, after: datetime | None = None) -> Iterator[Occurrence]:
        """Yield its own times that come after an instant (aware), or all, in order; a library piece has none.

        A day that a month does not have is its last one, and the next month has it again. Of a gap in hours
        the key of an occurrence is its instant in UTC: on the wall an hour may come twice. Lazy, and quick
        however long ago it began.
        """
        if self.library is not None:
            return iter(())
        if self.gap.unit is GapUnit.HOURS:
            return self._by_hours(after)
        return self._on_calendar(self.first).occurrences(after)

    def next_use(self, used: datetime | None) -> datetime:
        """Return from when on (aware UTC) it may be used again by an account that used it last at `used`.

        That is never before `first`; past the end of the calendar it is the very end. Whether it has ended by
        then is not asked here.
        """
        begin, _ = wall_to_instant(self.first, ZoneInfo(self.zone))
        return begin if used is None else max(begin, self._later(used))

    def ends_before(self, at: datetime, uses: int) -> bool:
        """Whether it has come to its end before `at` (aware), after so many uses."""
        return at >= self._end() or (self.count is not None and uses >= self.count)

    def _by_hours(self, after: datetime | None) -> Iterator[Occurrence]:
        zone = ZoneInfo(self.zone)
        begin, note = wall_to_instant(self.first, zone)
        try:
            gap = timedelta(hours=self.gap.count)
            turn = 0 if after is None or after < begin else (after - begin) // gap + 1
            at = begin + turn * gap
            while not self.ends_before(at, turn):
                key = f"{at.replace(tzinfo=None).isoformat(timespec='minutes')}Z"
                said = twice_note(at, zone) if turn else note
                yield Occurrence(key=key, at=at, local=wall_at(at, zone), note=said)
                turn += 1
                at += gap
        except OverflowError:
            return

    def _on_calendar(self, first: datetime) -> Recurrence:
        return Recurrence(
            every=_ON_CALENDAR[self.gap.unit],
            interval=self.gap.count,
            times=(first.time(),),
            zone=self.zone,
            first=first.date(),
            last=self.last,
            count=self.count,
        )

    def _later(self, used: datetime) -> datetime:
        try:
            if self.gap.unit is GapUnit.HOURS:
                return used.astimezone(UTC) + timedelta(hours=self.gap.count)
        except OverflowError:
            return _NEVER
        calendar = self._on_calendar(wall_at(used, ZoneInfo(self.zone)))
        endless = replace(calendar, last=None, count=None)
        return next((later.at for later in endless.occurrences(used)), _NEVER)

    def _end(self) -> datetime:
        """Return when (aware UTC) the day after the last one begins."""
        try:
            midnight = datetime.combine((self.last or date.max) + timedelta(days=1), time.min)
            return wall_to_instant(midnight, ZoneInfo(self.zone))[0]
        except OverflowError:
            return _NEVER
