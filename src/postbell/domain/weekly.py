"""Weekly posting times of an account: `mon-fri 09:00,17:30`, and days without any."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TypeVar
from zoneinfo import ZoneInfo

from postbell.domain.day_words import read_times, read_weekdays, shown, week_text
from postbell.domain.wall_clock import Occurrence, in_order
from postbell.domain.words import read_day
from postbell.errors import Invalid, Problem


T = TypeVar("T")

_LINE = re.compile(r"\s*([A-Za-z-]+(?:\s*,\s*[A-Za-z-]+)*)\s+(.+)")


@dataclass(frozen=True, kw_only=True, order=True)
class WeeklyTime:
    """One time of the week."""

    #: 0 is Monday.
    day: int
    time: time


@dataclass(frozen=True, kw_only=True, order=True)
class DaysOff:
    """Days without any slot, both ends included."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first}..{self.last}"


@dataclass(frozen=True, kw_only=True)
class WeeklySlots:
    """When an account likes to post."""

    #: The IANA name of the zone whose wall clocks count.
    zone: str
    times: tuple[WeeklyTime, ...]
    days_off: tuple[DaysOff, ...] = ()

    def occurrences(self, after: datetime) -> Iterator[Occurrence]:
        """Yield the slots that come after an instant (aware), in order, without those on days off.

        A change of the clocks moves them as it moves the times of a `Recurrence`.
        """
        for slot in in_order(self._walls(after), ZoneInfo(self.zone)):
            day = slot.local.date()
            if slot.at > after and not any(off.first <= day <= off.last for off in self.days_off):
                yield slot

    def _walls(self, after: datetime) -> Iterator[datetime]:
        # Clocks are less than a day away from UTC, and no change of theirs leaves out more than a day.
        since = after.astimezone(UTC).toordinal() - 2
        by_day = {day: sorted({slot.time for slot in self.times if slot.day == day}) for day in range(7)}
        for ordinal in range(since, date.max.toordinal() + 1) if self.times else ():
            day = date.fromordinal(ordinal)
            yield from (datetime.combine(day, at) for at in by_day[day.weekday()])


def parse_weekly(lines: Iterable[str], *, where: str) -> tuple[WeeklyTime, ...]:
    """Return the times, in order, of lines like `mon-fri 09:00,17:30`, `sat,sun 11am` or `daily noon`.

    Raises Invalid about `where` with all that is wrong at once, and with every time that is there twice.
    """
    faults: list[str] = []
    found = [slot for line in lines for slot in _read_line(line, faults)]
    twice = sorted({slot for slot in found if found.count(slot) > 1})
    faults += [f"{weekly_text([slot])[0]} is there twice. Once is enough." for slot in twice]
    _refuse(where, faults)
    return tuple(sorted(found))


def weekly_text(times: Iterable[WeeklyTime]) -> list[str]:
    """Return the lines that say these times, as few as there can be with whole days."""
    by_day: dict[int, list[time]] = {}
    for slot in sorted(times):
        by_day.setdefault(slot.day, []).append(slot.time)
    by_times: dict[str, list[int]] = {}
    for day, at in by_day.items():
        by_times.setdefault(",".join(f"{moment:%H:%M}" for moment in at), []).append(day)
    return [f"{week_text(days)} {words}" for words, days in by_times.items()]


def parse_days_off(texts: Iterable[str], *, where: str) -> tuple[DaysOff, ...]:
    """Return the days, in order, of texts like `2026-12-24..2026-12-26` or `2027-01-01`.

    Raises Invalid about `where` with all that is wrong at once.
    """
    faults: list[str] = []
    found = []
    for text in texts:
        begin, dots, end = text.partition("..")
        try:
            first, last = read_day(begin), read_day(end if dots else begin)
        except ValueError as error:
            faults += error.args
            continue
        if last < first:
            faults.append(f"{shown(text)} ends before it begins.")
        found.append(DaysOff(first=first, last=last))
    _refuse(where, faults)
    return tuple(sorted(found))


def _read_line(line: str, faults: list[str]) -> list[WeeklyTime]:
    halves = _LINE.fullmatch(line)
    if not halves:
        faults.append(f"{shown(line)} does not say days and times. Say it like mon-fri 09:00,17:30.")
        return []
    days = _collect(faults, read_weekdays, halves[1])
    times = _collect(faults, read_times, halves[2])
    return [WeeklyTime(day=day.day, time=at) for day in days for at in times]


def _collect(faults: list[str], read: Callable[[str], tuple[T, ...]], words: str) -> tuple[T, ...]:
    try:
        return read(words)
    except ValueError as error:
        faults += error.args
        return ()


def _refuse(where: str, faults: Sequence[str]) -> None:
    if faults:
        raise Invalid(Problem(where=where, message=fault) for fault in faults)
