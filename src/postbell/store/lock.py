"""One daemon, or one upgrade, for each database."""

from __future__ import annotations

import fcntl
import os
import struct
from contextlib import suppress
from pathlib import Path

from postbell.durable import create_file
from postbell.errors import DaemonRunning


#: `struct flock` of fcntl(2): type, from where, start, length (0: to the end), process.
_FLOCK = "hhqqi"
_WHOLE = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


class DaemonLock:
    """Held by the daemon for as long as it lives; the kernel lets go of it when the process ends.

    It is an open file description lock: of the kinds that there are, only this one can be asked for without
    being taken for an instant, which would turn away a daemon that starts just then, and only this one is not
    lost when the same process closes the file elsewhere.
    """

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "daemon.lock"
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock; raises DaemonRunning, naming the process that holds it."""
        create_file(self.path)
        fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _WHOLE)
        except BlockingIOError:
            holder = os.read(fd, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(fd)
            raise DaemonRunning(
                f"A daemon works on {self.path.parent} already: process {holder}. One is enough; "
                f"stop it first (`systemctl stop postbell` or `kill {holder}`)."
            ) from None
        number = f"{os.getpid()}\n".encode()
        with suppress(OSError):  # a full disk: the number is only told
            os.ftruncate(fd, os.pwrite(fd, number, 0))
        self._fd = fd

    def release(self) -> None:
        """Let go of the lock."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def holder(self) -> int | None:
        """Return the process id of the daemon that holds the lock, or None if none does."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            found: bytes = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, _WHOLE)
            free = struct.unpack(_FLOCK, found)[0] == fcntl.F_UNLCK
            return None if free else int(os.read(fd, 32) or 0)
        finally:
            os.close(fd)
