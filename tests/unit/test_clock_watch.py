"""A clock that is set while the daemon runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from postbell.domain.states import DeliveryState, Outcome
from postbell.services.sending.caution import Watch
from postbell.testing import FakeClock, Mode
from support.stage import Stage, fate, live
from support.world import START, World, account_of, add_post, build_world


HOUR = timedelta(hours=1)
UNSURE = DeliveryState.UNSURE


@pytest.mark.parametrize(
    ("step", "state"),
    [(timedelta(minutes=59), DeliveryState.PROCESSED), (2 * HOUR, UNSURE)],
    ids=["a correction", "far"],
)
def test_after_a_step_forwards_what_is_overdue_is_looked_up_first(
    world: World, step: timedelta, state: DeliveryState
) -> None:
    async def script(stage: Stage) -> None:
        await stage.ring()
        world.clock.adjust(step)
        await stage.ring()
        assert fate(world, post)[0] is state
        assert len(stage.lost) == (state is UNSURE)
        await stage.recovery.settle()
        await stage.ring()

    post = add_post(world.store, at=START + timedelta(minutes=30))
    live(world, script)
    assert fate(world, post)[:2] == (DeliveryState.PROCESSED, Outcome.PUBLISHED)
    assert len(world.fake.posts) == 1


def test_a_clock_that_is_set_between_the_look_and_the_claim_claims_nothing(tmp_path: Path) -> None:
    class Jumps(FakeClock):
        """Is set far ahead as soon as the dispatcher has looked at it."""

        looks = 0

        def elapsed(self) -> float:
            self.looks += 1
            if self.looks == 3:  # two readings make a look; this is in the transaction that claims
                self.adjust(2 * HOUR)
            return super().elapsed()

    with build_world(tmp_path) as world:
        post = add_post(world.store, at=START + timedelta(minutes=30))
        clock = Jumps(START)

        async def script(stage: Stage) -> None:
            stage.dispatcher.ctx = replace(world.ctx, clock=clock)
            await stage.ring()

        live(world, script)
        assert clock.looks > 4
        assert fate(world, post)[0] is UNSURE


def test_a_step_back_ends_waits_and_publishes_nothing_again(world: World) -> None:
    post = add_post(world.store)

    async def script(stage: Stage) -> None:
        await stage.ring()
        world.clock.adjust(timedelta(days=-3650))
        await stage.ring()
        world.clock.adjust(timedelta(days=3650))
        await stage.ring()

    live(world, script)
    assert fate(world, post)[:2] == (DeliveryState.PROCESSED, Outcome.PUBLISHED)
    assert len(world.fake.seen) == 1


def test_a_clock_that_is_corrected_again_and_again_ends_no_wait(world: World) -> None:
    post = add_post(world.store)
    world.fake.modes, world.fake.wait = [Mode.LIMIT], HOUR

    async def script(stage: Stage) -> None:
        await stage.ring()
        for _ in range(3):
            world.clock.advance(60)
            world.clock.adjust(timedelta(seconds=-2))
            await stage.ring()
        ends = account_of(world.store, "ann").rests_until
        assert (ends, len(world.fake.seen)) == (START + HOUR - timedelta(seconds=6), 1)
        world.clock.advance(HOUR - timedelta(seconds=180))
        await stage.ring()

    live(world, script)
    assert fate(world, post)[1] is Outcome.PUBLISHED


def test_a_process_that_stops_between_two_clocks_reads_them_again() -> None:
    class Stops(FakeClock):
        stops = 1

        def now(self) -> datetime:
            before = super().now()
            if self.stops:
                self.stops -= 1
                self.advance(7200)
            return before

    clock = Stops(START)
    watch = Watch(clock)
    clock.stops = 1
    assert watch.look(clock).step == timedelta()
