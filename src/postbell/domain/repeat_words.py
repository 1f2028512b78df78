"""When something comes again, in words: one grammar for options, files and programs.

    repeat         daily, weekly, monthly or yearly
    interval       every n-th day, week, month or year
    days_of_week   0 (Monday) to 6 (Sunday), mon-fri, weekend; of a month also 2nd tue, last fri
    days           of the month: 1 to 31, last
    months         of the year: 1 to 12, jan to dec
    times          09:00, 9am
    short_month    what becomes of day 31 in shorter months: last (their last day) or skip
    cron           0 9 * * 1-5, instead of all these
    rrule          FREQ=WEEKLY;BYDAY=MO, instead of these but the times
    timezone, start_date, end_date, occurrences

A list may be a text with commas. What else the words may be called is in the table below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from postbell.domain.cron_line import read_cron
from postbell.domain.day_words import (
    read_month_days,
    read_months,
    read_times,
    read_weekdays,
    weekday_text,
)
from postbell.domain.recurrence import Recurrence, ShortMonth, Unit, Weekday
from postbell.domain.recycle_words import recycling_from, recycling_words
from postbell.domain.rrule_text import PARTS, read_rrule
from postbell.domain.words import Words, choice, gather, on_wall, read_count, read_moment
from postbell.domain.zones import wall_at, wall_to_instant
from postbell.errors import Invalid


__all__ = ["recurrence_from", "recurrence_words", "recycling_from", "recycling_words"]

_NAMES = {
    "repeat": ("frequency",),
    "interval": ("repeat_rate", "repeat_every"),
    "days_of_week": ("weekdays",),
    "days": (),
    "months": (),
    "times": ("time", "at"),
    "short_month": (),
    "cron": (),
    "rrule": (),
    "timezone": ("tz", "zone"),
    "start_date": ("start",),
    "end_date": ("until", "end"),
    "occurrences": ("count", "expire_count"),
}
_BY_CALENDAR = ("repeat", "interval", "days_of_week", "days", "months", "short_month")
_UNITS = {
    "daily": Unit.DAY,
    "weekly": Unit.WEEK,
    "monthly": Unit.MONTH,
    "yearly": Unit.YEAR,
    **{unit.value: unit for unit in Unit},
}
_SHORT_MONTHS = {short.value: short for short in ShortMonth}
#: More days, weeks, months or years between two times are a slip of the pen.
_LONGEST = 1000


def recurrence_from(words: Mapping[str, Any], *, zone: ZoneInfo, today: date) -> Recurrence:
    """Return the rule that words with values say; `zone` and `today` are meant where they name no other.

    A rule by the week without weekdays comes on that of its start; so do months and years. Raises Invalid
    with all that is wrong at once: what is not understood, what does not go together, a rule that never
    comes or ends before it does.
    """
    said = gather(words, _NAMES)
    _unfold_rrule(said)
    place = said.zone(zone)
    begin = said.read("start_date", lambda value: on_wall(read_moment(value), place), None)
    start = begin or today
    rule = Recurrence(
        zone=place.key,
        first=start.date() if isinstance(start, datetime) else start,
        count=said.read("occurrences", read_count, None),
    )
    if "cron" in said:
        rule = _by_cron(said, rule, start)
    elif "rrule" not in said:
        rule = _by_calendar(said, rule, start)
    end = said.read("end_date", read_moment, None)
    rule = replace(rule, last=said.read("end_date", lambda _: _last_day(end, rule), None) if end else None)
    if rule.last and (begin or "start_date" not in said):
        _check_end(said, rule)
    said.refuse()
    return rule


def recurrence_words(rule: Recurrence) -> dict[str, Any]:
    """Return the words that say a rule, as plain values; `recurrence_from` makes the same of them."""
    adverbs = {unit: adverb for adverb, unit in reversed(_UNITS.items())}
    words = {
        "repeat": adverbs[rule.every] if rule.every else None,
        "interval": rule.interval if rule.interval > 1 else None,
        "days_of_week": [weekday_text(day) for day in rule.weekdays],
        "days": list(rule.days),
        "months": list(rule.months),
        "times": [at.isoformat("minutes") for at in rule.times],
        "short_month": None if rule.short_month is ShortMonth.LAST else rule.short_month.value,
        "cron": rule.cron,
        "timezone": rule.zone,
        "start_date": rule.first.isoformat(),
        "end_date": rule.last.isoformat() if rule.last else None,
        "occurrences": rule.count,
    }
    return {name: value for name, value in words.items() if value}


def _unfold_rrule(said: Words) -> None:
    """Put in place of an RRULE the words that say the same; one that cannot be read stays, and is noted."""
    if "rrule" not in said:
        return
    called, text = said.said["rrule"]
    for name in (*_BY_CALENDAR, "cron"):
        if name in said:
            said.note(name, f"it does not go with {called}, which says the rule.")
            del said.said[name]
    try:
        meant = read_rrule(str(text), where=called)
    except Invalid as error:
        said.problems.extend(error.problems)
        return
    del said.said["rrule"]
    for name, value in meant.items():
        if name in said:
            said.note(name, f"{called} says it already ({PARTS[name]}). Give one of them.")
        if value != []:
            said.said[name] = (f"{called} {PARTS[name]}", value)


def _by_cron(said: Words, rule: Recurrence, start: date) -> Recurrence:
    for name in (*_BY_CALENDAR, "times"):
        if name in said:
            said.note(name, f"it does not go with {said.called('cron')}, which says the rule.")
    if isinstance(start, datetime):
        said.note("start_date", "a cron line says the time of day. Give the day alone.")
    return replace(rule, cron=said.read("cron", read_cron, None))


def _by_calendar(said: Words, rule: Recurrence, start: date) -> Recurrence:
    faults = len(said.problems)
    if "repeat" not in said:
        said.note("repeat", "say how often: daily, weekly, monthly or yearly. Or give cron or rrule.")
    rule = replace(
        rule,
        every=said.read("repeat", lambda value: choice(value, _UNITS), None),
        interval=said.read("interval", lambda value: read_count(value, _LONGEST), 1),
        weekdays=said.read("days_of_week", read_weekdays, ()),
        days=said.read("days", read_month_days, ()),
        months=said.read("months", read_months, ()),
        short_month=said.read("short_month", lambda value: choice(value, _SHORT_MONTHS), ShortMonth.LAST),
    )
    if rule.every:
        _check_fit(said, rule, rule.every)
    rule = _with_days_of_start(rule)
    if len(said.problems) == faults:
        _check_comes(said, rule)
    return replace(rule, times=_read_times(said, start))


def _check_fit(said: Words, rule: Recurrence, every: Unit) -> None:
    """Note the words that have no sense in a rule of this kind."""
    by_month = every in (Unit.MONTH, Unit.YEAR)
    if every is Unit.DAY and "days_of_week" in said:
        said.note("days_of_week", "a daily rule has no weekdays. Say that it repeats weekly.")
    if every is Unit.WEEK and any(day.nth for day in rule.weekdays):
        said.note("days_of_week", "only a monthly or yearly rule knows the n-th weekday.")
    for name in ("days", "short_month"):
        if name in said and not by_month:
            said.note(name, "days of a month go with a monthly or yearly rule.")
    if "days" in said and "days_of_week" in said and by_month:
        said.note("days_of_week", f"give weekdays or {said.called('days')}, not both.")
    if "months" in said and every is not Unit.YEAR:
        said.note("months", "months go with a yearly rule.")
    if every is Unit.YEAR and "months" not in said and ("days" in said or "days_of_week" in said):
        said.note("months", "say in which months of the year, for example months = jan,jul.")


def _with_days_of_start(rule: Recurrence) -> Recurrence:
    by_month = rule.every in (Unit.MONTH, Unit.YEAR)
    if rule.every is Unit.WEEK and not rule.weekdays:
        rule = replace(rule, weekdays=(Weekday(day=rule.first.weekday()),))
    if by_month and not (rule.days or rule.weekdays):
        rule = replace(rule, days=(rule.first.day,))
    return replace(rule, months=(rule.first.month,)) if rule.every is Unit.YEAR and not rule.months else rule


def _check_comes(said: Words, rule: Recurrence) -> None:
    if next(replace(rule, times=(time(),), count=None).occurrences(), None) is None:
        name = next((name for name in ("days", "days_of_week", "short_month") if name in said), "repeat")
        said.note(name, "it never comes: there is no such day in these months.")


def _read_times(said: Words, start: date) -> tuple[time, ...]:
    if "times" not in said:
        if isinstance(start, datetime):
            at = start.time()
            return said.read("start_date", lambda _: read_times(at), ())
        said.note("times", "say at what time of day, for example times = 09:00.")
    times = said.read("times", read_times, ())
    if times and isinstance(start, datetime) and start.time() > times[0]:
        said.note(
            "start_date",
            f"it is later than {times[0]:%H:%M}, the first time of that day. Give the day alone.",
        )
    return times


def _last_day(end: date | datetime, rule: Recurrence) -> date:
    """Return the last day of a rule that ends at a time; raises ValueError if that is within a day of it."""
    if not isinstance(end, datetime):
        return end
    if rule.cron:
        raise ValueError("a cron line says the time of day. Give the last day alone.")
    zone = ZoneInfo(rule.zone)
    until = end.astimezone(UTC) if end.tzinfo else wall_to_instant(end, zone)[0]
    day = wall_at(until, zone).date()
    within = [wall_to_instant(datetime.combine(day, at), zone)[0] <= until for at in rule.times]
    if any(within) and not all(within):
        raise ValueError(f"it lies between two times of {day}. Give the last day alone.")
    return day if all(within) else day - timedelta(days=1)


def _check_end(said: Words, rule: Recurrence) -> None:
    if rule.last and rule.last < rule.first:
        said.note("end_date", f"it ends before it starts, on {rule.first}.")
    elif not said.problems and next(rule.occurrences(), None) is None:
        first = next(replace(rule, last=None).occurrences())
        said.note("end_date", f"it ends before it comes for the first time, on {first.local:%Y-%m-%d}.")
