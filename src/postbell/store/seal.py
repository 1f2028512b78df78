"""What is known of a database file without reading all of it.

After an orderly stop its number, size and times are written down beside it: a seal. As long as they fit,
nobody has written since, and it need not be read whole at the next start.

Nothing here opens the file but SQLite: where a process closes a file that SQLite has open too, the kernel
drops SQLite's locks, and another process may take the log away from under it
(https://www.sqlite.org/howtocorrupt.html, 2.2).
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from postbell.durable import give
from postbell.errors import TryLater
from postbell.store.engine import LOCK_WAIT, explain, file_uri
from postbell.store.wal import log_bytes


def look(path: Path) -> str | None:
    """Return what can be seen to be wrong with a database at a glance, however large it is; None if nothing.

    SQLite compares the length of the file with what its header says, and reads the list of its tables. Raises
    DatabaseLocked and DiskFull.
    """
    if path.stat().st_size == 0:  # to SQLite that is a sound database without tables
        return "it is empty"
    try:
        with closing(sqlite3.connect(file_uri(path, "ro"), uri=True, timeout=LOCK_WAIT)) as connection:
            names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master")]
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if isinstance(found := explain(error, path), TryLater):
            raise found from error
        return str(error)
    return None if "alembic_version" in names else "it has no tables of Postbell"


def seal(path: Path) -> None:
    """Write down how the file is now; the caller knows that it is sound, and has closed it."""
    if not log_bytes(path):  # else somebody else has it open, and may go on writing
        target = _seal_of(path)
        target.write_text(json.dumps(_marks(path)), "utf-8")
        target.chmod(0o600)
        give(target)


def is_sealed(path: Path) -> bool:
    """Whether the file is as it was when it was sealed."""
    if log_bytes(path):
        return False
    try:
        return bool(json.loads(_seal_of(path).read_text("utf-8")) == _marks(path))
    except (OSError, ValueError):
        return False


def break_seal(path: Path) -> None:
    """Forget how the file was, before it is written."""
    with suppress(FileNotFoundError):
        _seal_of(path).unlink()


def _seal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sealed")


def _marks(path: Path) -> dict[str, int]:
    stats = path.stat()
    # Nobody can set the time of the last change of a file's data to a wish: st_ctime is the kernel's.
    return {
        "inode": stats.st_ino,
        "size": stats.st_size,
        "mtime_ns": stats.st_mtime_ns,
        "ctime_ns": stats.st_ctime_ns,
    }
