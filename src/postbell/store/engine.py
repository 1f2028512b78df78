"""The database file: how it is opened, and what a transaction is."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from json import JSONDecodeError
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, MultipleResultsFound, NoResultFound

from postbell.errors import Damaged, DatabaseLocked, DiskFailed, DiskFull, NotFound, PostbellError
from postbell.store.line import Line


if TYPE_CHECKING:
    from postbell.store.mark import MarkFile


#: Seconds to wait for another program to let go of the database.
LOCK_WAIT = 10.0

#: The write-ahead log is cut back to this many bytes when it has been copied into the database.
_WAL_KEPT = 16_000_000

#: So many traces of a lost database are named one by one.
_NAMED = 3

_PRAGMAS = (
    "journal_mode = WAL",
    # NORMAL forgets the last commits at a power cut, and what forgets a claim sends again.
    "synchronous = FULL",
    f"journal_size_limit = {_WAL_KEPT}",
)


class Store:
    """One SQLite file. Writers take the lock at the beginning, readers never wait for them."""

    def __init__(
        self,
        path: Path,
        *,
        lock_wait: float = LOCK_WAIT,
        durable: bool = True,
        mark: MarkFile | None = None,
    ) -> None:
        """Open the file. What is not `durable` is fast, and lost at a power cut: for copies to try things.

        What changes it is counted in it and in `mark`, if that is given: the database of a copy has none.
        """
        self.path = path
        self._mark = mark
        self._line, self._lock_wait = Line(), lock_wait
        pragmas = ("foreign_keys = ON", *(() if durable else ("synchronous = OFF",)))
        self._writer = open_engine(path, "BEGIN IMMEDIATE", *pragmas, lock_wait=lock_wait)
        # What is read is seldom read again soon: two megabytes of it kept in memory would be for nothing.
        reading = ("query_only = ON", "cache_size = -500")
        self._reader = open_engine(path, "BEGIN", *reading, lock_wait=lock_wait)

    @contextmanager
    def write(self, *, by_user: bool = False) -> Iterator[Connection]:
        """Open a transaction that may change things; durable when the block ends.

        What the daemon does for the user is said with `by_user`. Raises DatabaseLocked, DiskFull or Damaged,
        NotFound if the file has gone or was emptied, or Conflict for a wish of the user's if the database
        went back in time and no daemon has looked into that; then nothing was stored.
        """
        with told(self.path), self._turn(), self._writer.begin() as tx:
            raw: Any = tx.connection.driver_connection
            before = raw.total_changes
            yield tx
            changed = raw.total_changes != before
            count = self._mark.count(tx, by_user=by_user) if self._mark and changed else None
        if count and self._mark:
            # It is stored, whatever becomes of the mark: one that is behind says nothing wrong.
            with suppress(OSError):
                self._mark.keep(count)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Let who writes in this process do so in order, and nobody for ever wait for the others."""
        if not self._line.take(self._lock_wait):
            raise DatabaseLocked(
                f"Other work of Postbell's has written to {self.path} for {self._lock_wait:g} s; nothing was "
                "stored. Try again."
            )
        try:
            yield
        finally:
            self._line.pass_on()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that sees one unchanging state and changes nothing."""
        with told(self.path), self._reader.begin() as tx:
            yield tx

    @contextmanager
    def glance(self) -> Iterator[Connection]:
        """Open a transaction as `read` does, for short questions between other work: it waits for nobody.

        Readers seldom have to, but where they would, this raises DatabaseLocked at once.
        """
        with self.read() as tx:
            tx.exec_driver_sql("PRAGMA busy_timeout = 0")
            try:
                yield tx
            finally:
                tx.exec_driver_sql(f"PRAGMA busy_timeout = {round(self._lock_wait * 1000)}")

    def close(self) -> None:
        """Close every connection."""
        self._writer.dispose()
        self._reader.dispose()


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Raise a failure of SQLite as what it means to the user."""
    try:
        yield
    except DBAPIError as error:
        raise (explain(error.orig, path) or error) from error
    except (sqlite3.Error, ValueError, NoResultFound, MultipleResultsFound) as error:
        raise (explain(error, path) or error) from error


@contextmanager
def part_of(tx: Connection, path: Path) -> Iterator[None]:
    """Open a part of a writing transaction, which alone is taken back if the block raises.

    Unless SQLite has taken everything back, for instance because the disk is full: see `is_open`.
    """
    raw: Any = tx.connection.driver_connection
    raw.execute("SAVEPOINT part")
    try:
        with told(path):
            yield
    except BaseException:
        if is_open(tx):
            raw.execute("ROLLBACK TO part")
            raw.execute("RELEASE part")
        raise
    raw.execute("RELEASE part")


