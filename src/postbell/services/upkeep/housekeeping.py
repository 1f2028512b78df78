"""What the daemon does for its database: proves it, empties its log, makes backups, removes what is old."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import ParamSpec, TypeVar

import structlog

from postbell.errors import Damaged, PostbellError
from postbell.services.telling.troubles import LOG, Troubles
from postbell.services.upkeep import upkeep
from postbell.services.upkeep.retention import Pruned, prune
from postbell.services.upkeep.storage import large_log_told
from postbell.settings import Places, Settings
from postbell.store import backup, seal, wal
from postbell.store.thread import StoreThread


P = ParamSpec("P")
T = TypeVar("T")

#: The name of the trouble that no backup can be made.
_BACKUP = "backup"
#: Seconds after which a backup that failed is tried again.
_AGAIN_AFTER = 3600.0
#: Seconds between two removals of what is over.
_PRUNE_EVERY = 24 * 3600.0


@dataclass
class Housekeeping:
    """Looks after the database of a working daemon; what takes long has a thread of its own."""

    places: Places
    settings: Settings
    #: Returns this instant (aware UTC).
    now: Callable[[], datetime]
    #: What is written goes through it, between all else that is written.
    thread: StoreThread
    #: Where is told what keeps this from being done.
    troubles: Troubles
    #: Whether the file was found to be sound in this life.
    _proved: bool = False
    #: When the log was last written, as it was seen at the last turn.
    _written: int = 0
    #: When, on the loop's clock, the next backup may be tried.
    _not_before: float = 0.0
    #: When, on the same clock, old things are removed again.
    _keep_until: float = 0.0
    _stopped: threading.Event = field(default_factory=threading.Event)

    async def prove(self) -> None:
        """Read the whole file, unless nobody has written to it since an orderly stop. Raises Damaged.

        Nothing may be sent before this has ended: who has sent what is written in that file.
        """
        whole = seal.is_sealed(self.places.database)
        seal.break_seal(self.places.database)
        if not whole:
            await self._aside(upkeep.require_sound, self.places, self.now(), stop=self._stopped.is_set)
        self._proved = True

    def seal(self) -> None:
        """Write down that the file was closed as it should be, so that the next start need not read it."""
        if self._proved:
            with suppress(OSError):  # then the next start reads it
                seal.seal(self.places.database)

    async def tend(self) -> None:
        """Take a turn. Raises Damaged where a backup shows that the database is not sound."""
        await self._empty_log()
        await self._back_up()
        await self._prune()

    async def _empty_log(self) -> None:
        """Empty the log once nobody has written for a turn, and whenever it is far too large."""
        path = self.places.database
        size, before = wal.log_bytes(path), self._written
        self._written = wal.log_written(path)
        if size and (self._written == before or size > wal.LARGE):
            with suppress(sqlite3.Error):  # a full disk, or a lock: there will be another turn
                await self._aside(wal.empty_log, path)
        if wal.log_bytes(path) <= wal.LARGE:
            self.troubles.forget(LOG)
        elif LOG not in self.troubles.names():
            readers = wal.readers_of(path)
            structlog.get_logger().warning(
                "log_too_large", bytes=size, readers=", ".join(str(reader) for reader in readers)
            )
            self.troubles.begin(LOG, *large_log_told(size, readers))

    async def _back_up(self) -> None:
        loop, now, settings = asyncio.get_running_loop(), self.now(), self.settings.backup
        if settings.every is None or loop.time() < self._not_before:
            return
        last = backup.last_backup(self.places.backups, now)
        if last and last > now - settings.every:
            return
        log = structlog.get_logger()
        try:
            path, rows = await self._aside(
                upkeep.back_up,
                self.places,
                None,
                keep=settings.keep,
                weeks=settings.keep_weeks,
                now=now,
                stop=self._stopped.is_set,
            )
        except PostbellError as error:
            self._not_before = loop.time() + _AGAIN_AFTER
            log.warning("backup_failed", reason=str(error))
            self.troubles.begin(_BACKUP, f"No backup can be made: {error}", "Try it: `postbell db backup`.")
            if isinstance(error, Damaged):  # the copy may be what is not sound: its disk may be bad
                await self._aside(upkeep.require_sound, self.places, self.now(), stop=self._stopped.is_set)
        else:
            log.info("backup_made", path=str(path), **rows)
            self.troubles.end(_BACKUP, "A backup was made again.")

    async def _prune(self) -> None:
        """Once a day, and soon after the start, remove what is over for long."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._keep_until:
            return
        pruned = await prune(self.thread.write, self.settings.retention, self.now())
        self._keep_until = loop.time() + _PRUNE_EVERY
        if pruned != Pruned(attempts=0, posts=0):
            structlog.get_logger().info("database_pruned", **asdict(pruned))

    async def _aside(self, work: Callable[P, T], *args: P.args, **kw: P.kwargs) -> T:
        """Do long work in a thread; where this is cancelled, the work is told to break off."""
        try:
            return await asyncio.to_thread(work, *args, **kw)
        except asyncio.CancelledError:
            self._stopped.set()
            raise
