"""The store for code that must not wait: one thread, because SQLite has one writer.

Writes that wait at the same time become durable together: to wait for the disk takes longer than everything
else, and takes as long for fifty writes as for one.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from postbell.store.engine import Store, is_open, part_of


P = ParamSpec("P")
T = TypeVar("T")

#: Seconds after which nothing more joins a writing transaction: other programs want to write too.
LONG_ENOUGH = 0.02


@dataclass(kw_only=True, eq=False)
class _Work:
    """What somebody waits for."""

    run: Callable[[Connection], Any]
    writes: bool
    ended: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    value: Any = None
    error: BaseException | None = None

    def tell(self) -> None:
        """Tell how it ended; in the loop of who waits for it, if somebody still does."""
        if self.ended.done():
            return
        if self.error is None:
            self.ended.set_result(self.value)
        elif isinstance(self.error, StopIteration):  # no future takes it: who waits would do so for ever
            self.ended.set_exception(RuntimeError("the work ended by StopIteration"))
        else:
            self.ended.set_exception(self.error)


class StoreThread:
    """Runs functions of the store one after the other, in the order in which they were asked for.

    Each is done wholly or not at all, and all that was asked for is done, also where the caller was broken
    off meanwhile. Nothing is told before it is durable.
    """

    def __init__(self, store: Store) -> None:
        #: Called, with the reason, each time that what must not get lost could not be written yet.
        self.on_stuck: Callable[[str], None] = lambda _reason: None
        #: Called in the loop of who wrote when something was written, and is durable.
        self.on_written: Callable[[], None] = lambda: None
        self._store = store
        self._waiting: deque[_Work] = deque()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")

    @property
    def path(self) -> Path:
        """The database file."""
        return self._store.path

    async def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kw: P.kwargs) -> T:
        """Run `work(tx, …)` as if in a writing transaction of its own; durable when this returns.

        Raises what `work` raises, and what `Store.write` does; then nothing of it was stored.
        """
        return await self._submit(lambda tx: work(tx, *args, **kw), writes=True)

    async def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kw: P.kwargs) -> T:
        """Run `work(tx, …)` in a reading transaction."""
        return await self._submit(lambda tx: work(tx, *args, **kw), writes=False)

    def close(self) -> None:
        """Wait for what is under way, and end the thread."""
        self._executor.shutdown(wait=True)

    async def _submit(self, run: Callable[[Connection], T], *, writes: bool) -> T:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[T] = loop.create_future()
        self._waiting.append(_Work(run=run, writes=writes, ended=ended, loop=loop))
        self._executor.submit(self._work_off)
        return await ended

    def _work_off(self) -> None:
        """Do what comes next, if it was not done with what came before it."""
        if not self._waiting:
            return
        done = self._write() if self._waiting[0].writes else self._read()
        for loop in dict.fromkeys(work.loop for work in done):
            with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                loop.call_soon_threadsafe(self._tell, [work for work in done if work.loop is loop])

    def _read(self) -> list[_Work]:
        work = self._waiting.popleft()
        try:
            with self._store.read() as tx:
                work.value = work.run(tx)
        except BaseException as error:  # noqa: BLE001 - it is raised where it was asked for
            work.error = error
        return [work]

    def _write(self) -> list[_Work]:
        """Do the next writes in one transaction; of those that joined the first, each can fail alone."""
        done: list[_Work] = []
        try:
            with self._store.write() as tx:
                until = time.monotonic() + LONG_ENOUGH
                while self._a_write_waits() and (not done or time.monotonic() < until):
                    done.append(work := self._waiting.popleft())
                    if work is done[0]:
                        work.value = work.run(tx)
                    else:
                        self._join(tx, work)
        except BaseException as error:  # noqa: BLE001 - it is raised where it was asked for
            if not done:  # it could not even begin: all who wait for it would fare the same
                while self._a_write_waits():
                    done.append(self._waiting.popleft())
            for work in done:
                work.error = error
        return done

    def _a_write_waits(self) -> bool:
        return bool(self._waiting) and self._waiting[0].writes

    def _join(self, tx: Connection, work: _Work) -> None:
        try:
            with part_of(tx, self._store.path):
                work.value = work.run(tx)
        except BaseException as error:
            if not is_open(tx):
                raise  # SQLite has taken everything back, for instance because the disk is full
            work.error = error

    def _tell(self, done: list[_Work]) -> None:
        for work in done:
            work.tell()
        if any(work.writes and work.error is None for work in done):
            self.on_written()
