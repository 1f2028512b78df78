"""How a command wakes the daemon: a named pipe beside the database.

Whoever has changed something writes a byte; the daemon reads it at once. Nothing is lost if nobody reads: the
daemon looks at the database when it starts, and at least every half minute.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from pathlib import Path


_NAME = "bell"


def ring(data_dir: Path) -> None:
    """Wake the daemon of this folder, if one listens."""
    try:
        fd = os.open(data_dir / _NAME, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # there is no pipe, or nobody reads it: no daemon runs
        return
    try:
        if stat.S_ISFIFO(os.fstat(fd).st_mode):  # a file in its place is somebody's content
            os.write(fd, b"\a")
    except OSError:  # the pipe is full of rings, or the reader has just gone: it need not be told again
        pass
    finally:
        os.close(fd)


class Listener:
    """Calls a function in the running loop whenever the bell is rung."""

    def __init__(self, data_dir: Path, heard: Callable[[], None]) -> None:
        self._path = data_dir / _NAME
        self._heard = heard
        self._fd = -1

    def open(self) -> None:
        """Begin to listen."""
        self._path.unlink(missing_ok=True)
        os.mkfifo(self._path, 0o600)
        # Open for writing too: without a writer of its own the pipe would report its end for ever.
        self._fd = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        asyncio.get_running_loop().add_reader(self._fd, self._read)

    def close(self) -> None:
        """Stop listening."""
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._fd)
        self._path.unlink(missing_ok=True)

    def _read(self) -> None:
        os.read(self._fd, 4096)
        self._heard()
