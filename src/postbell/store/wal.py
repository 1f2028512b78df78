"""The write-ahead log beside the database: how large it is, who keeps it so, and how it is emptied.

SQLite empties it by itself as long as nobody reads for long: what is newer than the state that a reader sees
cannot leave the log before that reader ends (https://www.sqlite.org/wal.html, "Avoiding Excessively Large WAL
Files").
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from postbell.store.engine import file_uri


#: Bytes. A log that is larger is told: somebody keeps it from being emptied.
LARGE = 64_000_000

#: The bytes of the index file that readers lock, one of them each (https://www.sqlite.org/walformat.html).
_READ_LOCKS = range(123, 128)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A process that is reading."""

    pid: int
    #: The name of its program; empty where that is hidden.
    program: str

    def __str__(self) -> str:
        return f"process {self.pid} ({self.program})" if self.program else f"process {self.pid}"


def log_of(path: Path) -> Path:
    """Return where the write-ahead log of a database lies."""
    return path.with_name(f"{path.name}-wal")


def log_bytes(path: Path) -> int:
    """Return how large the log of a database is; 0 where there is none."""
    with suppress(FileNotFoundError):
        return log_of(path).stat().st_size
    return 0


def log_written(path: Path) -> int:
    """Return when the log was last written, in nanoseconds of its file's time; 0 where there is none."""
    with suppress(FileNotFoundError):
        return log_of(path).stat().st_mtime_ns
    return 0


def empty_log(path: Path) -> bool:
    """Copy what the log holds into the database and cut the log to nothing; return whether that was possible.

    It never waits: where somebody reads or writes just now, only what can be is copied. Raises sqlite3.Error.
    """
    connection = sqlite3.connect(file_uri(path, "rw"), uri=True, timeout=0, isolation_level=None)
    with closing(connection):
        connection.execute("PRAGMA synchronous = FULL")
        # First without the writers' lock: of what is left they wait only for a little.
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        (busy, _frames, _copied) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy


def readers_of(path: Path) -> list[Reader]:
    """Return the processes that are in the middle of reading; empty where the system does not tell."""
    try:
        index = path.with_name(f"{path.name}-shm").stat().st_ino
        lines = Path("/proc/locks").read_text("ascii").splitlines()
    except OSError:
        return []
    return [Reader(pid=pid, program=_program(pid)) for pid in sorted(set(_holders(lines, index)))]


def _holders(lines: list[str], index: int) -> Iterator[int]:
    """Yield who holds a reader's lock (proc_locks(5)); a process of another namespace has no number here."""
    for line in lines:
        words = [word for word in line.split() if word != "->"]  # that one waits for a lock
        _number, kind, _advisory, mode, pid, file, start, *_end = words
        of_index = file.rpartition(":")[2] == str(index)
        if kind == "POSIX" and mode == "READ" and of_index and int(start) in _READ_LOCKS and int(pid) > 0:
            yield int(pid)


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip()
    except OSError:
        return ""
