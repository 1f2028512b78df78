"""How often a daemon with nothing to do looks at its database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from postbell.daemon import Daemon
from postbell.sd_notify import Notifier
from postbell.settings import Surroundings
from support.world import build_world


_LEAST = timedelta(seconds=15)


def _intervals(folder: Path) -> dict[str, timedelta]:
    """Return what an idle daemon does again and again, and after how long."""
    with build_world(folder) as world:

        async def script() -> dict[str, timedelta]:
            daemon = Daemon(world.app, Surroundings(), Notifier(None))
            daemon._begin_chores()
            try:
                await daemon._ring()
                return {job.id: job.trigger.interval for job in daemon._scheduler.get_jobs()}
            finally:
                daemon._scheduler.shutdown(wait=False)
                daemon._thread.close()

        return asyncio.run(script())


def test_an_idle_daemon_does_nothing_more_often_than_every_quarter_of_a_minute(tmp_path: Path) -> None:
    intervals = _intervals(tmp_path)
    assert set(intervals) == {"look", "settle", "sweep"}
    assert {name: every for name, every in intervals.items() if every < _LEAST} == {}
