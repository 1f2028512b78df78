"""What is due in a moment is claimed already, and sent when it is due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from postbell.domain.states import DeliveryState, Outcome
from postbell.publishing.protocol import Outgoing, Progress, Receipt
from postbell.publishing.web.http import Http
from postbell.testing import FakeNetwork
from support.stage import Stage, live, ring
from support.world import START, World, add_post, build_world, delivery_of


AHEAD = timedelta(milliseconds=20)
DUE = START + timedelta(hours=1)


class Punctual(FakeNetwork):
    """Notes when it was asked to publish."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_at: list[datetime] = []

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        self.asked_at.append(http.now())
        return await super().publish(outgoing, progress, http)


@pytest.fixture
def network() -> Punctual:
    return Punctual()


@pytest.fixture
def world(tmp_path: Path, network: Punctual) -> Iterator[World]:
    with build_world(tmp_path, networks=[network]) as made:
        yield made


def test_it_is_claimed_before_it_is_due_and_not_sent_before(world: World, network: Punctual) -> None:
    post = add_post(world.store, at=DUE)

    async def script(stage: Stage) -> None:
        stage.dispatcher.ahead = AHEAD
        await stage.ring()  # it knows now when the next one is due
        world.clock.advance(DUE - AHEAD / 2 - world.clock.now())
        assert await stage.dispatcher.ring() == 1
        claimed = delivery_of(world.store, post.deliveries[0].id)
        assert (claimed.state, claimed.begun_at) == (DeliveryState.PROCESSING, DUE)
        assert network.asked_at == []
        world.clock.advance(AHEAD / 2)
        await stage.idle()

    live(world, script)
    assert network.asked_at == [DUE]
    sent = delivery_of(world.store, post.deliveries[0].id)
    assert (sent.outcome, sent.lateness) == (Outcome.PUBLISHED, None)


def test_it_is_not_claimed_any_earlier(world: World) -> None:
    add_post(world.store, at=DUE)

    async def script(stage: Stage) -> None:
        stage.dispatcher.ahead = AHEAD
        await stage.ring()
        world.clock.advance(DUE - AHEAD * 2 - world.clock.now())
        assert await stage.ring() == 0
        assert stage.dispatcher.next_at == DUE

    live(world, script)


def test_one_that_was_stopped_before_it_was_due_is_sent_by_the_next_process(
    world: World, network: Punctual
) -> None:
    post = add_post(world.store, at=DUE)

    async def script(stage: Stage) -> None:
        stage.dispatcher.ahead = AHEAD
        await stage.ring()
        world.clock.advance(DUE - AHEAD / 2 - world.clock.now())
        await stage.dispatcher.ring()
        await stage.dispatcher.drain(0)

    live(world, script)
    assert network.asked_at == []
    assert delivery_of(world.store, post.deliveries[0].id).state is DeliveryState.SCHEDULED
    world.clock.set(DUE)
    ring(world)
    assert len(network.asked_at) == 1
