"""Worlds with every kind of time in them, by chance."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from typing import Any

from postbell.domain.pause import Pause, PauseScope
from postbell.domain.recurrence import Recurrence, Unit
from postbell.domain.recycling import Gap, GapUnit, Recycling
from postbell.domain.weekly import DaysOff, WeeklySlots, WeeklyTime
from postbell.errors import Invalid
from postbell.services.series.series import WantedSeries, add_series
from postbell.store import accounts, pauses
from support.planting import plant_posts
from support.world import World, add_account


#: Clocks in Europe go forward in the night after, those in New York have done so.
BEGIN = datetime(2027, 3, 26, 20, 15, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC")
NAMES = ("ann", "bea", "cat")
DAY = timedelta(days=1)


def populate(world: World, chance: random.Random) -> None:
    """Give a world accounts, series, libraries and posts, and let its clock stand at BEGIN."""
    world.clock.set(BEGIN)
    for name in NAMES:
        add_account(world.store, name)
        _bound(world, name, chance)
    for number in range(chance.randrange(1, 6)):
        _add(world, chance, _recurrence(chance), f"series {number} {{a|b|{{c|d}}}} {{e|f}}")
    for number in range(chance.randrange(3)):
        _add(world, chance, _recycling(chance, None), f"solo {number} {{a|b}}")
    for number in range(chance.randrange(6)):
        library = chance.choice(("tips", "tricks"))
        _add(world, chance, _recycling(chance, library), f"piece {number} {{a|b|c}}")
    moments = [BEGIN + timedelta(minutes=30 * chance.randrange(-20, 400)) for _ in range(20)]
    plant_posts(world.ctx, [(f"post {n}", [chance.choice(NAMES)], at) for n, at in enumerate(moments)])


def pause_some(world: World, chance: random.Random) -> None:
    """Hold back one thing or another, for some days or for good."""
    until = chance.choice((None, BEGIN + chance.randrange(1, 5) * DAY))
    kind = chance.choice(("account", "label", "series", "everything"))
    with world.store.write() as tx:
        if kind == "account":
            accounts.pause_account(tx, "ann", BEGIN, until)
            return
        named = {"label": "news", "everything": ""}
        if kind == "series":
            rows = tx.exec_driver_sql("SELECT id FROM series ORDER BY library IS NULL, id LIMIT 1")
            named[kind] = next((row.id for row in rows), "")
        pauses.pause(tx, Pause(scope=PauseScope(kind), name=named[kind], since=BEGIN, until=until))


def _bound(world: World, name: str, chance: random.Random) -> None:
    hours = sorted(chance.sample(range(24), chance.randrange(4)))
    times = tuple(WeeklyTime(day=day, time=time(hour)) for day, hour in product(range(7), hours))
    days_off = (DaysOff(first=date(2027, 3, 30), last=date(2027, 3, 30)),) if chance.random() < 0.3 else ()
    with world.store.write() as tx:
        if times:
            zone = chance.choice(ZONES)
            accounts.set_slots(tx, name, WeeklySlots(zone=zone, times=times, days_off=days_off))
        if chance.random() < 0.5:
            cooldown = timedelta(hours=chance.randrange(1, 40))
            accounts.set_limits(tx, name, late_limit=None, min_gap=None, cooldown=cooldown, quotas=())


def _add(world: World, chance: random.Random, rule: Recurrence | Recycling, text: str) -> None:
    to = tuple(chance.sample(NAMES, chance.randrange(1, 3)))
    labels = ("news",) if chance.random() < 0.5 else ()
    with suppress(Invalid):  # it may be over before it begins
        add_series(world.ctx, WantedSeries(rule=rule, text=text, to=to, labels=labels))


def _recurrence(chance: random.Random) -> Recurrence:
    times = tuple(time(hour, 30) for hour in sorted(chance.sample(range(24), chance.randrange(1, 4))))
    more: dict[str, Any] = {"zone": chance.choice(ZONES), "first": date(2027, 3, chance.randrange(20, 30))}
    if chance.random() < 0.3:
        more["count"] = chance.randrange(1, 8)
    if chance.random() < 0.3:
        more["last"] = date(2027, 4, chance.randrange(1, 5))
    match chance.randrange(3):
        case 0:
            return Recurrence(every=Unit.DAY, times=times, interval=chance.randrange(1, 3), **more)
        case 1:
            return Recurrence(every=Unit.MONTH, times=times, days=(31, 1), **more)
        case _:
            return Recurrence(cron=f"30 */{chance.randrange(2, 12)} * * *", **more)


def _recycling(chance: random.Random, library: str | None) -> Recycling:
    unit = chance.choice((GapUnit.HOURS, GapUnit.DAYS))
    count = chance.randrange(1, 30) if unit is GapUnit.HOURS else chance.randrange(1, 4)
    first = BEGIN.replace(tzinfo=None, minute=0) + timedelta(hours=chance.randrange(-14, 46))
    uses = chance.randrange(1, 6) if chance.random() < 0.4 else None
    return Recycling(
        gap=Gap(count=count, unit=unit), first=first, zone=chance.choice(ZONES), count=uses, library=library
    )
