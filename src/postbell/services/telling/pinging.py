"""A dead man's switch: as long as all is well another machine hears of it, and misses it when it is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from sqlalchemy import Connection

from postbell.errors import NotFetched, OffLimits
from postbell.sections import HealthSettings
from postbell.services.context import Context
from postbell.store import summary


#: What is overdue for longer, and not held back, shows that something is wrong.
BOUND = timedelta(minutes=5)
_DEADLINE = 10.0


@dataclass
class Pinger:
    """Asks an address after each healthy round. Nothing waits for it, and nothing comes of its failure here:
    whoever misses the ping tells the user.
    """

    ctx: Context
    settings: HealthSettings
    elapsed: Callable[[], float] = time.monotonic
    _pinged: float = field(default=float("-inf"))
    _failing: bool = False

    def wanted(self, tx: Connection) -> bool:
        """Whether it is time, and all is well: the database is read, and nothing is overdue; reads only."""
        if self.settings.ping_url is None:
            return False
        if self.elapsed() - self._pinged < self.settings.ping_seconds:
            return False
        now = self.ctx.now()
        return summary.overdue(tx, now - BOUND, now=now).oldest is None

    async def ping(self) -> None:
        """Say that all is well. Raises nothing."""
        url = self.settings.ping_url
        if url is None:
            return
        self._pinged = self.elapsed()
        try:
            outside = (await asyncio.to_thread(self.ctx.clients)).outside
            way = outside.towards(url.get_secret_value(), local=True)
            try:
                answer = await way.post(url.get_secret_value(), body=b"", headers={}, deadline=_DEADLINE)
            finally:
                await way.aclose()
            error = None if 200 <= answer.status < 300 else f"it answered {answer.status}"
        except (OffLimits, NotFetched) as failed:
            error = str(failed)
        self._note(error)

    def _note(self, error: str | None) -> None:
        if error is not None and not self._failing:
            structlog.get_logger().warning("ping_not_taken", reason=error)
        elif error is None and self._failing:
            structlog.get_logger().info("ping_taken_again")
        self._failing = error is not None
