"""Late or never: why is always written down."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import update

from postbell.domain.states import DeliveryState, Outcome
from postbell.errors import DatabaseLocked, DiskFailed, DiskFull, NotFound
from postbell.services.accounts import pausing
from postbell.services.accounts.pausing import Scope, Target
from postbell.services.posts import actions
from postbell.services.sending import outcomes
from postbell.store.tables.core import account
from postbell.testing import FakeClock, Mode
from support.stage import Crash, Stage, fate, live, ring, until
from support.world import START, World, add_post, after, only, post_of


ENDED = DeliveryState.PROCESSED


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "_WRITE_AGAIN", 0)


# Late, and why.


def test_what_begins_within_five_seconds_is_not_late(world: World) -> None:
    post = add_post(world.store)
    world.clock.advance(5)
    ring(world)
    assert (only(world, post).lateness, only(world, post).late_reason) == (None, None)


def test_what_was_due_before_the_start_is_late_because_nothing_ran(world: World) -> None:
    post = add_post(world.store)
    world.clock.advance(3600)
    ring(world)
    late = only(world, post)
    assert (late.lateness, late.late_reason) == (timedelta(hours=1), "Postbell was not running")
    assert late.outcome is Outcome.PUBLISHED


#: What the database may answer to a claim.
REFUSALS = {
    "locked": DatabaseLocked("locked"),
    "full": DiskFull("full"),
    "broken": DiskFailed("broken"),
    "gone": NotFound("gone"),
}


#: What may happen while the database is busy, and whether the clock is looked at before the claim is taken.
WAITS: dict[str, tuple[Callable[[FakeClock], None], bool]] = {
    "waits": (lambda clock: clock.advance(20), False),
    "waits, and looks": (lambda clock: clock.advance(50), True),
    "sleeps while it waits": (lambda clock: clock.advance(600), False),
    "sleeps while it waits, and looks": (lambda clock: clock.advance(600), True),
    "set while it waits": (lambda clock: clock.adjust(timedelta(seconds=600)), False),
}


async def wait_for_the_database(stage: Stage, meanwhile: Callable[[], None], *, looks: bool) -> None:
    """Ring while the database is busy: it takes the claim after something else has happened."""
    thread, busy, done = stage.dispatcher.thread, threading.Event(), threading.Event()

    def work(_tx: object) -> None:
        busy.set()
        done.wait(20)

    tasks = [asyncio.create_task(thread.write(work)), asyncio.create_task(stage.ring())]
    await until(lambda: busy.is_set() and bool(thread._waiting))
    meanwhile()
    if looks:
        await stage.dispatcher.look()
    done.set()
    await asyncio.gather(*tasks)


def late_reason(world: World, script_before: str) -> str | None:
    """Publish one post late in a process that runs all the time, and return why it was late."""
    post = add_post(world.store, at=after(10))

    async def script(stage: Stage) -> None:
        await stage.ring()
        world.clock.advance(20)
        if script_before == "asleep":
            world.clock.advance(600)
        elif script_before == "set":
            world.clock.adjust(timedelta(seconds=600))
        elif script_before == "paused":
            pausing.pause(world.ctx, [Target(scope=Scope.ACCOUNT, name="ann")])
            await stage.ring()
            world.clock.advance(20)
            pausing.resume(world.ctx, [Target(scope=Scope.ACCOUNT, name="ann")])
        elif script_before in REFUSALS:
            stage.store.refusals = [REFUSALS[script_before]]
            with pytest.raises(type(REFUSALS[script_before])):
                await stage.ring()
            world.clock.advance(5)
        elif script_before in WAITS:
            meanwhile, looks = WAITS[script_before]
            await wait_for_the_database(stage, lambda: meanwhile(world.clock), looks=looks)
        await stage.ring()

    live(world, script)
    return only(world, post).late_reason


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ("asleep", "the machine was asleep, or Postbell was stopped"),
        ("set", "the clock was set"),
        ("paused", "the account was paused"),
        ("locked", "the database was locked"),
        ("full", "the disk was full"),
        ("broken", "the disk did not take what was to be written"),
        ("gone", "the database could not be used"),
        ("waits", "the database was busy"),
        ("waits, and looks", "the database was busy"),
        ("sleeps while it waits", "the machine was asleep, or Postbell was stopped"),
        ("sleeps while it waits, and looks", "the machine was asleep, or Postbell was stopped"),
        ("set while it waits", "the clock was set"),
        ("nothing", "other posts were being sent"),
    ],
)
def test_the_reason_of_a_late_beginning_is_stored(world: World, before: str, reason: str) -> None:
    assert late_reason(world, before) == reason


def test_what_falls_due_while_an_earlier_life_is_taken_over_says_that_nothing_ran(world: World) -> None:
    before, meanwhile = add_post(world.store), add_post(world.store, to=("bob",), at=after(30))

    async def script(stage: Stage) -> None:
        world.clock.advance(300)  # longer than a machine that is awake does not look at its clock
        await stage.ring()

    live(world, script)
    reasons = {only(world, post).late_reason for post in (before, meanwhile)}
    assert reasons == {"Postbell was not running"}


def test_what_a_locked_database_has_kept_from_being_taken_over_says_so(world: World) -> None:
    before, meanwhile = add_post(world.store), add_post(world.store, to=("bob",), at=after(130))
    world.clock.advance(120)

    async def script(stage: Stage) -> None:
        stage.dispatcher.note_refused(DatabaseLocked("locked"))
        world.clock.advance(60)
        await stage.ring()

    live(world, script)
    assert only(world, meanwhile).late_reason == "the database was locked"
    assert only(world, before).late_reason == "Postbell was not running, then the database was locked"


def test_what_falls_due_after_a_halt_is_not_told_of_it(world: World) -> None:
    post = add_post(world.store, at=after(40))

    async def script(stage: Stage) -> None:
        stage.store.refusals = [DatabaseLocked("locked"), DatabaseLocked("locked")]
        for _ in range(2):
            with pytest.raises(DatabaseLocked):
                await stage.ring()
            world.clock.advance(10)
        await stage.ring()
        world.clock.advance(30)
        await stage.ring()

    live(world, script)
    assert only(world, post).late_reason == "other posts were being sent"


def test_what_waited_for_a_slot_says_so_however_long_that_took(world: World) -> None:
    add_post(world.store)
    second = add_post(world.store, to=("bob",), at=after(1))
    world.fake.modes = [Mode.WAIT]

    async def script(stage: Stage) -> None:
        for _ in range(10):
            await stage.dispatcher.ring()
            world.clock.advance(30)
        world.fake.gate.set()
        await stage.ring()
        await stage.ring()

    live(world, script, slots=1)
    assert only(world, second).late_reason == "other posts were being sent"


def test_a_claim_and_the_reason_of_its_lateness_are_written_together(world: World) -> None:
    post = add_post(world.store)
    world.clock.advance(60)
    with pytest.raises(Crash):
        live(world, Stage.ring, crash_at="claimed")
    late = only(world, post)
    assert (late.state, late.late_reason) == (DeliveryState.PROCESSING, "Postbell was not running")


# Missed.


def test_what_is_overdue_by_the_limit_is_published_and_beyond_it_is_missed(world: World) -> None:
    late, missed = add_post(world.store), add_post(world.store, to=("bob",), at=after(-1))
    world.clock.advance(timedelta(days=1))
    ring(world)
    assert fate(world, late) == (ENDED, Outcome.PUBLISHED, ["published"])
    assert fate(world, missed) == (DeliveryState.MISSED, Outcome.MISSED, [])
    found = only(world, missed)
    assert (found.message, found.late_reason) == (
        "it was due for too long (more than 1 d)",
        "Postbell was not running",
    )
    assert post_of(world.store, missed.id).outcome is Outcome.MISSED


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"health": "unauthorized"}, "the account must be reconnected"),
        ({"removed_at": START}, "the account was removed"),
        ({"rests_until": after(1e7), "rest_reason": None}, "the account rested"),
    ],
)
def test_a_missed_post_says_what_held_its_account(world: World, how: dict[str, object], reason: str) -> None:
    post = add_post(world.store)
    with world.store.write() as tx:
        tx.execute(update(account).values(how))
    world.clock.advance(timedelta(days=2))
    ring(world)
    assert only(world, post).late_reason == reason


def test_a_missed_post_is_published_by_a_retry_of_the_user(world: World) -> None:
    post = add_post(world.store)
    world.clock.advance(timedelta(days=2))
    ring(world)
    actions.retry(world.ctx, post_of(world.store, post.id))
    ring(world)
    assert post_of(world.store, post.id).outcome is Outcome.PUBLISHED
    assert only(world, post).late_reason is None
