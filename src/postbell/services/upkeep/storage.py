"""How the files of the database are: what a person should know of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from postbell.settings import Places
from postbell.store import backup, wal
from postbell.store.engine import is_full
from postbell.store.wal import Reader


#: So long after it was due a backup is missed: the daemon tries again every hour.
_SLACK = timedelta(hours=3)


@dataclass(frozen=True, kw_only=True)
class Storage:
    """The files of the database at one instant."""

    #: Bytes of the database, and of its write-ahead log.
    database_bytes: int
    log_bytes: int
    #: Whether their disk has no room for anything more.
    full: bool
    #: Who reads just now, where the log is too large.
    readers: tuple[Reader, ...]
    #: When the newest backup was made (aware UTC); None if there is none until now.
    last_backup: datetime | None
    #: When the next one should have been made, where that is long ago.
    backup_missed: datetime | None

    @property
    def troubles(self) -> list[tuple[str, str]]:
        """What somebody must look at, in sentences, and what to do: a pair for each."""
        found = []
        if self.full:
            told = "The disk of the database is full: nothing can be stored, so nothing is published."
            found.append((told, "Free some space; then the daemon goes on by itself."))
        if self.log_bytes > wal.LARGE:
            found.append(large_log_told(self.log_bytes, self.readers))
        if self.backup_missed:
            since = f"The last is of {self.last_backup:%F %T}Z" if self.last_backup else "There is none"
            told = f"No backup was made since one was due at {self.backup_missed:%F %T}Z. {since}."
            found.append((told, "See why: `postbell db backup`."))
        return found


def large_log_told(size: int, readers: Sequence[Reader]) -> tuple[str, str]:
    """Return in sentences that the log is too large, and what to do."""
    who = ", ".join(str(reader) for reader in readers) or "the program that has the database open"
    return (
        f"The log of the database has grown to {size / 1e6:,.0f} MB: a program has been reading for long.",
        f"Close {who}; then the daemon empties the log.",
    )


def storage(places: Places, now: datetime, *, every: timedelta | None, since: datetime | None) -> Storage:
    """Return how the files are at `now` (aware).

    A backup is to be made `every` so often, if at all, from `since` (aware) on, if anything is stored.
    """
    log, last = wal.log_bytes(places.database), backup.last_backup(places.backups, now)
    begun = last or since
    due = begun + every if every and begun else None
    return Storage(
        database_bytes=places.database.stat().st_size,
        log_bytes=log,
        full=is_full(places.database),
        readers=tuple(wal.readers_of(places.database)) if log > wal.LARGE else (),
        last_backup=last,
        backup_missed=due if due and due + _SLACK < now else None,
    )
