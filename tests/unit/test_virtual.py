"""The engine on a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from postbell.domain.states import Outcome
from postbell.publishing.web.http import Http
from postbell.services.context import Context
from postbell.services.plan.virtual import Engine, virtual_context
from postbell.store import posts
from postbell.testing import Mode
from support.world import START, World, add_post, build_world, locate


HOUR = timedelta(hours=1)


@contextmanager
def _virtual(world: World, folder: Path) -> Iterator[Context]:
    (folder / "copy").mkdir()
    with virtual_context(world.ctx, folder / "copy", START) as ctx, capture_logs():
        yield ctx


def _live(ctx: Context, hours: int, *outages: tuple[int, int]) -> None:
    spans = [(START + begin * HOUR, START + end * HOUR) for begin, end in outages]
    engine = Engine(ctx=ctx, slots=2)
    try:
        asyncio.run(engine.run(START + hours * HOUR, spans))
    finally:
        engine.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as built:
        yield built


def test_it_lives_until_the_end_and_the_real_database_stays(world: World, tmp_path: Path) -> None:
    world.fake.modes = [Mode.FAIL]  # nothing asks it
    post = add_post(world.store, at=START + HOUR)
    with _virtual(world, tmp_path) as ctx:
        _live(ctx, 3)
        assert ctx.now() == START + 3 * HOUR
        with ctx.store.read() as tx:
            (lived,) = posts.load_posts(tx, [post.id], locate)
        assert [(each.outcome, each.begun_at) for each in lived.deliveries] == [
            (Outcome.PUBLISHED, START + HOUR)
        ]
    assert world.fake.seen == []


def test_outages_that_overlap_never_turn_the_clock_back(world: World, tmp_path: Path) -> None:
    post = add_post(world.store, at=START + HOUR)
    with _virtual(world, tmp_path) as ctx:
        _live(ctx, 8, (-2, -1), (0, 5), (2, 3), (7, 20))
        assert ctx.now() == START + 8 * HOUR
        with ctx.store.read() as tx:
            (lived,) = posts.load_posts(tx, [post.id], locate)
        assert lived.deliveries[0].begun_at == START + 5 * HOUR


def test_nothing_real_can_be_asked(world: World, tmp_path: Path) -> None:
    with (
        _virtual(world, tmp_path) as ctx,
        pytest.raises(AssertionError, match="a rehearsal asked https://x/"),
    ):
        asyncio.run(_ask(ctx))


async def _ask(ctx: Context) -> None:
    await Http(ctx.clients(), ctx.clock).request("GET", "https://x/")
