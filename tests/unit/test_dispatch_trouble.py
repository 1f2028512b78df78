"""Stops, a database that does not take what is written, crashes, two at once."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest
import structlog
from sqlalchemy.exc import OperationalError

from postbell.domain.states import DeliveryState, Outcome, PostState
from postbell.errors import Damaged, DatabaseLocked, DiskFull, PostbellError, Unavailable
from postbell.publishing.protocol import Outgoing, Progress, Receipt
from postbell.publishing.web.http import Http
from postbell.publishing.web.rates import rest_after
from postbell.services.sending import outcomes
from postbell.settings import DaemonSettings, Settings
from postbell.store import accounts
from postbell.testing import FakeNetwork, Mode
from support.stage import Crash, Stage, fate, live, ring, until
from support.world import START, World, account_of, add_post, build_world, only, post_of


ENDED = DeliveryState.PROCESSED


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "_WRITE_AGAIN", 0)


# Stops.


def test_a_drain_waits_for_what_is_under_way(world: World) -> None:
    post = add_post(world.store)
    world.fake.modes = [Mode.WAIT]

    async def script(stage: Stage) -> None:
        await stage.dispatcher.ring()
        await stage.begun(world.fake)
        asyncio.get_running_loop().call_soon(world.fake.gate.set)
        await stage.dispatcher.drain(60)
        assert stage.dispatcher.under_way == 0

    live(world, script)
    assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["published"])


def test_a_drain_breaks_off_what_does_not_end_and_calls_it_unsure(world: World) -> None:
    post = add_post(world.store)
    world.fake.modes = [Mode.WAIT]

    async def script(stage: Stage) -> None:
        await stage.dispatcher.ring()
        await stage.begun(world.fake)
        await stage.dispatcher.drain(0)

    live(world, script)
    assert fate(world, post) == (DeliveryState.UNSURE, Outcome.UNSURE, ["unsure"])
    assert only(world, post).message == "Postbell was stopped during the try"


def test_a_drain_of_nothing_ends_at_once(world: World) -> None:
    async def script(stage: Stage) -> None:
        await stage.dispatcher.drain(60)

    live(world, script)


def test_an_answer_that_came_before_the_stop_is_recorded_although_the_database_is_locked(
    world: World,
) -> None:
    post = add_post(world.store)

    async def script(stage: Stage) -> None:
        stage.store.refusals = [None, *[DatabaseLocked("locked")] * 20]
        await stage.dispatcher.ring()
        await until(lambda: len(stage.store.refusals) <= 10)
        await stage.dispatcher.drain(0)
        assert stage.store.refusals == []

    live(world, script)
    assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["published"])


# A database that does not take it.


@pytest.mark.parametrize(
    "error",
    [
        DatabaseLocked("locked"),
        DiskFull("full"),
        PostbellError("cannot be opened"),
        OperationalError("UPDATE", {}, Exception("disk I/O error")),
        sqlite3.OperationalError("disk I/O error"),  # of a statement that the driver was handed
    ],
)
@pytest.mark.parametrize("mode", [Mode.PUBLISH, Mode.REJECT, Mode.FAIL, Mode.LOSE_ANSWER])
def test_an_ending_is_written_again_until_it_is_stored(world: World, error: Exception, mode: Mode) -> None:
    post = add_post(world.store)
    world.fake.modes = [mode]
    live(world, Stage.ring, refusals=[None, error, error, error])
    expected = {"publish": "published", "reject": "rejected", "fail": "unavailable"}
    assert fate(world, post)[2] == [expected.get(mode, "unsure")]
    assert len(world.fake.seen) == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DatabaseLocked("It is locked."), "It is locked."),
        (
            OperationalError("UPDATE canary", {}, Exception("disk I/O error")),
            "The database does not take what is to be written.",
        ),
    ],
)
def test_that_an_ending_cannot_be_written_yet_is_told(world: World, error: Exception, reason: str) -> None:
    add_post(world.store)
    told: list[str] = []

    async def script(stage: Stage) -> None:
        stage.dispatcher.thread.on_stuck = told.append
        await stage.ring()

    live(world, script, refusals=[None, error, error, error])
    assert set(told) == {reason}


def test_a_damaged_database_is_not_written_again(world: World) -> None:
    post = add_post(world.store)
    with structlog.testing.capture_logs() as logged:
        live(world, Stage.ring, refusals=[None, Damaged("damaged")])
    assert "delivery_broke" in [line["event"] for line in logged]
    assert fate(world, post) == (DeliveryState.PROCESSING, None, [None])


def test_a_fault_of_ours_at_the_last_ending_is_told_and_ends_nothing_else(world: World) -> None:
    post = add_post(world.store, to=("ann", "bob"))
    with structlog.testing.capture_logs() as logged:
        live(world, Stage.ring, refusals=[None, KeyError("a"), KeyError("b"), KeyError("c"), KeyError("d")])
    events = [line["event"] for line in logged]
    assert events.count("ending_not_storable") == 2
    assert events.count("delivery_broke") == 2
    assert post_of(world.store, post.id).state is PostState.PROCESSING


def test_the_next_step_is_not_taken_before_the_last_one_is_stored(world: World) -> None:
    post = add_post(world.store)
    world.fake.modes = [Mode.STEP]

    async def script(stage: Stage) -> None:
        stage.store.refusals = [None, *[DatabaseLocked("locked")] * 20]
        await stage.dispatcher.ring()
        await until(lambda: len(stage.store.refusals) <= 5)
        assert world.fake.seen == [None]
        await stage.idle()

    live(world, script)
    assert only(world, post).progress == {"step": "step 1", "data": {"done": 1}}
    assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["published"])


class DiesAfterStep(FakeNetwork):
    """Takes a step; the process dies in the next one."""

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        if progress and len(self.seen) == 1:
            self.seen.append(progress)
            raise Crash
        return await super().publish(outgoing, progress, http)


def test_after_a_crash_the_next_process_goes_on_behind_the_last_step(tmp_path: Path) -> None:
    with build_world(tmp_path, networks=[DiesAfterStep([Mode.STEP])]) as world:
        post = add_post(world.store)
        live(world, Stage.ring)
        assert fate(world, post) == (DeliveryState.PROCESSING, None, [None])

        async def again(stage: Stage) -> None:
            await stage.recovery.begin()
            await stage.recovery.settle()
            await stage.ring()

        live(world, again)
        assert world.fake.seen[2] == Progress(step="step 1", data={"done": 1})
        assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["interrupted", "absent", "published"])


# Crashes.


@pytest.mark.parametrize(
    ("point", "state", "sent"),
    [
        ("before_claim", DeliveryState.SCHEDULED, 0),
        ("claimed", DeliveryState.PROCESSING, 0),
        ("answered", DeliveryState.PROCESSING, 1),
        ("recorded", ENDED, 1),
    ],
)
def test_a_crash_leaves_what_was_durable(world: World, point: str, state: DeliveryState, sent: int) -> None:
    post = add_post(world.store)
    with pytest.raises(Crash):
        live(world, Stage.ring, crash_at=point)
    assert fate(world, post)[0] is state
    assert len(world.fake.posts) == sent


# Two at once.


def test_two_processes_on_one_database_publish_nothing_twice(tmp_path: Path) -> None:
    settings = Settings(timezone="UTC", daemon=DaemonSettings(concurrency=5))
    with build_world(tmp_path, settings=settings) as world:
        names = [f"to-{n}" for n in range(10)]
        for _ in range(4):
            add_post(world.store, to=names)
        begun: list[int] = []
        barrier = threading.Barrier(2)

        async def script(stage: Stage) -> None:
            while len(world.fake.posts) < 40:
                begun.append(await stage.ring())

        def work() -> None:
            barrier.wait()
            live(world, script, slots=5)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(begun) == 40
        assert len(world.fake.creates) == 40
        assert set(world.fake.creates.values()) == {1}
        assert account_of(world.store, "to-0").setbacks == 0


def test_two_rings_of_one_process_publish_nothing_twice(world: World) -> None:
    add_post(world.store, to=("ann", "bob", "cat"))

    async def script(stage: Stage) -> None:
        assert sum(await asyncio.gather(stage.ring(), stage.ring())) == 3

    live(world, script)
    assert set(world.fake.creates.values()) == {1}


def test_an_account_paused_before_the_claim_publishes_nothing(world: World) -> None:
    add_post(world.store)
    with world.store.write() as tx:
        accounts.pause_account(tx, "ann", START)
    ring(world, 3, after=60)
    assert world.fake.seen == []


def test_setbacks_are_counted_where_a_try_that_fails_was_told_that_little_is_left(tmp_path: Path) -> None:
    class NearlyUsedUp(FakeNetwork):
        """Answers one request with nearly no requests left, and fails at the next one."""

        async def publish(
            self, outgoing: Outgoing, progress: Progress | None, http: Http
        ) -> Receipt | Progress:
            http._note(rest_after({"x-app-usage": '{"call_count": 90}'}, now=http.now()))
            raise Unavailable("down")

    with build_world(tmp_path, networks=[NearlyUsedUp()]) as world:
        add_post(world.store)
        ring(world, 3, after=600)
        assert account_of(world.store, "ann").setbacks == 3
