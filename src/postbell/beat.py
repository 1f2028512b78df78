"""The chores of the daemon, and the one beat to which they are done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import TypeVar

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import Connection

from postbell.errors import Damaged, PostbellError
from postbell.store.engine import Store


T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class Chore:
    """What the daemon does again and again, never twice at the same time.

    It is done when its bell is rung, and when its time has come and there is something to do.
    """

    name: str
    work: Callable[[], Awaitable[object]]
    #: How often its time comes: at the beat after so long.
    every: timedelta
    #: How soon after the start its time comes first, where that is not after so long: one that comes seldom
    #: would never be done by a daemon that is started anew more often.
    first: timedelta | None = None
    #: Asked when its time has come: whether there is anything to do. It may only read, and not for long.
    #: Without the question there always is something.
    wanted: Callable[[Connection], bool] | None = None
    #: Rung to have it done at once; once more while it is being done, to have it done again.
    bell: asyncio.Event = field(default_factory=asyncio.Event)


class Beat:
    """Does chores. Those whose time has come are begun together, so that an idle process wakes seldom.

    One reading transaction asks all of them whether there is anything to do; most of the time there is not.
    Spans are measured on the loop's own clock: by the wall, a step back would make them longer.
    """

    def __init__(
        self,
        store: Store,
        chores: Sequence[Chore],
        *,
        every: timedelta,
        alive: Callable[[], None],
        failed: Callable[[PostbellError], None],
        again_after: float = 5.0,
    ) -> None:
        """Take what to do. `alive` is called at each beat at which the database answers, `failed` where it
        kept a chore from being done, which is tried again after so many seconds.
        """
        self.chores = tuple(chores)
        self._store = store
        self._every = every
        self._alive = alive
        self._failed = failed
        self._again_after = again_after

    async def go(self) -> None:
        """Ring for what is to be done, at each beat until cancelled."""
        clock = asyncio.get_running_loop().time
        # Chores that come at each beat must not miss one because it was early.
        early = self._every.total_seconds() / 2
        begun = clock() - early
        times = {chore: begun + (chore.first or chore.every).total_seconds() for chore in self.chores}
        while True:
            due = [chore for chore in self.chores if times[chore] <= clock()]
            for chore in self._wanted(due):
                chore.bell.set()
            times |= {chore: clock() + chore.every.total_seconds() - early for chore in due}
            await asyncio.sleep(self._every.total_seconds())

    async def do(self, chore: Chore) -> None:
        """Do a chore each time that its bell rings, until cancelled; ends only by a fault.

        Raises Damaged; any other trouble with the database is waited for.
        """
        while True:
            await chore.bell.wait()
            chore.bell.clear()
            await self.insist(chore.work)

    async def insist(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do `work`, again and again until the database can be used. Raises Damaged: no wait mends that."""
        while True:
            try:
                return await work()
            except Damaged:
                raise
            except PostbellError as error:
                self._failed(error)
                await asyncio.sleep(self._again_after)

    def _wanted(self, due: Sequence[Chore]) -> Sequence[Chore]:
        try:
            # A few short questions. On another thread each beat would wake an idle process six times, and on
            # the store's own it could wait for a locked database, which no restart mends.
            with self._store.glance() as tx:
                tx.exec_driver_sql("SELECT count(*) FROM alembic_version")
                wanted = [chore for chore in due if chore.wanted is None or chore.wanted(tx)]
        except PostbellError:
            return due  # what is wrong is told by who fails
        self._alive()
        return wanted


def new_scheduler() -> AsyncIOScheduler:
    """Return what rings at a time, however late that comes."""
    # By its own defaults it would leave out a ring that came a second late.
    how = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    return AsyncIOScheduler(timezone=UTC, job_defaults=how)
