"""The command `postbell`: what can be told at once, and the door to everything else.

Importing is most of what a short command takes, so what the first page does not need is imported behind it.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from postbell import __version__


#: Garbage is looked for each time that so many more things were made: to import makes a hundred thousand,
#: which all stay.
_SELDOM = 100_000


def program() -> None:
    """Run the command line of this process, and end it with its exit code."""
    gc.set_threshold(_SELDOM)
    code = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        try:  # noqa: SIM105 - to import contextlib takes longer than all of `--help`
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass  # it is closed, or there is none: that has been told
    # All is closed and written. Python would now take apart piece by piece what the system frees at once.
    os._exit(code)


def main(words: Sequence[str]) -> int:
    """Run what follows `postbell` on a command line, and return its exit code; see `entry.run`."""
    if page := _page(words):
        try:
            sys.stdout.write(page)
            sys.stdout.flush()
        except (OSError, ValueError, AttributeError):
            pass  # it happens again below, where it is told
        else:
            return 0
    from postbell.cli import entry

    return entry.run(list(words))


def _page(words: Sequence[str]) -> str | None:
    """Return what is printed whatever else there is; None where click must be asked."""
    alone = words[0] if len(words) == 1 else ""
    if alone == "--version":
        return f"postbell {__version__}\n"
    if alone in ("--help", "-h") and _is_wide():
        from postbell.cli.first_page import FIRST_PAGE

        return FIRST_PAGE
    return None


def _is_wide() -> bool:
    """Whether the page need not be folded to fit a terminal."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns >= 80
    except (OSError, ValueError, AttributeError):  # it is none
        return True


if __name__ == "__main__":
    program()
