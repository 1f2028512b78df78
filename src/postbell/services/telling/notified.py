"""How telling the user goes, for people who look after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from postbell.domain.notice import UNSURE_AFTER, Notice, NoticeKind
from postbell.errors import NotTold
from postbell.services.telling.troubles import CAUTION, LOG, TRY, is_of_way
from postbell.store import notices
from postbell.store.notices import WayState


if TYPE_CHECKING:
    from postbell.services.telling.ways import Way

_KNOWN = (CAUTION, LOG)


@dataclass(frozen=True, kw_only=True)
class Notified:
    """How telling the user goes at one instant."""

    #: How each way that is configured does.
    ways: tuple[WayState, ...] = ()
    #: How many notices are still to be told.
    untold: int = 0
    #: What the daemon itself suffers from, as far as it could write that down.
    own: tuple[Notice, ...] = ()

    @property
    def troubles(self) -> list[tuple[str, str]]:
        """What somebody must look at, in sentences, and what to do: a pair for each."""
        waiting = f" {_counted(self.untold)}." if self.untold else ""
        failing = [(f"{failing_told(way)}{waiting}", TRY) for way in self.ways if way.error is not None]
        # Of the others `status` knows more than was told.
        unknown = (each for each in self.own if not is_of_way(each.subject) and each.subject not in _KNOWN)
        own = [(each.message, each.mend or "") for each in unknown]
        return [*own, *failing]


def failing_told(way: WayState) -> str:
    """Return in a sentence that a way takes nothing, and why."""
    since = f" since {way.failing_since:%F %T}Z" if way.failing_since else ""
    return f"Notices cannot be sent by {way.name}{since}: {way.error}"


def notified(tx: Connection, ways: Sequence[Way], now: datetime) -> Notified:
    """Return how telling the user goes at `now` (aware)."""
    kept = notices.load_telling(tx)
    states = {state.name: state for state in kept.ways} if kept else {}
    return Notified(
        ways=tuple(_checked(way, states.get(way.name)) for way in ways),
        untold=sum(notices.count_pending(tx, now - UNSURE_AFTER, now).values()) if ways else 0,
        own=tuple(each.notice for each in notices.list_open(tx, NoticeKind.TROUBLE)),
    )


def _checked(way: Way, state: WayState | None) -> WayState:
    found = state or WayState(name=way.name)
    if found.error is None:
        try:
            way.check(thoroughly=False)
        except NotTold as error:
            return replace(found, error=str(error))
    return found


def _counted(untold: int) -> str:
    return "1 notice waits" if untold == 1 else f"{untold} notices wait"
