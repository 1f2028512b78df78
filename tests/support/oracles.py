"""What others make of a rule: a walk over all days with `whenever` for the clocks, dateutil, and systemd.

Nothing here uses the code that it is compared with.
"""

from __future__ import annotations

import os
import re
import subprocess
from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache

from whenever import PlainDateTime

from postbell.domain.recurrence import Recurrence, ShortMonth, Unit, Weekday


_DAY = timedelta(days=1)


def expected(rule: Recurrence, after: datetime, until: datetime) -> dict[str, datetime]:
    """Return key and instant of all times of a rule with after < instant <= until, in order."""
    begin, end = (moment.date() for moment in (after - 3 * _DAY, until + 3 * _DAY))
    if rule.count is not None:
        walls = list(_nominal(rule, rule.first, end))[: rule.count]
    else:
        walls = list(_nominal(rule, max(begin, rule.first), end))
    found: dict[datetime, tuple[bool, str]] = {}
    for wall in walls:
        if wall.date() < begin:
            continue
        at, shown = _compatible(wall, rule.zone)
        # Its own wall time goes before one that was moved, an earlier one before a later one.
        claim = (shown != wall, f"{wall:%Y-%m-%dT%H:%M}")
        found[at] = min(claim, found.get(at, claim))
    return {found[at][1]: at for at in sorted(found) if after < at <= until}


def _compatible(wall: datetime, zone: str) -> tuple[datetime, datetime]:
    plain = PlainDateTime(wall.year, wall.month, wall.day, wall.hour, wall.minute)
    zoned = plain.assume_tz(zone, disambiguation="compatible")
    return zoned.to_instant().to_stdlib(), zoned.to_plain().to_stdlib()


def _nominal(rule: Recurrence, begin: date, end: date) -> Iterator[datetime]:
    times = _cron_times(rule.cron) if rule.cron else sorted(set(rule.times))
    day = begin
    while day <= min(end, rule.last or end):
        if _cron_day(rule.cron, day) if rule.cron else _comes_on(rule, day):
            for at in times:
                yield datetime.combine(day, at)
        day += _DAY


def _comes_on(rule: Recurrence, day: date) -> bool:
    """Say whether a rule names this day, asked of the day alone."""
    if rule.every is Unit.DAY:
        return (day - rule.first).days % rule.interval == 0
    if rule.every is Unit.WEEK:
        mondays = [that - that.weekday() * _DAY for that in (day, rule.first)]
        wanted = [weekday.day for weekday in rule.weekdays] or [rule.first.weekday()]
        return day.weekday() in wanted and (mondays[0] - mondays[1]).days // 7 % rule.interval == 0
    years = day.year - rule.first.year
    if rule.every is Unit.MONTH:
        turn = (years * 12 + day.month - rule.first.month) % rule.interval
    else:
        turn = years % rule.interval or int(day.month not in (rule.months or (rule.first.month,)))
    if turn:
        return False
    if not rule.days and not rule.weekdays:
        return _is_day(day, rule.first.day, rule.short_month)
    named = any(_is_day(day, number, rule.short_month) for number in rule.days)
    return named or any(_is_weekday(day, weekday) for weekday in rule.weekdays)


def _is_day(day: date, number: int, short: ShortMonth) -> bool:
    last = (day + _DAY).month != day.month
    if number < 0:
        return (day - number * _DAY).day == 1 and (day - (number + 1) * _DAY).month == day.month
    return day.day == number or (short is ShortMonth.LAST and last and number > day.day)


def _is_weekday(day: date, weekday: Weekday) -> bool:
    if day.weekday() != weekday.day:
        return False
    length = monthrange(day.year, day.month)[1]
    same = [number for number in range(1, length + 1) if (number - day.day) % 7 == 0]
    return weekday.nth in (None, same.index(day.day) + 1, same.index(day.day) - len(same))


def _cron_times(line: str) -> list[time]:
    minutes, hours = (_field(text, range(top)) for text, top in zip(line.split()[:2], (60, 24), strict=True))
    return [time(hour, minute) for hour in hours for minute in minutes]


