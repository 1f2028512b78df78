"""Days and times of day as rules name them, one or many: `mon-fri`, `2nd tue`, `-1`, `dec`, `9am`.

What reads raises ValueError with one whole sentence for every part that it does not understand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import time
from typing import Any, TypeVar

from postbell.domain.calendar_days import Weekday
from postbell.domain.time_words import MONTHS, WEEKDAYS, time_of_day


T = TypeVar("T")

_GROUPS = {
    "daily": range(7),
    "weekday": range(5),
    "weekdays": range(5),
    "weekend": range(5, 7),
    "weekends": range(5, 7),
}
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}


def shown(value: Any) -> str:
    """Return what the user said for a message, cut where it is long."""
    return f'"{str(value)[:80]}"'


def whole_number(value: Any) -> int | None:
    """Return a number, or one written in digits, if it is whole and of a sane size."""
    if isinstance(value, str) and re.fullmatch(r"(?a)\s*[+-]?\d{1,9}\s*", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def each(value: Any, read: Callable[[Any], T]) -> list[T]:
    """Read every part of a list, of a text with commas, or one value alone; raises what all of them raise."""
    found: list[T] = []
    faults: list[Any] = []
    for part in _parts(value):
        try:
            found.append(read(part))
        except ValueError as error:
            faults += error.args
    if faults:
        raise ValueError(*faults)
    return found


def read_weekdays(value: Any) -> tuple[Weekday, ...]:
    """Return days of the week, or n-th ones of a month, in order: 0 is Monday, `sat-mon`, `last fri`."""
    found = {day for days in each(value, _weekdays) for day in days}
    return tuple(sorted(found, key=lambda day: (day.day, day.nth or 0)))


def read_month_days(value: Any) -> tuple[int, ...]:
    """Return days of the month in order, from 1 to 31, or from the end: `last` or -1, `2nd last` or -2."""
    return tuple(sorted(set(each(value, _month_day)), key=lambda day: (day < 0, day)))


def read_months(value: Any) -> tuple[int, ...]:
    """Return months in order, from numbers or names."""
    return tuple(sorted(set(each(value, _month))))


def read_times(value: Any) -> tuple[time, ...]:
    """Return times of day in order; the same minute twice is a fault."""
    found = each(value, _time)
    if twice := sorted({at for at in found if found.count(at) > 1}):
        raise ValueError(*(f"{at:%H:%M} is there twice. Once is enough." for at in twice))
    return tuple(sorted(found))


def weekday_text(day: Weekday) -> str:
    """Return a day as `read_weekdays` reads it: `tue`, `2nd tue`, `2nd last fri`."""
    name = WEEKDAYS[day.day][:3]
    return name if day.nth is None else f"{nth_text(day.nth)} {name}"


def week_text(days: Iterable[int]) -> str:
    """Return days of the week in their shortest form: `daily`, or ranges like `mon-fri,sun`."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    if runs == [list(range(7))]:
        return "daily"
    return ",".join(_run_text([WEEKDAYS[day][:3] for day in run]) for run in runs)


def nth_text(nth: int) -> str:
    """Return which one it is: `1st`, `22nd`, `last`, `2nd last`."""
    if nth < 0:
        return "last" if nth == -1 else f"{nth_text(-nth)} last"
    teen = 10 < nth % 100 < 20
    return f"{nth}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(nth % 10, 'th')}"


def _parts(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [" ".join(part.lower().split()) for part in value.split(",")]
    if isinstance(value, list | tuple):
        return [part for item in value for part in _parts(item)]
    return [value]


def _weekdays(part: Any) -> list[Weekday]:
    *ordinal, name = part.split(" ") if isinstance(part, str) else [part]
    if ordinal:
        nth = _nth(ordinal)
        if nth is None or not 1 <= abs(nth) <= 5:
            raise ValueError(f"{shown(part)} is no day of a month. Say it like 2nd tue or last fri.")
        return [Weekday(day=_weekday(name), nth=nth)]
    if name in _GROUPS:
        return [Weekday(day=day) for day in _GROUPS[name]]
    first, dash, last = name.partition("-") if isinstance(name, str) else (name, "", "")
    begin = _weekday(first)
    # From Saturday to Monday the week turns.
    length = (_weekday(last) - begin) % 7 if dash else 0
    return [Weekday(day=(begin + step) % 7) for step in range(length + 1)]


def _weekday(name: Any) -> int:
    day = whole_number(name)
    day = _position(name, WEEKDAYS) if day is None else day
    if day is None or not 0 <= day <= 6:
        raise ValueError(f"{shown(name)} is no weekday. Say mon to sun, or 0 (Monday) to 6 (Sunday).")
    return day


def _nth(words: list[str]) -> int | None:
    """Return the number of `2nd`, `second`, `last` or `2nd last`."""
    if words[-1:] == ["last"]:
        before = 1 if len(words) == 1 else _nth(words[:-1])
        return None if before is None else -before
    if len(words) != 1:
        return None
    found = re.fullmatch(r"(?a)(\d{1,2})(?:st|nd|rd|th)", words[0])
    return int(found[1]) if found else _ORDINALS.get(words[0])


def _month_day(part: Any) -> int:
    day = whole_number(part)
    if day is None and isinstance(part, str):
        day = _nth(part.removesuffix(" day").split(" "))
    # Every month has 28 days; counted further from the end there is no telling where a short month ends.
    if day is None or not (1 <= day <= 31 or -28 <= day <= -1):
        raise ValueError(f"{shown(part)} is no day of a month. Say 1 to 31, or -1 (the last) to -28.")
    return day


def _month(part: Any) -> int:
    month = whole_number(part)
    if month is None and (found := _position(part, MONTHS)) is not None:
        month = found + 1
    if month is None or not 1 <= month <= 12:
        raise ValueError(f"{shown(part)} is no month. Say jan to dec, or 1 to 12.")
    return month


def _time(part: Any) -> time:
    try:
        meant = part if isinstance(part, time) else time_of_day(str(part))
    except ValueError as error:
        raise ValueError(f"{shown(part)} is not a time of day: {error}. Say it like 09:00 or 9am.") from None
    if meant.second or meant.microsecond:
        raise ValueError(f"{shown(part)} has seconds. A rule comes at whole minutes, once a minute at most.")
    return meant.replace(tzinfo=None)


def _position(name: Any, names: tuple[str, ...]) -> int | None:
    """Return which of `names` begins with `name`, of at least three letters: they tell all of them apart."""
    if not isinstance(name, str) or len(name) < 3:
        return None
    return next((row for row, other in enumerate(names) if other.startswith(name)), None)


def _run_text(names: list[str]) -> str:
    return ",".join(names) if len(names) < 3 else f"{names[0]}-{names[-1]}"
