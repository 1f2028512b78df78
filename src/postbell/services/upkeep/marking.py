"""The daemon keeps the mark beside the database, and compares both when it starts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import structlog

from postbell.services.context import Context
from postbell.services.sending.caution import take_stock
from postbell.services.telling.troubles import CAUTION, Troubles
from postbell.services.upkeep.health import caution_now, caution_told
from postbell.store.mark import MarkFile, machine_name, read_file, read_mark
from postbell.store.thread import StoreThread


_MARK = "mark"
_UNNOTICED = "If the database went back in time, nobody would notice."


class Marking:
    """What a daemon has to do with the mark; that it cannot be kept is told, and stops nothing."""

    def __init__(self, path: Path, troubles: Troubles) -> None:
        self.path = path
        self._file = MarkFile(path)
        self._troubles = troubles

    async def take_stock(self, ctx: Context, thread: StoreThread) -> None:
        """Be cautious if the database, or the clock, is not what the mark beside it says; raises TryLater."""
        beside, within = read_file(self.path), await thread.read(read_mark)
        machine: str | None = machine_name()
        if beside is None and within.machine is None:
            # First the file: a database that says that there was one, and none, would be an alarm.
            first = replace(within, machine=machine)
            machine = machine if self._keep(lambda: self._file.make(first, ctx.now())) else None
        stock = await thread.write(take_stock, ctx, beside, machine)
        found = await thread.read(read_mark)
        self._keep(lambda: self._file.make(found, ctx.now()))
        if stock.cause:
            log = structlog.get_logger()
            log.warning("caution_began", reason=stock.cause.told, doubted=len(stock.doubted))
        cautious = await thread.read(caution_now, ctx.now(), ctx.can_ask)
        if cautious and cautious.cause is stock.cause and cautious.cause.is_grave:
            self._troubles.happen(CAUTION, *caution_told(cautious))

    def attend(self, now: datetime) -> None:
        """Write down that a daemon is there."""
        self._keep(lambda: self._file.attend(now))

    def leave(self, now: datetime) -> None:
        """Write down, if that is possible, until when a daemon was there."""
        with suppress(OSError):
            self._file.leave(now)

    def _keep(self, write: Callable[[], None]) -> bool:
        try:
            write()
        except FileNotFoundError:
            structlog.get_logger().warning("mark_gone")
            mend = "Put it back, or restart the daemon: it makes one, and looks up what is overdue first."
            self._troubles.begin(_MARK, f"{self.path} is gone. {_UNNOTICED}", mend)
        except OSError as error:
            # The database is durable without it.
            structlog.get_logger().warning("mark_not_written", reason=error.strerror)
            told = f"{self.path} cannot be written ({error.strerror}). {_UNNOTICED}"
            self._troubles.begin(_MARK, told, "Check its owner, and the disk, then restart the daemon.")
        else:
            self._troubles.end(_MARK)
            return True
        return False
