"""Recurring times: a rule of the calendar, kept on wall clocks, and the instants that it means.

A time that a change of the clocks leaves out moves forward by the gap. Of a time that comes twice the first
counts. Where two times of a rule fall on the same instant by that, there is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import dropwhile, islice, takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim

from postbell.domain.calendar_days import ShortMonth, Weekday, month_days
from postbell.domain.wall_clock import Occurrence, in_order


__all__ = ["Occurrence", "Recurrence", "ShortMonth", "Unit", "Weekday"]


class Unit(StrEnum):
    """What a rule counts in."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, kw_only=True)
class Recurrence:
    """When something comes again."""

    #: None where a cron line says it all.
    every: Unit | None = None
    #: Every n-th day, week (from Monday on), month or year, counted from that of `first`.
    interval: int = 1
    #: In a rule by the week its days; in one by the month or year with `nth` in them. None: that of `first`.
    weekdays: tuple[Weekday, ...] = ()
    #: Days of the month, besides `weekdays` if there are any; -1 is the last. Neither: that of `first`.
    days: tuple[int, ...] = ()
    #: In a rule by the year its months. None: that of `first`.
    months: tuple[int, ...] = ()
    #: Times of day, whole minutes.
    times: tuple[time, ...] = ()
    #: Five fields: minute, hour, day, month, weekday (0 and 7 are Sunday).
    cron: str | None = None
    #: The IANA name of the zone whose wall clocks count.
    zone: str
    #: The first day on which it may come, and the last.
    first: date
    last: date | None = None
    #: How often it comes in all; None means without end. Two times that fall on one instant count as two.
    count: int | None = None
    short_month: ShortMonth = ShortMonth.LAST

    def occurrences(self, after: datetime | None = None) -> Iterator[Occurrence]:
        """Yield those that come after an instant (aware), or all, in the order of their instants.

        Lazy, and quick however long ago the rule began; only `count` in a cron line or in a rule by the month
        or year is counted from `first` on. `first`, `last` and `count` are about the times that the rule
        says, not about those to which clocks move them. A rule that never comes again ends, like all others,
        with the year 9999.
        """
        since = self.first
        if after is not None:
            # Clocks are less than a day away from UTC, and no change of theirs leaves out more than a day.
            nearest = after.astimezone(UTC).toordinal() - 2
            since = date.fromordinal(max(nearest, since.toordinal()))
        for occurrence in in_order(self._slots(since), ZoneInfo(self.zone)):
            if after is None or occurrence.at > after:
                yield occurrence

    def _slots(self, since: date) -> Iterator[datetime]:
        """Yield the times that the rule says, from a day on that is not before `first`."""
        if self.count is None:
            return self._endless(since)
        if self.every in (Unit.DAY, Unit.WEEK):
            return islice(self._endless(since), max(0, self.count - self._passed(since)))
        return dropwhile(lambda wall: wall.date() < since, islice(self._endless(self.first), self.count))

    def _endless(self, since: date) -> Iterator[datetime]:
        walls = self._by_days(since) if self.cron is None else self._by_cron(self.cron, since)
        last = self.last or date.max
        return takewhile(lambda wall: wall.date() <= last, walls)

    def _by_cron(self, line: str, since: date) -> Iterator[datetime]:
        try:
            # It knows no zone here: its own treatment of changes of the clocks is another than ours.
            yield from CronSim(line, datetime.combine(since, time.min) - timedelta(seconds=1))
        except OverflowError:
            return

    def _by_days(self, since: date) -> Iterator[datetime]:
        times = sorted(set(self.times))
        for number in range(self._period(since), self._number(self.last or date.max) + 1, self.interval):
            for day in self._days_in(number):
                if day >= since:
                    yield from (datetime.combine(day, at) for at in times)

    def _passed(self, since: date) -> int:
        """Return how many times of a rule by the day or week come before a day."""
        begun, reached = self._days_in(self._number(self.first)), self._days_in(self._period(since))
        whole = (self._period(since) - self._number(self.first)) // self.interval
        days = (
            whole * len(begun) - sum(day < self.first for day in begun) + sum(day < since for day in reached)
        )
        return days * len(set(self.times))

    def _period(self, since: date) -> int:
        """Return the number of the last day, week, month or year of the rule that begins by a day."""
        begin = self._number(self.first)
        return begin + (self._number(since) - begin) // self.interval * self.interval

    def _number(self, day: date) -> int:
        """Return the number of its day, week, month or year, counted from the beginning of the calendar."""
        match self.every:
            case Unit.DAY:
                return day.toordinal()
            case Unit.WEEK:
                # The first day of the calendar, whose ordinal is 1, is a Monday.
                return (day.toordinal() - 1) // 7
            case Unit.MONTH:
                return day.year * 12 + day.month - 1
            case _:
                return day.year

    def _days_in(self, number: int) -> list[date]:
        """Return the days of the rule in the day, week, month or year with this number, in order."""
        match self.every:
            case Unit.DAY:
                return [date.fromordinal(number)]
            case Unit.WEEK:
                wanted = {weekday.day for weekday in self.weekdays} or {self.first.weekday()}
                ordinals = (number * 7 + 1 + weekday for weekday in sorted(wanted))
                return [date.fromordinal(day) for day in ordinals if day <= date.max.toordinal()]
            case Unit.MONTH:
                return self._days_of_month(number // 12, number % 12 + 1)
            case _:
                months = sorted(set(self.months)) or [self.first.month]
                return [day for month in months for day in self._days_of_month(number, month)]

    def _days_of_month(self, year: int, month: int) -> list[date]:
        days = self.days or (() if self.weekdays else (self.first.day,))
        return month_days(year, month, days=days, weekdays=self.weekdays, short=self.short_month)
