"""When to tell: what happens together is told together, and nobody is written to again and again."""

from __future__ import annotations

from dataclasses import dataclass


#: Seconds between two messages at least; doubled up to the longest while none is taken.
BETWEEN_MESSAGES = 60.0
_LONGEST_WAIT = 3600.0


@dataclass
class Pace:
    """Says when the next message may be sent. All times are seconds on a clock that never goes back."""

    #: How long is waited for more, from the first thing on that is to be told.
    gather: float
    _first: float | None = None
    _not_before: float = float("-inf")
    _failures: int = 0

    def wait(self, clock: float) -> float:
        """Return how long to wait where something is to be told; 0 if it may be told now."""
        if self._first is None:
            self._first = clock
        return max(0.0, max(self._first + self.gather, self._not_before) - clock)

    def rest(self) -> None:
        """Note that nothing is to be told."""
        self._first = None

    def told(self, clock: float) -> None:
        """Note that a message was taken."""
        self._first, self._failures, self._not_before = None, 0, clock + BETWEEN_MESSAGES

    def failed(self, clock: float) -> None:
        """Note that nobody took a message."""
        self._not_before = clock + min(BETWEEN_MESSAGES * 2**self._failures, _LONGEST_WAIT)
        self._failures += 1
