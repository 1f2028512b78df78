"""All that has kept what is late, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from postbell.domain.post import Delivery, Post
from postbell.testing import Mode
from support.stage import ring
from support.world import START, World, add_post, build_world, delivery_of


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as made:
        yield made


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def only(world: World, post: Post) -> Delivery:
    return delivery_of(world.store, post.deliveries[0].id)


def test_a_rest_that_was_over_does_not_hide_that_nothing_ran(world: World) -> None:
    add_post(world.store)
    waiting = add_post(world.store, at=after(30))
    world.fake.modes, world.fake.wait = [Mode.LIMIT], timedelta(seconds=60)
    ring(world)
    world.clock.advance(5 * 3600)
    ring(world, 2)
    reason = "rate limited: asked to wait, then Postbell was not running"
    assert only(world, waiting).late_reason == reason


def test_a_rest_after_an_outage_does_not_hide_that_nothing_ran(world: World) -> None:
    add_post(world.store)
    second = add_post(world.store, at=after(30))
    world.clock.advance(3600)
    world.fake.modes = [Mode.LIMIT]
    ring(world, 4, after=60)
    reason = "Postbell was not running, then rate limited: asked to wait"
    assert only(world, second).late_reason == reason


def test_a_halt_during_a_rest_is_no_reason_where_the_rest_was_longer(world: World) -> None:
    post = add_post(world.store, at=after(30))
    add_post(world.store)
    world.fake.modes, world.fake.wait = [Mode.LIMIT], timedelta(minutes=10)
    ring(world)
    world.clock.advance(300)
    ring(world, 8, after=60)
    assert only(world, post).lateness is not None
    assert only(world, post).late_reason == "rate limited: asked to wait"
