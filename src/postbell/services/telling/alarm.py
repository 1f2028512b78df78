"""Rings a bell after a while, the earliest of the times that were asked for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


@dataclass
class Alarm:
    """An alarm of the running event loop for one bell."""

    bell: asyncio.Event
    _timer: asyncio.TimerHandle | None = None

    @property
    def is_set(self) -> bool:
        """Whether it will ring."""
        return self._timer is not None

    def ring_in(self, seconds: float) -> None:
        """Ring after so long, or earlier if that was asked for already."""
        loop = asyncio.get_running_loop()
        at = loop.time() + max(0.0, seconds)
        if self._timer is not None and self._timer.when() <= at:
            return
        self.cancel()
        self._timer = loop.call_at(at, self._ring)

    def cancel(self) -> None:
        """Do not ring."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def _ring(self) -> None:
        self._timer = None
        self.bell.set()
