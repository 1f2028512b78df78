"""How far the database has come: counted in it, and in a small file beside it.

SQLite says nothing where an old copy lies in the place of the database, or its write-ahead log is gone. The
file does: it holds how often the database was changed, and one that counts less has forgotten changes.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from postbell.domain.caution import Cause
from postbell.durable import create_file, make_durable
from postbell.errors import Conflict
from postbell.store.lock import DaemonLock


#: That a daemon is there is written down this often.
REFRESHED = timedelta(minutes=15)
#: Bytes of the two lines of the file, whatever they say: all in one page, so that none is half written.
_WHO, _HOW_FAR = 256, 64

# A database that is behind counts no further: it would catch up with the file, and nobody would notice.
_COUNT = (
    "UPDATE mark SET changes = changes + 1, edits = edits + ? WHERE changes >= ? RETURNING changes, edits"
)

#: How many transactions have changed a database, and how many of them were those of commands.
Count = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How far a database had come, at an instant."""

    #: How many transactions have changed it.
    changes: int
    #: How many of them were those of commands, which do what the user wants.
    edits: int = 0
    #: Names the machine whose daemon worked on it last: empty if it has no name, None before the first.
    machine: str | None
    #: Until when a daemon was there (aware UTC); None in the database.
    at: datetime | None = None


class MarkFile:
    """The file beside the database, which the daemon makes; whoever changes the database keeps it.

    It is written after what it tells of is durable, and not synced. The process may be killed: what was
    written is with the kernel. At a power cut the file may fall behind the database, which is synced, and a
    file that is behind says nothing wrong: only one that is ahead of the database is an alarm. It is synced
    when it is made, because a missing file is one too.

    Its first line says who is there, its second how far the database has come. Each is written alone, so
    that a command and the daemon never write down an old state of what the other says.
    """

    def __init__(self, path: Path, *, by_user: bool = True) -> None:
        """Take the file at `path`; what is counted is the user's wish, or else the daemon's own work."""
        self.path = path
        self._by_user = by_user

    def count(self, tx: Connection, *, by_user: bool = False) -> Count | None:
        """Count one more change in the transaction that makes it; None where the database is behind.

        What the daemon does for the user is said with `by_user`. Raises Conflict for a wish of the user's if
        the database may not be what it was, and no daemon has looked into that: what may be public would be
        changed, and nobody could look it up any more.
        """
        said: Count | None = None
        beside: Mark | None = None
        by_user = by_user or self._by_user
        # For reading: one that nobody may write to would not be looked at, and the database would catch up.
        with suppress(OSError), _opened(self.path, os.O_RDONLY) as file:
            said, beside = _how_far(file), _said(file) if by_user else None
        if by_user:
            self._require_known(tx, beside)
        raw: Any = tx.connection.driver_connection
        rows: list[Count] = raw.execute(_COUNT, (by_user, said[0] if said else 0)).fetchall()
        return rows[0] if rows else None

    def _require_known(self, tx: Connection, beside: Mark | None) -> None:
        cause = what_happened(read_mark(tx), beside, machine_name())
        # A daemon has seen where the folder comes from, and knows the machine by another name in a container.
        if cause is None or (cause.is_blind and DaemonLock(self.path.parent).holder()):
            return
        raise Conflict(
            f"{cause.sentence} Start the daemon first (`systemctl start postbell`, or `postbell run`): it "
            "finds out what may be public, and says what there is to do. Nothing was changed."
        )

    def keep(self, count: Count) -> None:
        """Write down how many changes are durable now, if nobody has written down more; raises OSError."""
        with self._open() as file:
            _raise(file, count)

    def make(self, found: Mark, now: datetime) -> None:
        """Make the file if there is none, and write down who is there; durable when this returns.

        What nobody can read is overwritten. Raises OSError.
        """
        create_file(self.path)
        with self._open() as file:
            told = _raise if _said(file) else _set
            _say_who(file, found.machine, now)
            told(file, (found.changes, found.edits))
            os.fsync(file)
        make_durable(self.path.parent)

    def attend(self, now: datetime) -> None:
        """Write down every quarter of an hour that a daemon is there.

        Raises OSError where the file cannot be written, or nobody can read it.
        """
        with self._open() as file:
            said = _said(file)
            if said is None:
                raise OSError(errno.EIO, "it does not say what it should")
            if not (said.at and timedelta() <= now - said.at < REFRESHED):
                _say_who(file, said.machine, now)

    def leave(self, now: datetime) -> None:
        """Write down, if that is possible, until when a daemon was there."""
        with suppress(OSError), self._open() as file:
            if said := _said(file):
                _say_who(file, said.machine, now)

    def _open(self) -> AbstractContextManager[int]:
        return _opened(self.path, os.O_RDWR)


