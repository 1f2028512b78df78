"""Copies of the database that are proved before they are trusted."""

from __future__ import annotations

import errno
import functools
import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from postbell.durable import give, make_durable
from postbell.errors import Damaged, DiskFull, NotFound, PostbellError, SchemaTooNew, TryLater
from postbell.store.engine import LOCK_WAIT, explain, file_uri
from postbell.store.schema import KNOWN
from postbell.store.seal import look


#: Is told how many pages are left, and how many there are.
Progress = Callable[[int, int], None]

#: Rows of these tables are counted.
_COUNTED = ("account", "post", "delivery", "attempt", "media")

#: What `backup_name` makes up.
_NAME = re.compile(r"postbell-\d+-(\d{8}T\d{6}Z)\.db")
_TIME = "%Y%m%dT%H%M%SZ"
#: Earlier versions copied databases without tables under such names: nothing can be restored from them.
_EMPTY = "postbell-empty-*"

#: Steps of SQLite's machine between two questions whether to go on.
_STEPS = 100_000

#: Is asked now and then whether to break off.
Stop = Callable[[], bool]

#: Pages between two reports of progress: 4 MB.
_PAGES = 1000


def check(path: Path, *, stop: Stop | None = None) -> list[str]:
    """Return what is wrong with the database file; an empty list means that it is sound.

    Every page is read, every index compared with its table, every reference followed. What is empty, or has
    no tables of Postbell, is not sound, whatever SQLite says. Raises DatabaseLocked where another program
    does not let anybody read it, DiskFull where SQLite has no room for what it needs beside the file, and
    sqlite3.OperationalError where `stop` says so.
    """
    if path.exists() and (problem := look(path)):
        return [problem]
    return _examine(path, "integrity_check", "foreign_key_check", stop=stop)


def quick_check(path: Path) -> list[str]:
    """Return what is wrong with the pages of the database file; takes a third of the time of `check`."""
    return _examine(path, "quick_check")


def backup(
    path: Path, target: Path, *, progress: Progress | None = None, stop: Stop | None = None
) -> dict[str, int]:
    """Copy the live database to `target` and prove the copy; return how many rows it holds by table.

    The copy is the database at one instant, whatever is written meanwhile, and appears under its name only
    when it is whole. It is made page by page, so that to prove it proves the database too: VACUUM INTO would
    write the rows anew, without what is wrong around them. `progress` is told the pages left and the pages in
    all. Raises Damaged, DatabaseLocked, DiskFull, or PostbellError where the folder cannot be written, and
    sqlite3.OperationalError where `stop` says so; then `target` is as it was before.
    """
    part = target.with_name(f".{target.name}.part")
    with _told(path, target), _removed(part):
        if _is_ours(path, target):
            target.parent.mkdir(mode=0o700, exist_ok=True)
        counts = _copy(path, part, progress, stop)
        if _is_ours(path, target):  # elsewhere it stays with whom it was made for
            give(part)
        part.replace(target)
        make_durable(target.parent)
    return counts


def _is_ours(path: Path, target: Path) -> bool:
    """Whether a copy goes into a folder of the database's own; any other is made by whoever wants it."""
    return target.parent.parent == path.parent


def backup_name(revision: str, now: datetime) -> str:
    """Return the name of a backup: its schema and the time (UTC)."""
    return f"postbell-{revision}-{now.astimezone(UTC):{_TIME}}.db"


def list_backups(folder: Path, now: datetime) -> list[Path]:
    """Return the backups in a folder, the newest first; those of a time after `now` (aware) come last."""
    found = [path for path in folder.glob("postbell-*.db") if not path.match(_EMPTY)]
    return _newest_first({path: made_at(path) for path in found}, now)


def newest_backup(folder: Path, now: datetime) -> Path | None:
    """Return the first of them; None if there is none."""
    return next(iter(list_backups(folder, now)), None)


def prune_backups(folder: Path, keep: int, weeks: int = 0, *, now: datetime) -> None:
    """Remove backups, save the newest `keep` and the newest of each of the last `weeks` weeks that have one.

    Only those count that got their names from `backup_name`, and those of a time after `now` (aware) as older
    than all others; weeks begin on Monday (UTC).
    """
    times = _times(folder)
    named, newest_of = _newest_first(times, now), dict[tuple[int, int], Path]()
    for path in named:
        newest_of.setdefault(times[path].isocalendar()[:2], path)
    kept = {*named[:keep], *list(newest_of.values())[:weeks]}
    for old in named:
        if old not in kept:
            old.unlink(missing_ok=True)


def last_backup(folder: Path, now: datetime) -> datetime | None:
    """Return when (aware UTC) the newest backup that got its name from `backup_name` was made.

    None of a time after `now` (aware) counts.
    """
    return max((time for time in _times(folder).values() if time <= now), default=None)


def made_at(path: Path) -> datetime:
    """Return when (aware UTC) a backup was made: as its name tells, else when the file was last written."""
    return _named_time(path) or datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _newest_first(times: Mapping[Path, datetime], now: datetime) -> list[Path]:
    """Return backups in order; what is of a time still to come was made while the clock was wrong."""
    return sorted(times, key=lambda path: (times[path] <= now, times[path]), reverse=True)


def _times(folder: Path) -> dict[Path, datetime]:
    """Return when (aware UTC) what got its name from `backup_name` was made; other files are not ours."""
    return {path: time for path in folder.glob("postbell-*.db") if (time := _named_time(path))}