def is_open(tx: Connection) -> bool:
    """Whether a transaction is still one, and SQLite has not taken it back."""
    raw: Any = tx.connection.driver_connection
    return bool(raw.in_transaction)


def explain(error: BaseException | None, path: Path) -> PostbellError | None:
    """Return what a failure of SQLite means to the user; None where it is a fault of ours."""
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return DatabaseLocked(
            f"Another program has locked the database {path}; nothing was stored. "
            "Close it (a database browser? a backup?) and try again."
        )
    if primary == sqlite3.SQLITE_FULL or (primary == sqlite3.SQLITE_IOERR and is_full(path)):
        return DiskFull(
            f"The disk that holds {path} is full; nothing was stored. Free some space and try again."
        )
    if primary == sqlite3.SQLITE_IOERR:  # a quota, a limit on the size of files, or a disk that dies
        return DiskFailed(
            f"The system does not let {path} be read or written ({error}); nothing was stored. Look for its "
            "reason (`dmesg`, quotas, limits) and try again."
        )
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or _undecodable(error):
        return Damaged(
            f"The database {path} is damaged ({error}). It was left as it is. "
            "See `postbell db check`, and `postbell db restore` for the backups."
        )
    if primary in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        refused = f"The database {path} cannot be opened for writing ({error}). Check its owner."
        return PostbellError(refused) if path.exists() else no_database(path)
    return None


def _undecodable(error: BaseException | None) -> bool:
    """Tell whether somebody stumbled over a value that nobody has written; SQLite has no code for that.

    It may be no text, no JSON, no time (SQLAlchemy's words and Python's), no word of an enumeration, or no
    row at all.
    """
    words = ("Could not decode to UTF-8", "Couldn't parse datetime", "Invalid isoformat", " is not a valid ")
    told = isinstance(error, sqlite3.Error | ValueError) and any(word in str(error) for word in words)
    missing = NoResultFound | MultipleResultsFound  # a row that is always there, once
    return told or isinstance(error, UnicodeDecodeError | JSONDecodeError | missing)


def is_full(path: Path) -> bool:
    """Whether the disk that holds the file has no room for anything more."""
    stats = os.statvfs(path.parent)
    return stats.f_bavail * stats.f_frsize < 1_000_000


def file_uri(path: Path, mode: str) -> str:
    """Return how SQLite is told to open a file that must be there already, whatever its name."""
    return f"file:{quote(str(path))}?mode={mode}"


def open_engine(path: Path, begin: str, *pragmas: str, lock_wait: float = LOCK_WAIT) -> Engine:
    """Return what connects to the file: transactions begin with `begin`, `pragmas` are set besides ours."""
    url = URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "rw", "uri": "true"})
    # Errors go to the log, and what a statement was given may be a token.
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": lock_wait})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        # Without this the driver opens and ends transactions by its own rules, and leaves out DDL.
        connection.isolation_level = None
        if is_lost(path):
            raise no_database(path)
        for pragma in (*_PRAGMAS, *pragmas):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def open_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def require_file(path: Path) -> None:
    """Raise NotFound, with the mend, where there is no database."""
    if not path.exists():
        raise no_database(path)


def is_lost(path: Path) -> bool:
    """Whether the file has gone, or is empty, and others show that there was something in it.

    SQLite must not read such a file: it would delete its log, and WAL mode would give it a header.
    """
    return _is_hollow(path) and bool(traces_of(path))


def traces_of(path: Path) -> list[Path]:
    """Return what shows that there was a database at this place: its log, its mark, copies of it.

    A log beside a file with content is none: SQLite reads both as one.
    """
    folder = path.parent
    log = path.with_name(f"{path.name}-wal")
    traces = [log] if _is_hollow(path) and log.exists() and log.stat().st_size else []
    copies = [*folder.glob("backups/*.db"), *folder.glob("replaced-*.db")]
    return traces + sorted(folder.glob("*.mark")) + sorted(copies, reverse=True)


def no_database(path: Path) -> NotFound:
    """Return what to say where there is no database, or one without tables.

    Where one has gone, an empty one in its place would forget everything.
    """
    traces = traces_of(path)
    if not traces:
        return NotFound(f"There is no database at {path}. Make one with `postbell init`.")
    gone = f"The database {path} is empty, but once it was not"
    if not path.exists():
        gone = f"There is no database at {path} any more, but there was one"
    named = ", ".join(str(trace) for trace in traces[:_NAMED])
    if more := len(traces[_NAMED:]):
        named += f" and {more} more (`*.mark`, `replaced-*.db` and `backups/*.db` in {path.parent})"
    return NotFound(
        f"{gone}: {named}. Look whether its disk is mounted, or put a backup in its place with "
        "`postbell db restore latest`. To begin anew, move those away first, then `postbell init`."
    )


def _is_hollow(path: Path) -> bool:
    return not path.exists() or path.stat().st_size == 0
