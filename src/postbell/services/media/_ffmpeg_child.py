"""The process that becomes FFmpeg: it gives up all that FFmpeg does not need, then lets it take its place.

Arguments: seconds of both cores together, bytes of memory, the most bytes of what is written, then the
program with its own arguments.
"""

from __future__ import annotations

import os

from postbell.services.media._inspect_child import guard


#: How much FFmpeg lets others go first (nice).
_KIND = 10


def main(arguments: list[str]) -> None:
    """Become FFmpeg."""
    seconds, memory, written, *command = arguments
    guard(seconds=int(seconds), memory=int(memory), written=int(written))
    os.nice(_KIND)
    os.execv(command[0], command)  # noqa: S606 - found by its full name
