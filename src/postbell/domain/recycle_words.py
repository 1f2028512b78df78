"""When a piece is published again, in words; part of the grammar of `domain.repeat_words`.

    gap            2 weeks, 12 h; or a number, and with gap_freq its unit: Hour, Day, Week, Month
    start_date     2026-12-01, or with a time: 2026-12-01 09:00
    time           09:00, of the first use, and of all others unless the gap is in hours
    expire_count   how often it is used in all
    expire_date    the last day on which it may be used
    library        fills empty slots together with the other pieces of this name
    solo           true: it keeps times of its own; false: it belongs to a library
    timezone

The words are Publer's; what else they may be called is in the table below.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from postbell.domain.day_words import read_times, shown
from postbell.domain.recycling import Gap, GapUnit, Recycling
from postbell.domain.words import Words, choice, gather, on_wall, read_count, read_day, read_moment
from postbell.domain.zones import wall_at


_NAMES = {
    "gap": (),
    "gap_freq": ("gap_unit",),
    "start_date": ("start",),
    "time": ("times", "at"),
    "expire_count": ("count", "occurrences"),
    "expire_date": ("end_date", "until", "end"),
    "library": (),
    "solo": (),
    "timezone": ("tz", "zone"),
}
_UNITS = {
    "hour": GapUnit.HOURS,
    "day": GapUnit.DAYS,
    "week": GapUnit.WEEKS,
    "month": GapUnit.MONTHS,
    "h": GapUnit.HOURS,
    "d": GapUnit.DAYS,
    "w": GapUnit.WEEKS,
}
#: More hours, days, weeks or months between two uses are a slip of the pen.
_LONGEST = 10_000
_SINGLE = Gap(count=1, unit=GapUnit.DAYS)


def recycling_from(words: Mapping[str, Any], *, zone: ZoneInfo, now_local: datetime) -> Recycling:
    """Return the recycling that words with values say.

    `zone` is meant where they name no other; clocks in it show `now_local` (naive). What has a time and no
    date begins at the next such time; a piece of a library with neither begins now. Raises Invalid with all
    that is wrong at once.
    """
    said = gather(words, _NAMES)
    place = said.zone(zone)
    library = _read_library(said)
    now = wall_at(now_local.replace(tzinfo=zone), place).replace(second=0, microsecond=0)
    first = _read_first(said, place, now, alone=library is None)
    last = said.read("expire_date", read_day, None)
    if first and last and last < first.date():
        said.note("expire_date", f"it ends before it starts, on {first:%Y-%m-%d}.")
    recycling = Recycling(
        gap=_read_gap(said),
        first=first or now,
        zone=place.key,
        last=last,
        count=said.read("expire_count", read_count, None),
        library=library,
    )
    said.refuse()
    return recycling


def recycling_words(rule: Recycling) -> dict[str, Any]:
    """Return the words that say a recycling, as plain values; `recycling_from` makes the same of them."""
    words = {
        "gap": gap_text(rule.gap),
        "start_date": rule.first.isoformat(" ", "minutes"),
        "expire_count": rule.count,
        "expire_date": rule.last.isoformat() if rule.last else None,
        "library": rule.library,
        "timezone": rule.zone,
    }
    return {name: value for name, value in words.items() if value}


def gap_text(gap: Gap) -> str:
    """Return a gap for people, who may write it so too: `2 weeks`."""
    unit = gap.unit.value
    return f"{gap.count} {unit.removesuffix('s') if gap.count == 1 else unit}"


def _read_library(said: Words) -> str | None:
    library = said.read("library", _name, None)
    solo = said.read("solo", _truth, None)
    if solo and "library" in said:
        said.note("solo", f"a piece of a {said.called('library')} has no times of its own. Give one of them.")
    if solo is False and "library" not in said:
        said.note("library", "say to which library it belongs, since it is not solo.")
    return library


def _name(value: Any) -> str:
    name = str(value).strip()
    if not name or len(name) > 100 or not name.isprintable():
        raise ValueError(f"{shown(value)} is no name. Give one of 1 to 100 printable characters.")
    return name


def _truth(value: Any) -> bool:
    truth = {"true": True, "yes": True, "false": False, "no": False}.get(str(value).strip().lower())
    if truth is None:
        raise ValueError(f"{shown(value)} is neither true nor false.")
    return truth


def _read_gap(said: Words) -> Gap:
    if "gap" not in said:
        said.note("gap", "say how long it rests before it is used again, for example gap = 2 weeks.")
    unit = said.read("gap_freq", lambda value: choice(value, _UNITS), None)
    return said.read("gap", lambda value: _gap(value, unit, bare="gap_freq" not in said), _SINGLE)


def _gap(value: Any, unit: GapUnit | None, *, bare: bool) -> Gap:
    words = (
        re.fullmatch(r"(?a)\s*(\d+)\s*([a-z]+)\s*", value, re.IGNORECASE) if isinstance(value, str) else None
    )
    if not words:
        count = read_count(value, _LONGEST)
        if bare:
            raise ValueError("say its unit: hours, days, weeks or months, for example gap = 2 weeks.")
        # A unit that could not be read is noted already.
        return Gap(count=count, unit=unit or GapUnit.DAYS)
    if not bare:
        raise ValueError(f"{shown(value)} has a unit. Give the number alone, or no other unit beside it.")
    return Gap(count=read_count(words[1], _LONGEST), unit=choice(words[2], _UNITS))


def _read_first(said: Words, zone: ZoneInfo, now: datetime, *, alone: bool) -> datetime | None:
    """Return when it begins (naive); None if what was said about that is wrong, and noted."""
    faults = len(said.problems)
    start = said.read("start_date", lambda value: on_wall(read_moment(value), zone), None)
    times = said.read("time", read_times, ())
    if len(times) > 1:
        said.note("time", "it is published once after each gap. Give one time.")
    if isinstance(start, datetime):
        at = start.time()
        if "time" in said:
            said.note("time", f"{said.called('start_date')} says the time already. Give one of them.")
        times = said.read("start_date", lambda _: read_times(at), ())
    elif alone and "time" not in said:
        said.note("time", "say at what time of day, for example time = 09:00.")
    if len(said.problems) > faults:
        return None
    return _first(start, times[0] if times else None, now)


def _first(start: date | None, at: time | None, now: datetime) -> datetime:
    if start is not None:
        day = start.date() if isinstance(start, datetime) else start
        return datetime.combine(day, at or time())
    if at is None:
        return now
    return datetime.combine(now.date() + timedelta(days=at <= now.time()), at)
