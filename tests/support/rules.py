"""Random rules of the calendar, most of them near a change of the clocks, from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo, available_timezones

from postbell.domain.recurrence import Recurrence, ShortMonth, Unit, Weekday


BEGIN, END = datetime(2000, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
_STEP = timedelta(days=4)


@cache
def changing_zones() -> dict[str, tuple[datetime, ...]]:
    """Return every zone whose clocks change in 2000 to 2037, and at which instants."""
    found = {name: tuple(_changes(ZoneInfo(name))) for name in sorted(available_timezones())}
    return {
        name: changes for name, changes in found.items() if changes and name not in ("localtime", "Factory")
    }


def _changes(zone: ZoneInfo) -> Iterator[datetime]:
    moment, offset = BEGIN, _offset(BEGIN, zone)
    while moment < END:
        later = moment + _STEP
        following = _offset(later, zone)
        if following != offset:
            low, high = moment, later
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                low, high = (middle, high) if _offset(middle, zone) == offset else (low, middle)
            yield high.replace(microsecond=0)
        moment, offset = later, following


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A rule and the span (aware UTC) in which its times are to be compared."""

    rule: Recurrence
    after: datetime
    until: datetime


def sample(rng: Random) -> Sample:
    """Return one of a random zone."""
    zone = rng.choice(sorted(changing_zones()))
    return sample_near(rng, zone, rng.choice(changing_zones()[zone]))


#: How many days show a rule more than once, by what it counts in; None is a cron line.
_LONG = {None: 12, Unit.DAY: 30, Unit.WEEK: 100, Unit.MONTH: 600, Unit.YEAR: 4000}
_SHORT = 3


def sample_near(rng: Random, zone: str, change: datetime) -> Sample:
    """Return a rule in whose span the clocks of `zone` change."""
    shown = change.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    every = rng.choice([None, *Unit])
    span = _LONG[every] if rng.random() < 0.04 else _SHORT
    after = change - timedelta(minutes=rng.randrange(span * 24 * 60 // 2))
    first = shown.date() - timedelta(
        days=rng.choice([rng.randrange(40), rng.randrange(800), rng.randrange(11_000)])
    )
    if every is None:
        rule = Recurrence(cron=_cron_line(rng, shown), zone=zone, first=first)
    else:
        rule = _rule(rng, every, zone, first=first, near=shown)
    return Sample(rule=_bounded(rng, rule, shown.date()), after=after, until=after + timedelta(days=span))


def _rule(rng: Random, every: Unit, zone: str, *, first: date, near: datetime) -> Recurrence:
    days: tuple[int, ...] = ()
    weekdays: tuple[Weekday, ...] = ()
    if every is Unit.WEEK:
        picked = rng.sample(range(7), rng.randrange(4))
        weekdays = tuple(
            Weekday(day=day) for day in {*picked, *rng.sample([near.weekday()], rng.randrange(2))}
        )
    elif every is not Unit.DAY and rng.random() < 0.8:
        days, weekdays = _in_month(rng, near)
    return Recurrence(
        every=every,
        interval=rng.choice([1, 1, 1, 2, 3, rng.randrange(1, 15)]),
        days=days,
        weekdays=weekdays,
        months=tuple({near.month, *rng.sample(range(1, 13), rng.randrange(4))}) if rng.random() < 0.7 else (),
        times=times_near(rng, near),
        zone=zone,
        first=first,
        short_month=rng.choice(list(ShortMonth)),
    )


def _in_month(rng: Random, near: datetime) -> tuple[tuple[int, ...], tuple[Weekday, ...]]:
    days = [near.day, 29, 30, 31, -1, -2, rng.randrange(1, 29)]
    nths = [(near.day + 6) // 7, -1, 5, None, rng.randrange(1, 6), -rng.randrange(1, 6)]
    weekdays = [Weekday(day=rng.choice([near.weekday(), rng.randrange(7)]), nth=nth) for nth in nths]
    if rng.random() < 0.6:
        return tuple(rng.sample(days, rng.randrange(1, 4))), ()
    return tuple(rng.sample(days, rng.randrange(2))), tuple(rng.sample(weekdays, rng.randrange(1, 3)))


def times_near(rng: Random, near: datetime) -> tuple[time, ...]:
    """Return up to four times of day, most of them within two hours of one."""
    minutes = [
        near.hour * 60 + near.minute + rng.randrange(-120, 121, rng.choice([1, 15, 30])) for _ in range(3)
    ]
    minutes = rng.sample([*minutes, rng.randrange(1440)], rng.randrange(1, 5))
    return tuple(time(minute // 60 % 24, minute % 60) for minute in minutes)


def _cron_line(rng: Random, near: datetime) -> str:
    minute = rng.choice(["*/30", "0,30", str(near.minute), str(rng.randrange(60)), "5-50/40"])
    hours = {(near.hour + rng.randrange(-2, 3)) % 24, rng.randrange(24)}
    hour = rng.choice(["*/6", "0-4", ",".join(str(hour) for hour in hours)])
    day = rng.choice(["*", "*", str(near.day), "29,30,31", "*/2"])
    month = rng.choice(["*", "*", f"{near.month}", "1-12/3"])
    weekday = rng.choice(["*", "*", "0", "7", "1-5", str(near.isoweekday()), f"{near.isoweekday()},7"])
    return f"{minute} {hour} {day} {month} {weekday}"


def _bounded(rng: Random, rule: Recurrence, near: date) -> Recurrence:
    """Give it a last day or a count now and then."""
    if rng.random() < 0.15:
        rule = replace(rule, last=rule.first + timedelta(days=rng.choice([0, 10, 400, 9000])))
    if rng.random() < 0.2:
        # The walk over all days that checks it begins at its first.
        days = rng.choice([0, 40, 40, 400, 1500])
        first = max(rule.first, near - timedelta(days=days))
        rule = replace(rule, first=first, count=rng.choice([1, 7, 100, 1000]))
    return rule


def plain(rng: Random, zone: str, near: datetime, first: date, *, last: bool) -> Recurrence:
    """Return a rule that systemd and RFC 5545 can say too, with or without last days of the month."""
    every = rng.choice(list(Unit))
    hours = {(near.hour + rng.randrange(-2, 3)) % 24, rng.randrange(24)}
    minutes = {near.minute, rng.choice([0, 15, 30, 45])}
    days: tuple[int, ...] = ()
    weekdays: tuple[Weekday, ...] = ()
    if every is Unit.WEEK or (every in (Unit.MONTH, Unit.YEAR) and rng.random() < 0.4):
        nth = None if every is Unit.WEEK else rng.choice([min((near.day + 6) // 7, 4), -1 if last else 1])
        weekdays = tuple(Weekday(day=day, nth=nth) for day in {near.weekday(), rng.randrange(7)})
    elif every is not Unit.DAY:
        days = rng.choice(
            [
                (-1,) if last else (29,),
                (31,),
                (near.day,),
                tuple({29, 30, 31, near.day, rng.randrange(1, 29)}),
            ]
        )
    return Recurrence(
        every=every,
        interval=rng.choice([1, 2, 3, 4, 6]) if every in (Unit.MONTH, Unit.YEAR) else 1,
        days=days,
        weekdays=weekdays,
        months=tuple({near.month, rng.randrange(1, 13)}) if every is Unit.YEAR else (),
        times=tuple(time(hour, minute) for hour in hours for minute in minutes),
        zone=zone,
        first=first,
        short_month=ShortMonth.SKIP,
    )
