"""Time zones: from the clock on the wall to the instant and back."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from postbell.errors import Invalid, Problem


def zone_named(name: str, *, where: str = "--tz") -> ZoneInfo:
    """Return the time zone with this IANA name; raises Invalid about `where` with the nearest names."""
    if is_zone(name):
        return ZoneInfo(name)
    near = difflib.get_close_matches(name, sorted(_names()), n=3)
    mend = f"Did you mean {' or '.join(near)}?" if near else "Give an IANA name like Europe/Berlin or UTC."
    raise Invalid([Problem(where=where, message=f'there is no time zone named "{name}". {mend}')])


#: The years in which anything happens here: beyond them a slip of the pen is meant, or the calendar ends.
YEARS = range(1970, 3000)
#: What is said of others.
TOO_FAR = f"is too far away. Years go from {YEARS[0]} to {YEARS[-1]}."


def is_zone(name: str) -> bool:
    """Say whether there is a time zone with this IANA name."""
    return name in _names()


@cache
def _names() -> frozenset[str]:
    # "localtime" is whatever this machine is set to, "Factory" is a machine that nobody has set up.
    return frozenset(available_timezones() - {"localtime", "Factory"})


def wall_to_instant(local: datetime, zone: ZoneInfo) -> tuple[datetime, str | None]:
    """Return when (aware UTC) clocks in `zone` show `local` (naive), and what the user should know about it.

    A time in a gap is moved forward by the gap; of a time that comes twice the first is taken (RFC 5545,
    3.3.5). The note is a sentence without its full stop, or None.
    """
    instant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    shown = wall_at(instant, zone)
    if shown == local:
        return instant, twice_note(instant, zone)
    moved = clock_text(shown) if shown.date() == local.date() else f"{shown.date()} {clock_text(shown)}"
    return instant, f"{clock_text(local)} does not exist on that day in {zone.key}; moved to {moved}"


def wall_text(local: datetime, zone: str) -> str:
    """Return what clocks in a zone show, as it is written down: `2026-11-24T18:00:00 Europe/Berlin`."""
    return f"{local.isoformat()} {zone}"


def read_wall(text: str) -> tuple[datetime, str]:
    """Return what `wall_text` was given."""
    local, _, zone = text.partition(" ")
    return datetime.fromisoformat(local), zone


def wall_at(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return what clocks in `zone` show (naive) at `instant` (aware)."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def twice_note(instant: datetime, zone: ZoneInfo) -> str | None:
    """Return which one `instant` is if clocks in `zone` show its time twice; None if they do not."""
    local = instant.astimezone(zone)
    # Compared as UTC: Python compares two times of one zone by their wall clocks.
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return None
    which = "first" if instant == first else "second"
    return f"{clock_text(local)} comes twice on that day in {zone.key}; this is the {which}"


def clock_text(moment: datetime) -> str:
    """Return the time of day: 18:00, or 18:00:30 where seconds matter."""
    return moment.strftime("%H:%M:%S" if moment.second else "%H:%M")
