"""How often a daemon with nothing to do looks at its database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.daemon import Daemon
from postbell.sd_notify import Notifier
from postbell.settings import Surroundings
from support.world import add_post, build_world


_LEAST = timedelta(seconds=15)


def _with_daemon(
    folder: Path, script: Callable[[Daemon], Awaitable[None]], surroundings: Surroundings | None = None
) -> None:
    with build_world(folder) as world:

        async def run() -> None:
            made = Daemon(world.app, surroundings or Surroundings(), Notifier(None))
            try:
                await script(made)
            finally:
                made._workers.thread.close()

        asyncio.run(run())


def test_an_idle_daemon_does_nothing_more_often_than_every_quarter_of_a_minute(tmp_path: Path) -> None:
    every: dict[str, timedelta] = {}

    async def script(made: Daemon) -> None:
        made._workers.scheduler.start()
        await made._workers._ring()
        every.update({chore.name: chore.every for chore in made._beat.chores})
        every.update({job.id: job.trigger.interval for job in made._workers.scheduler.get_jobs()})
        made._workers.scheduler.shutdown(wait=False)

    _with_daemon(tmp_path, script)
    assert {"clock", "ring", "settle", "remove", "grow", "sweep"} <= set(every)
    assert {name: span for name, span in every.items() if span < _LEAST} == {}


@pytest.mark.parametrize(("watchdog", "every"), [(None, 30), (120.0, 30), (60.0, 30), (20.0, 10)])
def test_the_beat_keeps_the_promises_of_the_look_and_of_the_watchdog(
    tmp_path: Path, watchdog: float | None, every: float
) -> None:
    async def script(made: Daemon) -> None:
        assert made._beat_every() == timedelta(seconds=every)

    _with_daemon(tmp_path, script, Surroundings(watchdog_seconds=watchdog))


def test_a_beat_finds_what_nobody_rang_for_up_to_the_next_beat(tmp_path: Path) -> None:
    async def script(made: Daemon) -> None:
        ctx = made._app.ctx
        (ring,) = (chore for chore in made._beat.chores if chore.name == "ring")
        assert ring.wanted is not None
        for until, found in ((timedelta(seconds=31), False), (timedelta(seconds=29), True)):
            add_post(ctx.store, at=ctx.now() + until)
            with ctx.store.read() as tx:
                assert ring.wanted(tx) is found

    _with_daemon(tmp_path, script)
