"""What rules mean, as sentences for people."""

from __future__ import annotations

from collections.abc import Sequence

from postbell.domain.day_words import nth_text, week_text, weekday_text
from postbell.domain.recurrence import Recurrence, ShortMonth, Unit
from postbell.domain.recycle_words import gap_text
from postbell.domain.recycling import Recycling
from postbell.domain.time_words import MONTHS


def rule_text(rule: Recurrence | Recycling) -> str:
    """Return a rule for people: `every 2 weeks on Mon and Thu at 09:00 Europe/Berlin, from 2026-12-01`."""
    times = ", ".join(f"{at:%H:%M}" for at in rule.times) if isinstance(rule, Recurrence) else ""
    match rule:
        case Recurrence(cron=str()):
            words, begin = f"by cron {rule.cron} in {rule.zone}", f"{rule.first}"
        case Recurrence():
            words, begin = f"{_days(rule)} at {times} {rule.zone}", f"{rule.first}"
        case _:
            words = f"again after {gap_text(rule.gap)}"
            if rule.library is not None:
                words = f"from the library {rule.library}, {words} at the earliest"
            begin = f"{rule.first:%Y-%m-%d %H:%M} {rule.zone}"
    until = f" until {rule.last}" if rule.last else ""
    often = f", {rule.count} time{'' if rule.count == 1 else 's'}" if rule.count else ""
    return f"{words}, from {begin}{until}{often}"


def _days(rule: Recurrence) -> str:
    every = f"every {rule.every}" if rule.interval == 1 else f"every {rule.interval} {rule.every}s"
    if rule.every is Unit.DAY:
        return every
    if rule.every is Unit.WEEK:
        week = week_text(day.day for day in rule.weekdays)
        return f"{every} on {'every day' if week == 'daily' else _listed(week.title().split(','))}"
    months = f" in {_listed([MONTHS[month - 1][:3].title() for month in rule.months])}" if rule.months else ""
    days = [f"the {nth_text(day)}{' day' if day < 0 else ''}" for day in rule.days]
    for weekday in rule.weekdays:
        *which, name = weekday_text(weekday).split(" ")
        days.append(f"{' '.join(['the', *which]) if which else 'every'} {name.title()}")
    return f"{every}{months} on {_listed(days)}{_short(rule)}"


def _short(rule: Recurrence) -> str:
    if not any(day > 28 for day in rule.days):
        return ""
    return ", not in shorter months" if rule.short_month is ShortMonth.SKIP else " or the last day before it"


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
