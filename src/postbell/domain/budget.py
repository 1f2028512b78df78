"""How much is tried again, over all accounts together."""

from __future__ import annotations

from datetime import datetime, timedelta


#: What was promised a time, and has not come so long after it, does not come any more.
_GIVEN_UP = timedelta(hours=1)


class RetryBudget:
    """Bounds how often something is tried again: so many at once, and as many in each minute after that.

    A server that is down must not be kept down by all that waits for it, however many accounts that are. What
    is beyond the budget is put off, not lost: it is promised a time of its own, the earliest that is left.
    It is the leaky bucket as a meter (ITU-T I.371), with promises.
    """

    def __init__(self, most_per_minute: int) -> None:
        self._between = timedelta(minutes=1) / most_per_minute
        self._burst = self._between * (most_per_minute - 1)
        #: When the budget would be whole again, if nobody asked any more.
        self._whole_at: datetime | None = None
        #: By number: when something may be tried again.
        self._promised: dict[int, datetime] = {}

    def ask(self, number: int, now: datetime) -> datetime:
        """Return when number may be tried again: not after `now` if at once, and that is counted.

        Otherwise ask again then; it is not counted twice.
        """
        self._promised = {key: at for key, at in self._promised.items() if at > now - _GIVEN_UP}
        # After a step back of the clock nothing may wait for longer than what was promised takes.
        latest = now + self._burst + self._between * (len(self._promised) + 1)
        if (promised := self._promised.get(number)) and promised <= latest:
            if promised <= now:
                del self._promised[number]
            return promised
        whole_at = min(max(self._whole_at or now, now), latest)
        self._whole_at = whole_at + self._between
        at = whole_at - self._burst
        if at > now:
            self._promised[number] = at
        return at
