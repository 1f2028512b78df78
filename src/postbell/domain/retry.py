"""When to try again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often, and how far apart."""

    #: Tries in all; after the last one the delivery has failed.
    most_tries: int = 10
    #: The wait after the first try, at most.
    base: timedelta = timedelta(seconds=15)
    #: The longest wait.
    cap: timedelta = timedelta(minutes=15)

    def next_try(self, tries: int, *, now: datetime, chance: float) -> datetime | None:
        """Return when to try again after `tries` tries, or None if that was the last.

        The wait doubles with every try and is drawn evenly from its upper half, so that many deliveries that
        failed together do not come back together. `chance` is a random number in [0, 1).
        """
        if tries >= self.most_tries:
            return None
        ceiling = min(self.cap, self.base * 2.0 ** min(max(tries - 1, 0), 32))
        return now + ceiling * (0.5 + chance / 2)
