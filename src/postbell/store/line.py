"""Those of one process who want to write, one behind the other."""

from __future__ import annotations

from collections import deque
from threading import Lock


class Line:
    """Lets one at a time have its turn, in the order in which they came.

    SQLite has no line: who finds the database locked looks again after some milliseconds, later and later.
    Who writes all the time is always there first.
    """

    def __init__(self) -> None:
        self._guard = Lock()
        self._taken = False
        self._waiting: deque[Lock] = deque()

    def take(self, seconds: float) -> bool:
        """Wait for the turn, so many seconds at most; return whether it has come. Then it is passed on."""
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            mine = Lock()
            mine.acquire()
            self._waiting.append(mine)
        if mine.acquire(timeout=seconds):
            return True
        with self._guard:
            if mine in self._waiting:
                self._waiting.remove(mine)
                return False
        return True  # it came at the last moment

    def pass_on(self) -> None:
        """End the turn; it is that of who has waited longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
