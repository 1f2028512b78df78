"""When what looks after posts is rung for: by commands, and by what the daemon itself writes down."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from postbell.beat import Chore
from postbell.domain.states import DeliveryState
from postbell.errors import PostbellError
from postbell.settings import NotifySettings
from postbell.testing import FakeNetwork, Mode
from postbell.workers import TELL, Workers
from support.stage import until
from support.world import HURRIED, World, add_post, build_world, delivery_of


def _work(world: World, script: Callable[[Workers, dict[str, Chore]], Awaitable[None]]) -> None:
    """Run a script with workers, and their chores by name; nobody does those."""

    async def run() -> None:
        workers = Workers(world.app)
        try:
            await script(workers, {chore.name: chore for chore in workers.chores()})
        finally:
            await workers.close()

    asyncio.run(run())


def test_a_command_rings_for_all_that_it_may_have_asked_for(world: World) -> None:
    async def script(workers: Workers, chores: dict[str, Chore]) -> None:
        workers.ring()
        rung = {name for name, chore in chores.items() if chore.bell.is_set()}
        assert rung >= {"ring", "remove", "edit", "say", "hooks"}
        assert "metrics" not in rung, "nobody waits for that"

    _work(world, script)


def test_a_start_looks_at_all_that_an_earlier_life_may_have_left(world: World) -> None:
    async def script(workers: Workers, chores: dict[str, Chore]) -> None:
        workers.begin()
        rung = {name for name, chore in chores.items() if chore.bell.is_set()}
        assert rung >= {"ring", "settle", "remove", "edit", "say", "hooks"}

    _work(world, script)


def test_the_teller_is_rung_when_what_it_tells_is_written_and_not_before(tmp_path: Path) -> None:
    told = HURRIED.model_copy(update={"notify": NotifySettings(command=("true",))})
    with build_world(tmp_path, networks=[FakeNetwork([Mode.WAIT])], settings=told) as world:
        post = add_post(world.store)

        async def script(workers: Workers, chores: dict[str, Chore]) -> None:
            bell, dispatcher, release = chores[TELL].bell, workers._dispatcher, threading.Event()
            await dispatcher.ring()
            await until(lambda: bool(world.fake.seen) and bell.is_set())
            busy = asyncio.create_task(workers.thread.read(lambda _tx: release.wait(20)))
            await asyncio.sleep(0)
            bell.clear()
            chores["ring"].bell.clear()
            world.fake.gate.set()
            await chores["ring"].bell.wait()  # its ending was handed to the database, which takes its time
            await asyncio.sleep(0.01)
            assert not bell.is_set()
            release.set()
            await bell.wait()
            assert delivery_of(world.store, post.deliveries[0].id).state is DeliveryState.PROCESSED
            await busy

        _work(world, script)


def test_an_end_waits_for_no_video_that_is_made_to_fit(world: World) -> None:
    async def script(workers: Workers, _chores: dict[str, Chore]) -> None:
        workers.configure(world.app)
        world.ctx.media.on_film("bell.mp4", 0.1)

    _work(world, script)
    with pytest.raises(PostbellError, match=r"bell\.mp4 is not made to fit yet"):
        world.ctx.media.on_film("bell.mp4", 0.2)
