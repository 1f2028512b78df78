"""Hands messages to the ways that are configured, and keeps in mind how each of them does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from postbell.errors import NotTold
from postbell.services.telling.message import Message
from postbell.services.telling.troubles import TRY, Troubles, is_of_way, of_way
from postbell.services.telling.ways import Way
from postbell.store.notices import WayState


class Messenger:
    """Hands messages to every way. A way that takes none is a trouble, which the others tell."""

    def __init__(self, ways: Sequence[Way], troubles: Troubles) -> None:
        self.ways = tuple(ways)
        self._troubles = troubles
        self._states = {way.name: WayState(name=way.name) for way in ways}

    @property
    def states(self) -> tuple[WayState, ...]:
        """How each way does."""
        return tuple(self._states.values())

    def resume(self, states: Iterable[WayState]) -> None:
        """Take over how those of an earlier life of the daemon did that are still there."""
        self._states |= {state.name: state for state in states if state.name in self._states}
        for gone in {*self._troubles.names()} - {of_way(name) for name in self._states}:
            if is_of_way(gone):
                self._troubles.forget(gone)

    def check(self, now: datetime) -> None:
        """Say of each way that cannot work as it is configured what is wrong."""
        for way in self.ways:
            try:
                way.check(thoroughly=False)
            except NotTold as error:
                self._note(way, str(error), now)

    async def hand_over(self, message: Message, now: datetime) -> dict[str, str | None]:
        """Give a message to every way; return for each why it was not taken, None if it was."""
        errors = await asyncio.gather(*(_try(way, message) for way in self.ways))
        for way, error in zip(self.ways, errors, strict=True):
            self._note(way, error, now)
        return dict(zip(self._states, errors, strict=True))

    def _note(self, way: Way, error: str | None, now: datetime) -> None:
        state, trouble = self._states[way.name], of_way(way.name)
        if error is None:
            self._states[way.name] = WayState(name=way.name, told_at=now)
            self._troubles.end(trouble, f"Notices can be sent by {way.name} again.")
            return
        since = state.failing_since or now
        self._states[way.name] = replace(state, failing_since=since, error=error)
        self._troubles.begin(trouble, f"Notices cannot be sent by {way.name}: {error}", TRY)


async def _try(way: Way, message: Message) -> str | None:
    try:
        await way.tell(message)
    except NotTold as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a fault in one way must not silence the others
        return f"A fault in Postbell ({type(error).__name__}); please report it."
    return None
