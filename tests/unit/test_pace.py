"""What slows an account down although all is well, and what bounds how often something is tried again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import httpx
import pytest

from postbell.domain.states import DeliveryState
from postbell.publishing.protocol import Outgoing, Progress, Receipt
from postbell.publishing.web.http import Http
from postbell.settings import DaemonSettings, RetrySettings, Settings
from postbell.store import accounts, deliveries, queue
from postbell.store.waits import shift_waits
from postbell.testing import FakeNetwork, Mode
from support.stage import Stage, live, ring
from support.world import (
    START,
    World,
    account_of,
    add_account,
    add_post,
    after,
    build_world,
    delivery_of,
    tries_of,
)


GAP = 3


def texts(world: World) -> list[str | None]:
    return [outgoing.content.text for outgoing in world.fake.posts]


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[World]:
    """A world with the settings that users have."""
    with build_world(tmp_path, settings=Settings(timezone="UTC")) as made:
        yield made


# Catching up.


def add_late(world: World, count: int, *, to: Sequence[str] = ("ann",)) -> None:
    """Add posts that are late by an hour, a second after one another."""
    for number in range(count):
        add_post(world.store, to=to, at=after(number - 3600), text=f"{number}")


def test_after_an_outage_an_account_publishes_with_gaps_the_oldest_first(patient: World) -> None:
    add_late(patient, 3)
    ring(patient, 2)
    assert texts(patient) == ["0"]
    ring(patient, 2 * GAP + 1, after=1)
    assert texts(patient) == ["0", "1", "2"]
    assert account_of(patient.store, "ann").next_post_at == after(3 * GAP)


def test_the_accounts_do_not_wait_for_one_another(patient: World) -> None:
    add_late(patient, 1, to=[f"to-{number}" for number in range(10)])
    ring(patient)
    assert len(patient.fake.posts) == 10


def test_the_bell_rings_when_the_gap_is_over(patient: World) -> None:
    add_late(patient, 2)
    ring(patient)
    with patient.store.read() as tx:
        assert [waiting.ready_at for waiting in queue.next_due(tx)] == [after(GAP)]


def test_what_is_late_because_others_were_sent_first_needs_no_gap(patient: World) -> None:
    for _ in range(3):
        add_post(patient.store)
    patient.clock.advance(4 * 60)
    ring(patient, 3)
    assert len(patient.fake.posts) == 3


def test_the_gap_is_no_reason_for_being_late(patient: World) -> None:
    add_late(patient, 2)
    ring(patient, GAP + 1, after=1)
    first, second = (delivery_of(patient.store, number).late_reason for number in (1, 2))
    assert first == second == "Postbell was not running"


def test_a_longer_gap_of_the_user_is_kept(patient: World) -> None:
    add_account(patient.store)
    with patient.store.write() as tx:
        accounts.set_limits(tx, "ann", late_limit=None, min_gap=timedelta(hours=1), cooldown=None, quotas=())
    add_late(patient, 2)
    ring(patient, GAP + 2, after=1)
    assert texts(patient) == ["0"]
    assert account_of(patient.store, "ann").next_post_at == after(3600)


def test_a_step_of_a_post_in_several_steps_makes_no_gap(patient: World) -> None:
    class Stepping(FakeNetwork):
        async def publish(
            self, outgoing: Outgoing, progress: Progress | None, http: Http
        ) -> Receipt | Progress:
            if progress is None:
                return Progress(step="one", again_at=http.now())
            return await super().publish(outgoing, progress, http)

    with build_world(
        patient.app.places.data_dir, networks=[Stepping()], settings=patient.app.settings
    ) as world:
        add_late(world, 1)
        ring(world, 2)
        assert texts(world) == ["0"]


def test_a_step_back_of_the_clock_makes_no_gap_longer(patient: World) -> None:
    add_late(patient, 1)
    ring(patient)
    with patient.store.write() as tx:
        shift_waits(tx, timedelta(seconds=-1000), after(-1000), longest=timedelta(days=1))
    assert account_of(patient.store, "ann").next_post_at == after(GAP - 1000)


def test_without_a_gap_everything_is_sent_at_once(tmp_path: Path) -> None:
    with build_world(tmp_path) as world:
        add_late(world, 3)
        ring(world, 3)
        assert len(world.fake.posts) == 3


# What the network answers besides.


class Telling(FakeNetwork):
    """Asks the network before it publishes, which says how much it still takes."""

    key: ClassVar[str] = "telling"

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        await http.request("GET", "https://api.example.com/")
        return await super().publish(outgoing, progress, http)


def telling(folder: Path, headers: dict[str, str]) -> World:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers))
    return build_world(folder, networks=[Telling()], transport=transport)


@pytest.mark.parametrize("modes", [[], [Mode.REJECT], [Mode.FAIL], [Mode.LOSE_REQUEST]])
def test_a_limit_that_is_used_up_is_kept_although_the_network_answered(
    tmp_path: Path, modes: list[Mode]
) -> None:
    with telling(tmp_path, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "300"}) as world:
        for to in ("ann", "ann", "bob"):
            add_post(world.store, to=(to,), network="telling")
        world.fake.modes = modes
        ring(world, 2)
        assert len(world.fake.seen) == 2  # one of each account
        ann = account_of(world.store, "ann")
        assert (ann.rests_until, ann.rest_reason) == (after(300), "the network's rate limit is used up")
        world.clock.advance(300)
        ring(world)
        assert len(world.fake.seen) == 3


def test_no_account_rests_for_longer_than_a_day_because_of_a_header(tmp_path: Path) -> None:
    with telling(tmp_path, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9999999"}) as world:
        add_post(world.store, network="telling")
        ring(world)
        assert account_of(world.store, "ann").rests_until == after(24 * 3600)


def test_a_wait_that_the_network_asked_for_is_not_made_shorter(tmp_path: Path) -> None:
    with telling(tmp_path, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "5"}) as world:
        add_post(world.store, network="telling")
        world.fake.modes = [Mode.LIMIT]
        ring(world)
        ann = account_of(world.store, "ann")
        assert (ann.rests_until, ann.rest_reason) == (after(120), "rate limited: asked to wait")


# Answers that are lost.


def test_a_lost_answer_is_a_setback_and_the_next_post_waits_for_it(tmp_path: Path) -> None:
    with build_world(tmp_path) as world:
        add_post(world.store)
        add_post(world.store)
        world.fake.modes = [Mode.LOSE_REQUEST]
        ring(world, 2)
        ann = account_of(world.store, "ann")
        assert (ann.setbacks, ann.rest_reason) == (1, "asked to lose_request")
        assert ann.rests_until is not None
        assert START < ann.rests_until <= after(15)
        assert len(world.fake.seen) == 1
        ring(world, 2, after=15)
        assert len(world.fake.posts) == 1


def test_a_try_that_postbell_broke_off_itself_is_no_setback(tmp_path: Path) -> None:
    with build_world(tmp_path) as world:
        add_post(world.store)
        world.fake.modes = [Mode.WAIT]

        async def script(stage: Stage) -> None:
            await stage.dispatcher.ring()
            await stage.begun(world.fake)
            await stage.dispatcher.drain(0)

        live(world, script)
        ann = account_of(world.store, "ann")
        assert (ann.setbacks, ann.rests_until) == (0, None)


# The budget of retries.


def outage(folder: Path, accounts: int, most: int) -> World:
    settings = Settings(
        timezone="UTC",
        daemon=DaemonSettings(concurrency=200),
        retry=RetrySettings(most_per_minute=most, first_wait_seconds=1, longest_wait_seconds=1),
    )
    world = build_world(folder, settings=settings)
    for number in range(accounts):
        add_post(world.store, to=(f"to-{number}",))
    world.fake.modes = [Mode.FAIL] * 100_000
    return world


def test_retries_of_all_accounts_together_are_bounded_and_first_tries_are_not(tmp_path: Path) -> None:
    with outage(tmp_path, accounts=50, most=6) as world:

        async def script(stage: Stage) -> None:
            stage.dispatcher.slots = 200
            await stage.ring()
            assert len(world.fake.seen) == 50
            for _ in range(120):
                world.clock.advance(1)
                await stage.ring()

        live(world, script)
        assert 50 + 6 + 12 - 1 <= len(world.fake.seen) <= 50 + 6 + 12 + 1


def test_what_is_put_off_says_why_and_is_not_lost(tmp_path: Path) -> None:
    with outage(tmp_path, accounts=3, most=1) as world:
        ring(world, 2, after=1)
        with world.store.read() as tx:
            waiting = deliveries.list_in_state(tx, DeliveryState.SCHEDULED)
        put_off = [each for each in waiting if "waits for its turn" in str(each.message)]
        assert len(put_off) == 2
        for each in put_off:
            assert (each.tries, len(tries_of(world.store, each.id))) == (1, 1)
        assert sorted(each.try_at for each in put_off if each.try_at) == [after(61), after(121)]
        world.fake.modes = []
        ring(world, 200, after=1)
        assert len(world.fake.posts) == 3


def test_what_is_put_off_leaves_its_place_to_others(tmp_path: Path) -> None:
    with outage(tmp_path, accounts=3, most=1) as world:

        async def script(stage: Stage) -> None:
            await stage.ring()
            world.fake.modes = []
            world.clock.advance(1)
            add_post(world.store, to=("new",), at=world.clock.now())
            stage.dispatcher.slots = 2
            assert await stage.ring() == 1  # of the two that were due first, one was put off
            assert stage.dispatcher.next_at == world.clock.now()
            assert await stage.ring() == 1  # the third was put off
            assert await stage.ring() == 0
            assert stage.dispatcher.next_at == after(61)

        live(world, script)
        assert world.fake.posts[-1].target.name == "new"


def test_a_retry_without_a_setback_needs_no_budget(tmp_path: Path) -> None:
    with outage(tmp_path, accounts=3, most=1) as world:
        world.fake.modes = [Mode.LIMIT] * 3
        world.fake.wait = timedelta(seconds=5)
        ring(world, 2, after=5)
        assert len(world.fake.posts) == 3
