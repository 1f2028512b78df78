"""When to try again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


#: After so many tries of its own that the network did not take, a delivery is stuck: while it waits, it
#: holds back nothing of its account any more.
STUCK_AFTER = 3
#: After so many setbacks in a row an account's breaker is open: it may be the network and not the post.
OPEN_AFTER = 3


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
        """Return when to try again after `tries` tries, or None if that was the last."""
        return None if tries >= self.most_tries else now + self.wait(tries, chance=chance)

    def wait(self, failures: int, *, chance: float) -> timedelta:
        """Return how long to wait after so many failures in a row. `chance` is a random number in [0, 1).

        The longest possible wait doubles with every failure up to the cap, and the wait is drawn evenly from
        all of it ("full jitter", aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter):
        what failed together does not come back together.
        """
        return min(self.cap, self.base * 2.0 ** min(max(failures - 1, 0), 32)) * chance
