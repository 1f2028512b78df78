"""The time. Nothing else in Postbell asks for it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return this instant, aware, in UTC."""
        ...

    def elapsed(self) -> float:
        """Return the seconds since some instant, whatever the clock is set to; those asleep count."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return this instant, aware, in UTC."""
        return datetime.now(UTC)

    def elapsed(self) -> float:
        """Return the seconds since the machine was started, also those in which it was suspended."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)


class VirtualClock:
    """A clock that stands still until it is moved. What it is moved forwards by has passed."""

    def __init__(self, now: datetime) -> None:
        self._now = now.astimezone(UTC)
        self._elapsed = 0.0

    def now(self) -> datetime:
        """Return the instant at which the clock stands (aware UTC)."""
        return self._now

    def elapsed(self) -> float:
        """Return the seconds by which it was moved forwards."""
        return self._elapsed

    def set(self, now: datetime) -> None:
        """Move the clock to an instant (aware), backwards too."""
        self.advance(now - self._now)

    def advance(self, by: timedelta | float) -> None:
        """Move the clock by a span, or by seconds; backwards too."""
        span = by if isinstance(by, timedelta) else timedelta(seconds=by)
        self._elapsed += max(span.total_seconds(), 0.0)
        self._now += span

    def adjust(self, by: timedelta) -> None:
        """Let the clock show another time, as somebody does who sets it: nothing has passed."""
        self._now += by
