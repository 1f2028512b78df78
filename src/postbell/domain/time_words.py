"""The forms in which a person may write a time; `domain.when` says what they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from postbell.domain.zones import wall_at, wall_to_instant


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)

_WEEKDAY = "mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
_MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?"
)
_TIME = r"(?:at )?(?P<time>\d{1,2}:[\d:.]+(?: ?[ap]m)?|\d{1,2} ?[ap]m|noon|midnight)"
_ISO = (
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
    rf"(?:[t ]{_TIME}(?: ?(?P<offset>z|[+-]\d\d(?::?\d\d)?))?)?"
)
_DATE = (
    rf"(?:(?P<weekday>{_WEEKDAY}) )?"
    rf"(?:(?P<day>\d{{1,2}}) (?P<month>{_MONTH})|(?P<month2>{_MONTH}) (?P<day2>\d{{1,2}}))"
    rf"(?: (?P<year>\d{{4}}))?(?: {_TIME})?"
)
_CLOCK = re.compile(r"(?a)(\d{1,2})(?::(\d\d))?(?::(\d\d)(?:\.\d+)?)?(?: ?([ap]m))?")


@dataclass(frozen=True, kw_only=True)
class Here:
    """Where and when the words are read."""

    #: The present instant (aware UTC, whole seconds).
    now: datetime
    zone: ZoneInfo

    @property
    def wall(self) -> datetime:
        """What the clock on the wall shows (naive)."""
        return wall_at(self.now, self.zone)

    @property
    def today(self) -> date:
        """The day that the calendar on the wall shows."""
        return self.wall.date()


def read(words: str, here: Here) -> datetime:
    """Return the time that `words` (lower case, single blanks) mean: on the wall if naive, else in UTC.

    Raises ValueError or OverflowError with the reason if they are none of the forms.
    """
    for pattern, reader in _FORMS:
        if found := re.fullmatch(pattern, words, re.ASCII):
            return reader(found, here)
    raise ValueError("it has none of the accepted forms")


def time_of_day(words: str) -> time:
    """Return the time of day that `words` (lower case, single blanks) mean; raises ValueError if none."""
    found = re.fullmatch(_TIME, words, re.ASCII)
    if not found:
        raise ValueError("it has none of the accepted forms")
    return _time(found)


def _now(_found: re.Match[str], here: Here) -> datetime:
    return here.now


def _time_alone(found: re.Match[str], here: Here) -> datetime:
    meant = datetime.combine(here.today, _time(found))
    return meant if wall_to_instant(meant, here.zone)[0] > here.now else meant + timedelta(days=1)


def _near_day(found: re.Match[str], here: Here) -> datetime:
    return datetime.combine(here.today + timedelta(days=found[1] == "tomorrow"), _time(found))


def _weekday(found: re.Match[str], here: Here) -> datetime:
    ahead = (_position(found["weekday"], WEEKDAYS) - here.today.weekday() - 1) % 7 + 1
    return datetime.combine(here.today + timedelta(days=ahead), _time(found))


def _iso(found: re.Match[str], _here: Here) -> datetime:
    meant = datetime.combine(date(*map(int, found.group("year", "month", "day"))), _time(found))
    offset = found["offset"]
    return meant if offset is None else meant.replace(tzinfo=_zone_ahead(offset)).astimezone(UTC)


def _zone_ahead(offset: str) -> timezone:
    if offset == "z":
        return UTC
    digits = offset[1:].replace(":", "").ljust(4, "0")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if ahead > timedelta(hours=14) or int(digits[2:]) > 59:
        raise ValueError(f"no place on earth has the offset {offset}")
    return timezone(-ahead if offset[0] == "-" else ahead)


def _date(found: re.Match[str], here: Here) -> datetime:
    month, number = (
        _position(found["month"] or found["month2"], MONTHS) + 1,
        int(found["day"] or found["day2"]),
    )
    day = date(int(found["year"]), month, number) if found["year"] else _next_day(month, number, here.today)
    if found["weekday"] and _position(found["weekday"], WEEKDAYS) != day.weekday():
        raise ValueError(f"{day} is a {WEEKDAYS[day.weekday()].title()}")
    return datetime.combine(day, _time(found))


def _next_day(month: int, number: int, today: date) -> date:
    for year in range(today.year, today.year + 9):  # two 29 Februaries are at most eight years apart
        try:
            day = date(year, month, number)
        except ValueError:
            continue
        if day >= today:
            return day
    raise ValueError("there is no such day")


def _time_ahead(found: re.Match[str], here: Here) -> datetime:
    unit = {"s": "seconds", "m": "minutes", "h": "hours"}[found["unit"][0]]
    return here.now + timedelta(**{unit: int(found["count"])})


def _days_ahead(found: re.Match[str], here: Here) -> datetime:
    then = here.wall + timedelta(days=int(found["count"]) * (7 if found["unit"][0] == "w" else 1))
    return datetime.combine(then, _time(found)) if found["time"] else then


def _time(found: re.Match[str]) -> time:
    words = found["time"]
    if words is None:
        raise ValueError("the time of day is missing")
    if words in ("noon", "midnight"):
        return time(12 if words == "noon" else 0)
    clock = _CLOCK.fullmatch(words)
    hour, minute, second = (int(part or 0) for part in clock.group(1, 2, 3)) if clock else (24, 0, 0)
    half = clock and clock[4]
    if hour > 23 or minute > 59 or second > 59 or (half and not 1 <= hour <= 12):
        raise ValueError(f"there is no {words} on a clock")
    return time(hour % 12 + (12 if half == "pm" else 0) if half else hour, minute, second)


def _position(name: str, names: tuple[str, ...]) -> int:
    """Return which of `names` begins like `name`; three letters tell all of them apart."""
    return [other[:3] for other in names].index(name[:3])


_FORMS: tuple[tuple[str, Callable[[re.Match[str], Here], datetime]], ...] = (
    ("now", _now),
    (_TIME, _time_alone),
    (f"(today|tomorrow)(?: {_TIME})?", _near_day),
    (f"(?:next )?(?P<weekday>{_WEEKDAY})(?: {_TIME})?", _weekday),
    (_ISO, _iso),
    (_DATE, _date),
    (
        r"(?:in |\+ ?)(?P<count>\d{1,6}) ?(?P<unit>s|secs?|seconds?|mins?|minutes?|h|hrs?|hours?)",
        _time_ahead,
    ),
    (rf"(?:in |\+ ?)(?P<count>\d{{1,6}}) ?(?P<unit>d|days?|w|weeks?)(?: {_TIME})?", _days_ahead),
)
