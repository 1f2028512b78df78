"""Rules as RRULE text, in and out (RFC 5545, 3.3.10; SKIP from RFC 7529).

What Postbell has no rule for is refused by its name: nothing is left out in silence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from postbell.domain.day_words import weekday_text
from postbell.domain.recurrence import Recurrence, ShortMonth, Unit, Weekday
from postbell.domain.zones import wall_to_instant
from postbell.errors import Invalid, Problem


#: By the words of `domain.repeat_words`, which part of the text says the same.
PARTS = {
    "repeat": "FREQ",
    "interval": "INTERVAL",
    "days_of_week": "BYDAY",
    "days": "BYMONTHDAY",
    "months": "BYMONTH",
    "times": "BYHOUR",
    "short_month": "SKIP",
    "timezone": "TZID",
    "start_date": "DTSTART",
    "end_date": "UNTIL",
    "occurrences": "COUNT",
}

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FREQUENCIES = {
    Unit.DAY: "DAILY",
    Unit.WEEK: "WEEKLY",
    Unit.MONTH: "MONTHLY",
    Unit.YEAR: "YEARLY",
}
_SKIPS = {"OMIT": "skip", "BACKWARD": "last"}
_KNOWN = {*PARTS.values(), "BYMINUTE", "BYSECOND", "WKST", "RSCALE"} - {"DTSTART", "TZID"}


@dataclass(frozen=True, kw_only=True)
class _Text:
    """A text taken apart, and what is wrong with it."""

    where: str
    parts: dict[str, str] = field(default_factory=dict)
    words: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def note(self, part: str, message: str) -> None:
        self.problems.append(Problem(where=f"{self.where} {part}".rstrip(), message=message))

    def numbers(self, part: str) -> list[int]:
        """Return the numbers of a part, which may be missing."""
        value = self.parts.get(part, "")
        if value and not re.fullmatch(r"(?a)[+-]?\d{1,6}(,[+-]?\d{1,6})*", value):
            self.note(part, f'"{value[:80]}" is no list of numbers.')
            return []
        return [int(number) for number in value.split(",")] if value else []


def read_rrule(text: str, *, where: str = "rrule") -> dict[str, Any]:
    """Return the words of `domain.repeat_words` that say what an RRULE says, with its DTSTART if it has one.

    Raises Invalid with every part that Postbell has no rule for. Whether the values make sense is left to
    those who read the words.
    """
    source = _Text(where=where)
    for line in re.sub(r"\r?\n[ \t]", "", text).splitlines():
        if line.strip():
            _read_line(source, line.strip())
    for part in sorted(source.parts.keys() - _KNOWN):
        source.note(part, "Postbell has no such rule. Say it in another way.")
    _read_frequency(source)
    _read_days(source)
    _read_times(source)
    _read_end(source)
    if source.problems:
        raise Invalid(source.problems)
    return source.words


def rrule_text(rule: Recurrence, *, where: str = "rrule") -> str:
    """Return a rule as a DTSTART and an RRULE line. DTSTART is its first time.

    Raises Invalid about `where`, with the reason, for a rule that an RRULE cannot say.
    """
    reasons = _beyond_rrule(rule)
    first = next(rule.occurrences(), None)
    if first is None:
        reasons = [*reasons, "The rule never comes."]
    if reasons or first is None or rule.every is None:
        raise Invalid([Problem(where=where, message=reason) for reason in reasons])
    begin = datetime.combine(datetime.fromisoformat(first.key), min(rule.times))
    stamp = begin.strftime("%Y%m%dT%H%M%S")
    start = f"DTSTART:{stamp}Z" if rule.zone == "UTC" else f"DTSTART;TZID={rule.zone}:{stamp}"
    return f"{start}\nRRULE:{';'.join(f'{name}={value}' for name, value in _parts_of(rule, rule.every))}"


def _read_line(source: _Text, line: str) -> None:
    head, colon, value = line.partition(":")
    name, *parameters = (head if colon else "RRULE").upper().split(";")
    if name == "DTSTART" and "start_date" not in source.words:
        _read_start(source, head.split(";")[1:], value.strip())
    elif name == "RRULE" and not parameters and not source.parts:
        for part in (value if colon else line).split(";"):
            key, _, said = part.strip().partition("=")
            key = key.strip().upper()[:40]
            if key in source.parts:
                source.note(key, "it is there twice. Once is enough.")
            elif key:
                source.parts[key] = said.strip().upper()
    else:
        message = "only one RRULE is understood, and one DTSTART line before it."
        source.note(name[:40], message)


def _read_start(source: _Text, parameters: list[str], value: str) -> None:
    moment = _moment(value)
    if moment is None:
        source.note("DTSTART", f'"{value[:80]}" is not a time like 20261201T090000.')
        return
    zone = next((name[5:] for name in parameters if name.upper().startswith("TZID=")), None)
    if isinstance(moment, datetime) and moment.tzinfo:
        zone, moment = "UTC", moment.replace(tzinfo=None)
    source.words["start_date"] = moment
    if zone is not None:
        source.words["timezone"] = zone.strip('"')


def _read_frequency(source: _Text) -> None:
    frequency, interval = source.parts.get("FREQ", ""), source.parts.get("INTERVAL", "1")
    if frequency not in _FREQUENCIES.values():
        source.note("FREQ", "say DAILY, WEEKLY, MONTHLY or YEARLY; nothing else is understood.")
    source.words.update(repeat=frequency.lower(), interval=interval)
    if source.parts.get("RSCALE", "GREGORIAN") != "GREGORIAN":
        source.note("RSCALE", "only GREGORIAN is understood.")
    if frequency == "WEEKLY" and interval != "1" and source.parts.get("WKST", "MO") != "MO":
        source.note("WKST", "weeks begin on Monday here; every n-th week would be another one.")


def _read_days(source: _Text) -> None:
    weekdays = _weekdays(source)
    days, months = source.numbers("BYMONTHDAY"), source.numbers("BYMONTH")
    frequency = source.parts.get("FREQ")
    if frequency == "YEARLY" and not months and any(day.nth for day in weekdays):
        source.note("BYDAY", "Postbell counts weekdays within a month, not within a year. Add BYMONTH.")
    elif frequency == "YEARLY" and not months and (weekdays or days):
        months = list(range(1, 13))
    skip = source.parts.get("SKIP", "OMIT")
    if skip not in _SKIPS:
        source.note("SKIP", "only OMIT and BACKWARD are understood.")
    elif frequency in ("MONTHLY", "YEARLY") and (any(day > 28 for day in days) or not (days or weekdays)):
        source.words["short_month"] = _SKIPS[skip]
    source.words.update(days_of_week=[weekday_text(day) for day in weekdays], days=days, months=months)


def _weekdays(source: _Text) -> list[Weekday]:
    found = []
    for part in filter(None, source.parts.get("BYDAY", "").split(",")):
        day = re.fullmatch(rf"(?a)([+-]?\d{{1,2}})?({'|'.join(_WEEKDAYS)})", part.strip())
        if not day or (day[1] and not int(day[1])):
            source.note("BYDAY", f'"{part[:80]}" is no weekday like MO, 2TU or -1FR.')
        else:
            found.append(Weekday(day=_WEEKDAYS.index(day[2]), nth=int(day[1]) if day[1] else None))
    return found


def _read_times(source: _Text) -> None:
    hours, minutes = source.numbers("BYHOUR"), source.numbers("BYMINUTE")
    start = source.words.get("start_date")
    begin = start.time() if isinstance(start, datetime) else None
    if set(source.numbers("BYSECOND")) - {0}:
        source.note("BYSECOND", "a rule comes at whole minutes, once a minute at most.")
    if minutes and not hours and begin is None:
        source.note("BYMINUTE", "say of which hour: add BYHOUR.")
    elif hours or minutes:
        begin = begin or time()
        pairs = product(hours or [begin.hour], minutes or [begin.minute])
        source.words["times"] = [f"{hour:02}:{minute:02}" for hour, minute in pairs]


def _read_end(source: _Text) -> None:
    if "COUNT" in source.parts:
        source.words["occurrences"] = source.parts["COUNT"]
        if "UNTIL" in source.parts:
            source.note("UNTIL", "it does not go with COUNT. Give one of them.")
    elif "UNTIL" in source.parts:
        until = _moment(source.parts["UNTIL"])
        if until is None:
            source.note("UNTIL", f'"{source.parts["UNTIL"][:80]}" is not a time like 20261201T090000Z.')
        source.words["end_date"] = until


def _moment(text: str) -> date | datetime | None:
    if not re.fullmatch(r"(?a)\d{8}(T\d{6}Z?)?", text):
        return None
    try:
        return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
    except ValueError:
        return None


def _beyond_rrule(rule: Recurrence) -> list[str]:
    if rule.cron is not None:
        return ["A cron line has no RRULE: the two combine days in different ways."]
    reasons = []
    if rule.days and rule.weekdays:
        reasons.append("An RRULE has no word for days of the month besides weekdays.")
    if rule.last and rule.count:
        reasons.append("An RRULE ends on a day or after a number of times, not both.")
    if set(rule.times) != {time(hour, minute) for hour in _hours(rule) for minute in _minutes(rule)}:
        reasons.append("An RRULE has the same minutes in every hour. Make one series for each time of day.")
    return reasons


def _parts_of(rule: Recurrence, every: Unit) -> list[tuple[str, object]]:
    short = rule.short_month is ShortMonth.LAST and any(day > 28 for day in rule.days)
    days = [f"{day.nth or ''}{_WEEKDAYS[day.day]}" for day in rule.weekdays]
    many = len(rule.times) > 1
    parts: dict[str, object] = {
        "RSCALE": "GREGORIAN" if short else "",
        "FREQ": _FREQUENCIES[every],
        "INTERVAL": rule.interval if rule.interval > 1 else "",
        "BYMONTH": _listed(rule.months),
        "BYMONTHDAY": _listed(rule.days),
        "BYDAY": _listed(days),
        "BYHOUR": _listed(_hours(rule)) if many else "",
        "BYMINUTE": _listed(_minutes(rule)) if many else "",
        "SKIP": "BACKWARD" if short else "",
        "COUNT": rule.count or "",
        "UNTIL": _until(rule.last, ZoneInfo(rule.zone)) if rule.last else "",
    }
    return [(name, value) for name, value in parts.items() if value != ""]


def _hours(rule: Recurrence) -> list[int]:
    return sorted({at.hour for at in rule.times})


def _minutes(rule: Recurrence) -> list[int]:
    return sorted({at.minute for at in rule.times})


def _listed(values: list[int] | list[str] | tuple[int, ...]) -> str:
    return ",".join(map(str, values))


def _until(last: date, zone: ZoneInfo) -> str:
    # Beside a DTSTART with a zone it is a time in UTC.
    end, _ = wall_to_instant(datetime.combine(last, time(23, 59, 59)), zone)
    return end.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