@contextmanager
def _opened(path: Path, how: int) -> Iterator[int]:
    file = os.open(path, how | os.O_CLOEXEC)
    try:
        yield file
    finally:
        os.close(file)


def _how_far(file: int) -> Count | None:
    try:
        changes, edits = os.pread(file, _HOW_FAR, _WHO).split()
        return int(changes), int(edits)
    except ValueError:
        return None


def _raise(file: int, count: Count) -> None:
    said = _how_far(file)
    if said and said < count:  # what cannot be read is left as it is, for the next start to notice
        _set(file, count)


def _set(file: int, count: Count) -> None:
    os.pwrite(file, _line(f"{count[0]} {count[1]}", _HOW_FAR), _WHO)


def _say_who(file: int, machine: str | None, now: datetime) -> None:
    os.pwrite(file, _line(json.dumps({"machine": machine, "at": now.isoformat()}), _WHO), 0)


def _line(said: str, size: int) -> bytes:
    return said.ljust(size - 1).encode("ascii") + b"\n"


def _said(file: int) -> Mark | None:
    count = _how_far(file)
    if count is None:
        return None
    try:
        who: Any = json.loads(os.pread(file, _WHO, 0))
        at = datetime.fromisoformat(who["at"])
        return Mark(changes=count[0], edits=count[1], machine=who["machine"], at=at)
    except (ValueError, KeyError, TypeError):
        return None


def read_file(path: Path) -> Mark | None:
    """Return what the file says; None if there is none, or nobody can read it."""
    try:
        with _opened(path, os.O_RDONLY) as file:
            return _said(file)
    except OSError:
        return None


def machine_name(path: Path = Path("/etc/machine-id")) -> str:
    """Return what tells this machine from others, an empty string if nothing does.

    A hash: the id itself should be kept to oneself (machine-id(5)).
    """
    import hashlib

    try:
        found = path.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
    return hashlib.sha256(f"postbell {found}".encode()).hexdigest()[:16] if found else ""


def what_happened(within: Mark, beside: Mark | None, machine: str | None) -> Cause | None:
    """Return why the database is not, or may not be, what it was: the gravest first; None if it is."""
    if beside is None:
        return Cause.MARK_LOST if within.machine is not None else None
    known = {machine, within.machine, beside.machine} - {None, ""}
    if len(known) > 1:
        return Cause.COPIED
    return Cause.WENT_BACK if within.changes < beside.changes else None


def count_lost(within: Mark, beside: Mark | None) -> int:
    """Return how many changes of commands the database has forgotten, as far as that can be counted.

    It can where both were written by the same machine, wherever they lie now.
    """
    if beside is None or len({within.machine, beside.machine} - {None, ""}) > 1:
        return 0
    return max(0, beside.edits - within.edits) if within.changes < beside.changes else 0


def read_mark(tx: Connection) -> Mark:
    """Return how far the database has come."""
    changes, edits, machine = tx.exec_driver_sql("SELECT changes, edits, machine FROM mark").one()
    return Mark(changes=changes, edits=edits, machine=machine)


def set_mark(tx: Connection, found: Mark) -> None:
    """Store how far the database has come, and on which machine."""
    values = (found.changes, found.edits, found.machine)
    tx.exec_driver_sql("UPDATE mark SET changes = ?, edits = ?, machine = ?", values)
