"""How often somebody may do something."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


#: So many are remembered; then those that may do everything again are forgotten.
_MOST = 10_000


@dataclass
class Pace:
    """Lets everybody do something a number of times at once, and as often again within a minute."""

    #: Seconds on a clock that is never set.
    clock: Callable[[], float] = time.monotonic
    _spent: dict[str, tuple[float, float]] = field(default_factory=dict)

    def take(self, who: str, per_minute: int) -> float:
        """Let `who` do it once more and return 0, or return the seconds after which that is possible."""
        spent = self._spent_by(who, per_minute)
        if spent + 1 > per_minute:
            return (spent + 1 - per_minute) * 60 / per_minute
        self._spent[who] = (spent + 1, self.clock())
        if len(self._spent) > _MOST:
            self._spent = {each: was for each, was in self._spent.items() if self._spent_by(each, per_minute)}
        return 0

    def _spent_by(self, who: str, per_minute: int) -> float:
        spent, at = self._spent.get(who, (0.0, 0.0))
        return max(0.0, spent - (self.clock() - at) * per_minute / 60)
