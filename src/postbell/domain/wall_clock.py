"""From the times that a rule says to the instants at which they come, one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from postbell.domain.zones import wall_at, wall_to_instant


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """One time of a rule."""

    #: Names it within its rule, whatever the clocks do: the wall-clock time that the rule says, ISO 8601.
    key: str
    #: The instant (aware UTC).
    at: datetime
    #: What clocks show then (naive): later than the rule says where the clocks leave that out.
    local: datetime
    #: What the user should know, a sentence without its full stop; None if there is nothing.
    note: str | None = None


def in_order(walls: Iterable[datetime], zone: ZoneInfo) -> Iterator[Occurrence]:
    """Yield when clocks in `zone` show these times (naive, each later than the one before), lazily.

    The instants strictly increase. A time that the clocks leave out moves forward by the gap, perhaps past
    later ones; where it meets one of them, that one remains. Ends where the calendar does, in the year 9999.
    """
    moved: deque[Occurrence] = deque()
    for wall in walls:
        try:
            at, note = wall_to_instant(wall, zone)
        except OverflowError:
            break
        local = wall_at(at, zone)
        occurrence = Occurrence(key=wall.isoformat(timespec="minutes"), at=at, local=local, note=note)
        if local != wall:
            moved.append(occurrence)
            continue
        # Times that clocks show come in the order of their instants: nothing later can be as early as this.
        while moved and moved[0].at < at:
            yield moved.popleft()
        if moved and moved[0].at == at:
            moved.popleft()
        yield occurrence
    yield from moved
