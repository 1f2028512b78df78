"""How late it is that something is published, and all that has kept it, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from postbell.domain.states import Outcome
from postbell.publishing.protocol import Outgoing, Progress, Receipt
from postbell.publishing.web.http import Http
from postbell.services.accounts import pausing
from postbell.services.accounts.pausing import Scope, Target
from postbell.services.sending.lateness import joined
from postbell.services.upkeep.health import late_told
from postbell.store import noteworthy
from postbell.store.tables.core import delivery
from postbell.testing import FakeNetwork, Mode
from support.stage import Stage, live, ring, settle
from support.world import START, World, add_post, after, build_world, only


def publish_slowly(world: World, meanwhile: Callable[[], None], *, looks: bool = False) -> None:
    """Publish what is due in a try during which something happens."""
    world.fake.modes, tried = [Mode.WAIT], len(world.fake.seen)
    world.fake.gate.clear()

    async def script(stage: Stage) -> None:
        await stage.dispatcher.ring()
        await stage.begun(world.fake, tried + 1)
        meanwhile()
        if looks:
            await stage.dispatcher.look()
        world.fake.gate.set()
        await stage.idle()

    live(world, script)


def test_a_limit_is_the_reason_of_all_that_waited_for_it(world: World) -> None:
    first, second = add_post(world.store), add_post(world.store, at=after(1))
    world.fake.modes = [Mode.LIMIT]
    ring(world, 4, after=60)
    assert only(world, first).late_reason == only(world, second).late_reason == "rate limited: asked to wait"
    assert only(world, first).lateness == timedelta(seconds=120)


def test_what_kept_it_later_is_told_after_what_kept_it_first(world: World) -> None:
    post = add_post(world.store)
    world.clock.advance(60)
    world.fake.modes = [Mode.FAIL]

    async def script(stage: Stage) -> None:
        await stage.ring()
        world.clock.advance(3600)
        await stage.ring()

    live(world, script)
    late = only(world, post)
    assert late.lateness == timedelta(seconds=3660)
    assert late.late_reason == (
        "Postbell was not running, then asked to fail, then the machine was asleep, or Postbell was stopped"
    )


def test_a_notice_says_how_late_it_became_public_and_not_how_late_it_was_begun(world: World) -> None:
    post = add_post(world.store)
    world.clock.advance(60)
    world.fake.modes, world.fake.wait = [Mode.LIMIT], timedelta(hours=2)
    ring(world, 2, after=7200)
    with world.store.read() as tx:
        (seen,) = noteworthy.find_late(tx, START, timedelta(hours=1))
    assert late_told(seen.delivery) == (
        f"Late: post {post.id} to ann was published 2 h 1 min after its time: "
        "Postbell was not running, then rate limited: asked to wait."
    )


def test_a_rest_that_was_over_does_not_hide_that_nothing_ran(world: World) -> None:
    tried, waiting = add_post(world.store), add_post(world.store, at=after(30))
    world.fake.modes, world.fake.wait = [Mode.LIMIT], timedelta(seconds=60)
    ring(world)
    world.clock.advance(5 * 3600)
    ring(world, 2)
    reason = "rate limited: asked to wait, then Postbell was not running"
    assert only(world, tried).late_reason == only(world, waiting).late_reason == reason
    assert only(world, tried).lateness == timedelta(hours=5)


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


def test_what_was_sent_in_time_and_took_long_is_late_and_says_so(world: World) -> None:
    post = add_post(world.store)
    publish_slowly(world, lambda: world.clock.advance(6))
    slow = only(world, post)
    assert (slow.begun_at, slow.lateness) == (START, timedelta(seconds=6))
    assert slow.late_reason == "sending it took that long"


def test_what_took_five_seconds_is_not_late(world: World) -> None:
    post = add_post(world.store)
    publish_slowly(world, lambda: world.clock.advance(5))
    assert (only(world, post).lateness, only(world, post).late_reason) == (None, None)


@pytest.mark.parametrize("looks", [True, False])
def test_a_sleep_while_it_was_sent_is_the_reason(world: World, *, looks: bool) -> None:
    post = add_post(world.store)
    publish_slowly(world, lambda: world.clock.advance(3600), looks=looks)
    assert only(world, post).late_reason == "the machine was asleep, or Postbell was stopped"


@pytest.mark.parametrize("looks", [True, False])
def test_a_clock_that_was_set_while_it_was_sent_is_the_reason(world: World, *, looks: bool) -> None:
    post = add_post(world.store)
    publish_slowly(world, lambda: world.clock.adjust(timedelta(seconds=600)), looks=looks)
    assert only(world, post).late_reason == "the clock was set"


@pytest.mark.parametrize("mode", [None, Mode.FAIL])
def test_what_was_begun_late_and_took_long_says_both(world: World, mode: Mode | None) -> None:
    post = add_post(world.store)
    world.clock.advance(60)
    if mode:
        world.fake.modes = [mode]
        ring(world)
        world.clock.advance(60)
    publish_slowly(world, lambda: world.clock.advance(20))
    assert only(world, post).late_reason == (
        f"Postbell was not running{', then asked to fail' * bool(mode)}, then sending it took that long"
    )


def test_what_was_begun_late_and_sent_at_once_says_only_that(world: World) -> None:
    post = add_post(world.store)
    world.clock.advance(60)
    publish_slowly(world, lambda: world.clock.advance(2))
    assert only(world, post).lateness == timedelta(seconds=62)
    assert only(world, post).late_reason == "Postbell was not running"


def test_what_a_network_takes_in_several_steps_says_that_it_took_long(tmp_path: Path) -> None:
    class Patient(FakeNetwork):
        async def publish(
            self, outgoing: Outgoing, progress: Progress | None, http: Http
        ) -> Receipt | Progress:
            if progress is None:
                return Progress(step="makes it ready", data={}, again_at=after(20))
            return await super().publish(outgoing, None, http)

    with build_world(tmp_path, networks=[Patient()]) as world:
        post = add_post(world.store)
        ring(world, 3, after=10)
        assert only(world, post).lateness == timedelta(seconds=20)
        assert only(world, post).late_reason == "sending it took that long"


def test_a_pause_while_it_waits_for_another_try_is_a_reason(world: World) -> None:
    post = add_post(world.store)
    world.fake.modes = [Mode.LIMIT]
    everything = [Target(scope=Scope.EVERYTHING)]

    async def script(stage: Stage) -> None:
        await stage.ring()
        pausing.pause(world.ctx, everything)
        for _ in range(20):
            world.clock.advance(30)
            await stage.ring()
        pausing.resume(world.ctx, everything)
        await stage.ring()

    live(world, script)
    assert only(world, post).late_reason == "everything was paused, then rate limited: asked to wait"


def test_of_many_reasons_the_first_are_told(world: World) -> None:
    post = add_post(world.store)
    with world.store.write() as tx:
        tx.execute(update(delivery).values(late_reason="a, then b, then c, then d, then e"))
    publish_slowly(world, lambda: world.clock.advance(20))
    assert only(world, post).late_reason == "a, then b, then c, then d, then e"


def test_a_reason_in_the_words_of_a_network_is_told_once_whatever_they_are() -> None:
    told = joined(None, ["rate limited: wait, then ask again"])
    assert told == "rate limited: wait, and then ask again"
    assert joined(told, ["rate limited: wait, then ask again", "late"]) == f"{told}, then late"


# Of what was found there nobody knows when it became public; its last try began before that.


def test_what_was_found_later_was_not_late_if_its_try_was_not(world: World) -> None:
    post = add_post(world.store)
    world.fake.modes = [Mode.LOSE_ANSWER]
    ring(world)
    world.clock.advance(5 * 3600)
    settle(world)
    found = only(world, post)
    assert (found.outcome, found.ended_at) == (Outcome.PUBLISHED, after(5 * 3600))
    assert (found.public_at, found.lateness, found.late_reason) == (START, None, None)


def test_what_was_found_is_as_late_as_its_last_try(world: World) -> None:
    post = add_post(world.store)
    world.fake.modes = [Mode.LIMIT, Mode.LOSE_ANSWER]
    ring(world, 2, after=120)
    settle(world)
    assert only(world, post).lateness == timedelta(seconds=120)
    assert only(world, post).late_reason == "rate limited: asked to wait"