def _cron_day(line: str, day: date) -> bool:
    days, months, weekdays = line.split()[2:]
    if day.month not in _field(months, range(1, 13)):
        return False
    by_day = day.day in _field(days, range(1, 32))
    by_weekday = bool({day.isoweekday(), day.isoweekday() % 7} & set(_field(weekdays, range(8))))
    both = days.startswith("*") or weekdays.startswith("*")
    return by_day and by_weekday if both else by_day or by_weekday


@cache
def _field(text: str, full: range) -> list[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        low, _, high = span.partition("-")
        values = full if span == "*" else range(int(low), int(high or low) + 1)
        found |= set(values[:: int(step or 1)])
    return sorted(found)


def by_dateutil(rule: Recurrence, until: date) -> list[str]:
    """Return the keys that dateutil's rrule gives a rule by days or by weekdays that skips short months."""
    from dateutil import rrule

    assert rule.every is not None
    keys = []
    for at in set(rule.times):
        dates = rrule.rrule(
            (rrule.DAILY, rrule.WEEKLY, rrule.MONTHLY, rrule.YEARLY)[list(Unit).index(rule.every)],
            dtstart=datetime.combine(rule.first, at),
            interval=rule.interval,
            wkst=rrule.MO,
            byweekday=[rrule.weekday(weekday.day, weekday.nth) for weekday in rule.weekdays] or None,
            bymonthday=rule.days or None,
            bymonth=(rule.months or (rule.first.month,)) if rule.every is Unit.YEAR else None,
            until=datetime.combine(until, at),
        )
        keys += [f"{moment:%Y-%m-%dT%H:%M}" for moment in dates]
    return sorted(keys)[: rule.count]


_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ELAPSE = re.compile(r"(?:Next elapse|Iter\. #\d+): \w{3} (\S+ \S+) UTC")


def expression(rule: Recurrence) -> str:
    """Return a calendar event of systemd for a rule whose times are all pairs of some hours and minutes.

    It has none that is counted from the end of a month: there systemd (252) loses days around changes of the
    clocks.
    """
    hours, minutes = ({getattr(at, part) for at in rule.times} for part in ("hour", "minute"))
    year = f"{rule.first.year}/{rule.interval}" if rule.every is Unit.YEAR else "*"
    months = _list(rule.months) or "*"
    if rule.every is Unit.MONTH:
        months = f"{(rule.first.month - 1) % rule.interval + 1}/{rule.interval}"
    nth = rule.weekdays[0].nth if rule.weekdays else None
    days = _list(rule.days) or "*" if nth is None else f"{nth * 7 - 6}..{nth * 7}"
    names = ",".join(_NAMES[weekday.day] for weekday in rule.weekdays)
    clock = f"{_list(hours)}:{_list(minutes)} {rule.zone}"
    return f"{names} {year}-{months}-{days} {clock}".lstrip()


def _list(numbers: Sequence[int] | set[int]) -> str:
    return ",".join(str(number) for number in sorted(numbers))


def by_systemd(expressions: Sequence[str], base: datetime, iterations: int) -> list[list[datetime]]:
    """Return, for each calendar event, the next instants after `base` that systemd gives it.

    There are none where its search runs in a circle and gives up, as it does at some changes of the clocks.
    """
    asked = subprocess.run(
        [
            *("systemd-analyze", "calendar", f"--base-time={base:%Y-%m-%d %H:%M:%S} UTC"),
            *(f"--iterations={iterations}", *expressions),
        ],
        env={**os.environ, "TZ": "UTC", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert all("Resource deadlock avoided" in line for line in asked.stderr.splitlines()), asked.stderr
    answers = {}
    for answer in asked.stdout.split("Original form: ")[1:]:
        event, _, rest = answer.partition("\n")
        answers[event] = [datetime.fromisoformat(f"{text}+00:00") for text in _ELAPSE.findall(rest)]
    assert len(set(expressions) - set(answers)) == len(asked.stderr.splitlines()), asked.stderr
    return [answers.get(event, []) for event in expressions]
