"""The time. Nothing else in Postbell asks for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return this instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return this instant, aware, in UTC."""
        return datetime.now(UTC)


class VirtualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self._now = now.astimezone(UTC)

    def now(self) -> datetime:
        """Return the instant at which the clock stands (aware UTC)."""
        return self._now

    def set(self, now: datetime) -> None:
        """Move the clock to an instant (aware), backwards too."""
        self._now = now.astimezone(UTC)

    def advance(self, by: timedelta | float) -> None:
        """Move the clock by a span, or by seconds; backwards too."""
        self._now += by if isinstance(by, timedelta) else timedelta(seconds=by)
