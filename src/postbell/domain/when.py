"""A time as a person writes it. The grammar is strict: a wrong guess would publish at the wrong time.

    2026-11-27 18:00          also with T, seconds, and Z or an offset: 2026-11-27T18:00:00+01:00
    24 dec 2026 18:00         or dec 24 2026 18:00; without the year, the next such day, today included
    today|tomorrow 18:00
    [next] friday 18:00       the first such day after today, with or without `next`
    in 45 min                 or + 45 min; s, min, h: so much later, whatever the clocks do
    in 3 d [at 18:00]         d, w: so many days on the calendar, at the same time of day unless one is given
    18:00                     the next such time
    now

A time of day is 18:00, 18:00:30, 6pm, 6:30pm, noon, or midnight (00:00, with which its day begins); `at` may
stand before it. A day without a time of day is refused. The name of a time zone may stand at the end. What
`describe` returns is understood too, and means the same instant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from postbell.domain.time_words import MONTHS, WEEKDAYS, Here, read
from postbell.domain.zones import (
    TOO_FAR,
    YEARS,
    clock_text,
    is_zone,
    twice_note,
    wall_at,
    wall_to_instant,
    zone_named,
)
from postbell.errors import Invalid, Problem


__all__ = ["EXAMPLES", "When", "clock_notes", "describe", "parse_when", "wall_to_instant", "zone_named"]


#: The word for the time that has come.
NOW = "now"


@dataclass(frozen=True, kw_only=True)
class When:
    """A point in time, and how a person reads it."""

    #: The instant (aware UTC, whole seconds).
    at: datetime
    #: What a clock on the wall in `zone` shows then (naive).
    local: datetime
    #: The IANA name of the time zone.
    zone: str
    #: What the user should know: the clocks change around this time. A sentence without its full stop.
    note: str | None = None


#: One of every accepted form, as messages and help show them.
EXAMPLES = (
    *("2026-11-27 18:00", "2026-11-27T18:00+01:00", "24 dec 18:00", "dec 24 2026 6:30pm", "today noon"),
    *("tomorrow 9am", "friday 18:00", "in 45 min", "in 3 d at 18:00", "18:00", "now"),
)


# What `describe` adds: the time in UTC, which tells the first and the second of a doubled hour apart.
_ECHO = re.compile(r"(?a)(.*?) ?\((\d\d:\d\d(?::\d\d)?)Z(?:, [^()]*)?\)")
_ZONE = re.compile(r"(?a)(.+) ([A-Za-z_]+/[\w+/-]+|[A-Z][\w+-]*)")

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def parse_when(text: str, *, now: datetime, zone: ZoneInfo, allow_past: bool = False) -> When:
    """Return the time that `text` means to somebody in `zone` at `now` (aware UTC).

    A time that a change of the clocks leaves out is moved forward by the gap; of one that comes twice the
    first is taken; `note` says so. Raises Invalid with the accepted forms if the text has none of them, for
    a time outside the years 1970 to 2999, and for one that is not in the future, unless it is `now` or
    `allow_past`.
    """
    words = " ".join(text.split())
    echo = _ECHO.fullmatch(words)
    words, utc = (echo[1], echo[2]) if echo else (words, None)
    words, zone = _split_zone(words, zone)
    try:
        meant = read(words.lower(), Here(now=now.astimezone(UTC).replace(microsecond=0), zone=zone))
        when = _settle(meant, zone, utc)
    except OverflowError:  # beyond the calendar
        raise _refusal(text, TOO_FAR) from None
    except ValueError as error:
        raise _refusal(text, f"is not a time: {error}. Accepted are: {', '.join(EXAMPLES)}.") from None
    if when.at.year not in YEARS or when.local.year not in YEARS:
        raise _refusal(text, TOO_FAR)
    if when.at <= now and words.lower() != NOW and not allow_past:
        raise _refusal(text, f"is past: {describe(when, now)}. Give a later time, or now.")
    return when


def describe(when: When, now: datetime) -> str:
    """Return `when` for people: `Fri 27 Nov 2026 18:00 Europe/Berlin (17:00Z, in 6 d 2 h)`."""
    local = when.local
    day = f"{WEEKDAYS[local.weekday()][:3]} {local.day} {MONTHS[local.month - 1][:3]} {local.year:04}".title()
    utc = f"{clock_text(when.at)}Z, {_distance(when.at - now.replace(microsecond=0))}"
    return f"{day} {clock_text(local)} {when.zone} ({utc})"


def clock_notes(when: When | None, times: Mapping[str, When]) -> list[str]:
    """Return what the user should know about a time, and about those of single accounts by their names."""
    own = [f"{name}: {each.note}." for name, each in times.items() if each.note]
    return [*([f"{when.note}."] if when and when.note else []), *own]


def _refusal(text: str, message: str) -> Invalid:
    return Invalid([Problem(where="--at", message=f'"{text[:80]}" {message}')])


def _split_zone(words: str, zone: ZoneInfo) -> tuple[str, ZoneInfo]:
    found = _ZONE.fullmatch(words)
    if found and ("/" in found[2] or is_zone(found[2])):
        return found[1], zone_named(found[2], where="--at")
    return words, zone


def _settle(meant: datetime, zone: ZoneInfo, utc: str | None) -> When:
    """Return the When of a time on the wall (naive) or an instant; `utc` says what it must be in UTC."""
    if meant.tzinfo is None:
        instant, note = wall_to_instant(meant, zone)
        if utc not in (None, clock_text(instant)):
            instant = meant.replace(tzinfo=zone, fold=1).astimezone(UTC)
            note = twice_note(instant, zone)
    else:
        instant, note = meant, twice_note(meant, zone)
    if utc not in (None, clock_text(instant)):
        raise ValueError(f"it is {clock_text(instant)}Z, not {utc}Z")
    return When(at=instant, local=wall_at(instant, zone), zone=zone.key, note=note)


def _distance(span: timedelta) -> str:
    left = int(abs(span).total_seconds())
    counts = []
    for unit, seconds in _UNITS:
        count, left = divmod(left, seconds)
        counts.append((count, unit))
    while counts and not counts[0][0]:
        del counts[0]
    if not counts:
        return "now"
    # The largest unit and the one below it are enough.
    words = " ".join(f"{count} {unit}" for count, unit in counts[:2] if count)
    return f"in {words}" if span > timedelta(0) else f"{words} ago"
