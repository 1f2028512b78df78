"""What the daemon does for series when it starts, and while it works."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.daemon import Daemon
from postbell.domain.states import Outcome
from postbell.sd_notify import Notifier
from postbell.settings import Surroundings
from support.repeating import add, daily, made
from support.stage import until
from support.world import World, add_account, build_world


DAY = timedelta(days=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as built:
        add_account(built.store, "ann")
        yield built


def _run_daemon(world: World, script: Callable[[Daemon], Awaitable[None]]) -> None:
    async def run() -> None:
        daemon = Daemon(world.app, Surroundings(), Notifier(None))
        running = asyncio.create_task(daemon.run())
        await script(daemon)
        daemon._stop.set()
        await running

    asyncio.run(run())


def test_after_an_outage_all_posts_are_made_before_anything_is_published(world: World) -> None:
    series = add(world, daily())
    world.clock.advance(70 * DAY)

    async def script(_daemon: Daemon) -> None:
        await until(lambda: bool(world.fake.seen))

    _run_daemon(world, script)
    ended = [post for post in made(world, series) if post.at and post.at <= world.clock.now()]
    assert [post.outcome for post in ended] == [Outcome.MISSED] * 69 + [Outcome.PUBLISHED]
    assert len(world.fake.seen) == 1


def test_a_daemon_says_that_it_has_started_when_it_sends(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    add(world, daily())
    world.clock.advance(70 * DAY)

    async def script(_daemon: Daemon) -> None:
        await until(lambda: bool(world.fake.seen))

    _run_daemon(world, script)
    log = capsys.readouterr().out
    assert log.index("posts_made") < log.index("daemon_started") < log.index("delivery_published")


def test_a_new_configuration_lets_series_grow_at_once(world: World) -> None:
    series = add(world, daily())
    world.app.places.config.write_text('timezone = "UTC"\n[series]\nhorizon_days = 90\n')

    async def script(daemon: Daemon) -> None:
        await until(lambda: bool(daemon._workers.scheduler.running))
        daemon.reload()
        await until(lambda: len(made(world, series)) > 60)

    _run_daemon(world, script)
