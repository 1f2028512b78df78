"""Times in requests: RFC 3339, or the clock on the wall with the name of a zone. Nothing is guessed."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from postbell.domain.when import When, parse_when
from postbell.domain.zones import zone_named
from postbell.errors import Invalid, Problem
from postbell.services.context import Context


#: A time with the name of its zone: 2026-11-27T18:00:00+01:00[Europe/Berlin].
_ZONED = re.compile(r"([^\[\]]+)\[([^\[\]]+)\]")


def read_when(ctx: Context, text: str, zone: str | None, *, where: str = "--at", past: bool = False) -> When:
    """Return the time that a request names, in whole seconds; raises Invalid about `where`.

    Without an offset it is on the clocks of `zone`, which must then be given. The name of a zone may follow
    in brackets (RFC 9557): then its clocks are meant.
    """
    if named := _ZONED.fullmatch(text):
        text, zone = named[1], named[2]
    place = zone_named(zone, where=where if named else "--tz") if zone else ctx.zone
    try:
        meant = datetime.fromisoformat(text).replace(microsecond=0)
    except ValueError:
        message = (
            f'"{text[:80]}" is not a time as 2026-11-27T18:00:00+01:00, or without +01:00 and with a zone.'
        )
        raise Invalid([Problem(where=where, message=message)]) from None
    if meant.tzinfo is None and not zone:
        message = f'"{text}" may be any of many instants; give an offset (Z, +01:00), or the name of a zone.'
        raise Invalid([Problem(where=where, message=message)])
    try:
        when = parse_when(meant.isoformat(), now=ctx.now(), zone=place, allow_past=past)
        # What the clocks of nobody's zone do is of no matter to who has named an instant.
        return when if zone else replace(when, note=None)
    except Invalid as error:
        raise Invalid(Problem(where=where, message=each.message) for each in error.problems) from None


def read_instant(ctx: Context, text: str, *, where: str) -> datetime:
    """Return the instant (aware UTC) of a text with an offset, past or not; raises Invalid about `where`."""
    return read_when(ctx, text, None, where=where, past=True).at
