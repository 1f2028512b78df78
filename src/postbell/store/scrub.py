"""Nothing that was overwritten or deleted is left in a database file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from postbell.durable import make_durable
from postbell.errors import DatabaseLocked
from postbell.store.engine import LOCK_WAIT, file_uri, told


def scrub(path: Path) -> None:
    """Write the whole database anew, without free pages and gaps, and cut its log to nothing; durably.

    SQLite leaves what was overwritten in the file until its place is needed, and in the log until that is
    written again (https://www.sqlite.org/lang_vacuum.html). Raises DatabaseLocked where somebody reads or
    writes, and DiskFull, for it takes as much room again; then the rows are as they were.
    """
    connection = sqlite3.connect(file_uri(path, "rw"), uri=True, timeout=LOCK_WAIT, isolation_level=None)
    with told(path), closing(connection):
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("VACUUM")
        (busy, _frames, _copied) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise DatabaseLocked(
            f"Another program reads {path}, so what was overwritten is still in its log. End that program, "
            "then do this again."
        )
    make_durable(path)
