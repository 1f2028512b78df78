"""How processes end that work on files of users."""

from __future__ import annotations

import signal


def told_death(number: int, seconds: int, *, to: str, program: str) -> str:
    """Return what the user reads of a file that has ended, with a signal, a process that worked on it."""
    if number in (signal.SIGALRM, signal.SIGXCPU, signal.SIGKILL):
        return f"it takes more than {seconds} s to {to}; make it smaller, or export it again."
    return f"it crashed the program that {program} ({signal.Signals(number).name}); export it again."
