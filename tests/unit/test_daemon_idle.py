"""How often a daemon with nothing to do looks at its database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from postbell import daemon
from postbell.daemon import Daemon
from postbell.sd_notify import Notifier
from postbell.settings import Surroundings
from support.world import build_world


_LEAST = timedelta(seconds=15)


def _with_daemon(folder: Path, script: Callable[[Daemon], Awaitable[None]]) -> None:
    with build_world(folder) as world:

        async def run() -> None:
            made = Daemon(world.app, Surroundings(), Notifier(None))
            try:
                await script(made)
            finally:
                made._thread.close()

        asyncio.run(run())


def test_an_idle_daemon_does_nothing_more_often_than_every_quarter_of_a_minute(tmp_path: Path) -> None:
    every: dict[str, timedelta] = {
        "look": daemon.LOOK_EVERY,
        "settle": daemon._SETTLE_EVERY,
        "grow": daemon._GROW_EVERY,
        "remove": daemon._REMOVE_EVERY,
    }

    async def script(made: Daemon) -> None:
        made._begin_chores()
        await made._ring()
        every.update({job.id: job.trigger.interval for job in made._scheduler.get_jobs()})
        made._scheduler.shutdown(wait=False)

    _with_daemon(tmp_path, script)
    assert set(every) == {"look", "settle", "grow", "remove", "sweep"}
    assert {name: span for name, span in every.items() if span < _LEAST} == {}


def test_the_look_does_not_go_by_the_clock_on_the_wall(tmp_path: Path) -> None:
    """The scheduler does: after a step back it would sleep for as long as that was."""

    async def script(made: Daemon) -> None:
        thrice = asyncio.Semaphore(0)

        async def work() -> None:
            thrice.release()

        looking = asyncio.create_task(made._whenever(asyncio.Event(), work, timedelta(milliseconds=1)))
        for _ in range(3):
            await thrice.acquire()
        looking.cancel()

    _with_daemon(tmp_path, script)
