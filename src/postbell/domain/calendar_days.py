"""Days of a month, as a rule names them."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class ShortMonth(StrEnum):
    """What becomes of a day that a month does not have."""

    #: It moves to the last day of that month.
    LAST = "last"
    #: There is none in that month.
    SKIP = "skip"


@dataclass(frozen=True, kw_only=True, order=True)
class Weekday:
    """A day of the week, or the n-th one of a month."""

    #: 0 is Monday.
    day: int
    #: 1 is the first of the month, -1 the last; None means every one.
    nth: int | None = None


def month_days(
    year: int, month: int, *, days: Iterable[int], weekdays: Iterable[Weekday], short: ShortMonth
) -> list[date]:
    """Return the dates of a month that are among `days` or among `weekdays`, each once, in order.

    Days below 0 count from the end. A fifth weekday that a month does not have is none, whatever `short`
    says.
    """
    start, length = monthrange(year, month)
    found = set()
    for day in days:
        meant = day if day > 0 else length + 1 + day
        held = min(max(meant, 1), length)
        if held == meant or short is ShortMonth.LAST:
            found.add(held)
    for weekday in weekdays:
        every = range(1 + (weekday.day - start) % 7, length + 1, 7)
        found.update(every if weekday.nth is None else _nth(every, weekday.nth))
    return [date(year, month, day) for day in sorted(found)]


def _nth(every: range, nth: int) -> range:
    index = nth - 1 if nth > 0 else len(every) + nth
    return every[index : index + 1] if index >= 0 else every[:0]