def _named_time(path: Path) -> datetime | None:
    if named := _NAME.fullmatch(path.name):
        with suppress(ValueError):  # no such day
            return datetime.strptime(named[1], _TIME).replace(tzinfo=UTC)
    return None


def restore(
    source: Path, path: Path, *, aside: Path, prepare: Callable[[Path], None] = lambda _copy: None
) -> dict[str, int]:
    """Put a proved copy of `source` in the place of the database and keep the old file as `aside`.

    The caller holds the daemon's lock. What `prepare` changes of the copy is in it before it is the database:
    if that breaks off, nothing was restored. Returns how many rows the restored database holds by table.
    Raises NotFound, Damaged, SchemaTooNew, DatabaseLocked, DiskFull, or PostbellError where the folder
    cannot be written; then nothing was changed.
    """
    if not source.is_file():
        raise NotFound(f"There is no backup at {source}.")
    if problems := check(source):
        raise Damaged(f"The backup {source} is not sound ({problems[0]}); nothing was changed.")
    part = path.with_name(f".{path.name}.restore")
    with _told(source, path), _removed(part):
        counts = _copy(source, part)
        _require_known(part, source)
        give(part)
        prepare(part)
        _set_aside(path, aside)
        part.replace(path)
        make_durable(path.parent)
    return counts


def _examine(path: Path, *pragmas: str, stop: Stop | None = None) -> list[str]:
    problems: list[str] = []
    try:
        with closing(_open(path, "ro")) as connection:
            connection.set_progress_handler(stop, _STEPS)
            for pragma in pragmas:
                rows = connection.execute(f"PRAGMA {pragma}").fetchall()
                problems += [_worded(row) for row in rows if row != ("ok",)]
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if isinstance(found := explain(error, path), TryLater):
            raise found from error
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            raise
        problems.append(str(error))
    return problems


def _worded(row: tuple[str, ...]) -> str:
    if len(row) == 1:
        return row[0]
    table, number, parent, _key = row
    return f"table {table}, row {number} refers to a missing {parent}"


def _copy(
    source: Path, part: Path, progress: Progress | None = None, stop: Stop | None = None
) -> dict[str, int]:
    """Copy a database, prove the copy and return how many rows it holds by table; raises Damaged."""
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with closing(_open(source, "ro")) as live, closing(_open(part, "rw")) as copy:
        # One instant for all of it: else every write of another process would begin the copy anew.
        live.execute("BEGIN")
        rows = _counts(live)
        live.backup(copy, pages=_PAGES, progress=functools.partial(_report, progress, stop))
    fold(part)
    if problems := check(part, stop=stop):
        raise Damaged(f"The copy of {source} is not sound: {problems[0]}. See `postbell db check`.")
    with closing(_open(part, "ro")) as copy:
        if rows != (copied := _counts(copy)):
            raise Damaged(f"The copy of {source} holds {copied}, and not {rows}. See `postbell db check`.")
    return rows


def _require_known(copy: Path, source: Path) -> None:
    with closing(_open(copy, "ro")) as connection:
        revisions = [row[0] for row in connection.execute("SELECT version_num FROM alembic_version")]
    if unknown := set(revisions) - set(KNOWN):
        raise SchemaTooNew(
            f"The backup {source} belongs to a newer Postbell (schema {unknown.pop()}); nothing was changed."
        )


def fold(path: Path) -> None:
    """Bring everything that was written into the one file, durably: it can be moved without side files."""
    with closing(_open(path, "rw")) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    make_durable(path)


def _set_aside(path: Path, aside: Path) -> None:
    """Move the database with its write-ahead log, which beside another database would damage it.

    The old file has both names until both are there: a log is never missing from its database.
    """
    for suffix in ("", "-wal"):
        old = path.with_name(path.name + suffix)
        if old.exists():
            aside.with_name(aside.name + suffix).hardlink_to(old)
    _remove(path)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextmanager
def _removed(part: Path) -> Iterator[None]:
    """Leave nothing of a half-made copy, nor of one from before that did not come to its end."""
    _remove(part)
    try:
        yield
    finally:
        _remove(part)


@contextmanager
def _told(source: Path, target: Path) -> Iterator[None]:
    """Raise what went wrong as what it means to the user."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:
        found = explain(error, target)
        # Only a lack of room is the target's fault.
        raise (found if isinstance(found, DiskFull) else explain(error, source) or error) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(f"The disk that holds {target} is full. Free some space and try again.") from error
        raise PostbellError(
            f"{source} could not be copied to {target}: {error.strerror}. Nothing was changed."
        ) from error


def _open(path: Path, mode: str) -> sqlite3.Connection:
    """Open a file; what is opened to be read (`ro`) is left as it is, its write-ahead log too."""
    uri = file_uri(path, mode)
    connection = sqlite3.connect(uri, uri=True, timeout=LOCK_WAIT, isolation_level=None)
    connection.text_factory = lambda said: said.decode("utf-8", "replace")
    return connection


def _report(progress: Progress | None, stop: Stop | None, _status: int, left: int, pages: int) -> None:
    if stop is not None and stop():
        raise sqlite3.OperationalError("the copying was broken off")
    if progress is not None:
        progress(left, pages)


def _counts(connection: sqlite3.Connection) -> dict[str, int]:
    present = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    return {
        table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - constants
        for table in _COUNTED
        if table in present
    }
