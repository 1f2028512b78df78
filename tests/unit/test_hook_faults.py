"""What goes wrong here with one event, or one address, holds nothing else up; nor is it tried without end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postbell.domain.hook import CallState
from postbell.services.telling.hooks import add_hook, get_hook, log_of
from postbell.store import hooks as hook_store
from postbell.store.tables.events import event
from postbell.store.waits import shift_waits
from support.hooks import Sending, during, tell
from support.receiver import Receiver
from support.world import World, add_account, build_world


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def world(tmp_path: Path, receiver: Receiver) -> Iterator[World]:
    with build_world(tmp_path, transport=receiver) as made:
        # Events have the time of the real clock.
        made.clock.advance(datetime.now(UTC) - made.clock.now() + timedelta(seconds=1))
        _, receiver.secrets["/a"] = add_hook(made.ctx, name="a", url="https://hooks.example/a", events=["*"])
        yield made


def test_an_event_that_cannot_be_written_is_given_up_once_and_the_others_are_told(
    world: World, receiver: Receiver
) -> None:
    for name in ("ann", "bob", "eve"):
        add_account(world.store, name)
    with world.store.write() as tx:
        broken = {"message": "\ud800"}  # as it was stored before such a thing was refused
        tx.execute(event.update().where(event.c.account == "bob").values(data=broken))
    tell(world, turns=3)
    told = [each["data"]["account"] for _, _, each in receiver.taken]
    assert (told, len(receiver.came)) == (["ann", "eve"], 2)
    states = {call.account: call.state for call in log_of(world.ctx, "a", 9)}
    assert states == {"ann": CallState.TAKEN, "bob": CallState.GIVEN_UP, "eve": CallState.TAKEN}
    (call,) = (each for each in log_of(world.ctx, "a", 9) if each.account == "bob")
    assert (call.tries, call.try_at) == (1, None)
    assert "cannot be written" in str(call.error)
    assert get_hook(world.ctx, "a").failures == 0, "the address has done nothing wrong"


def test_a_fault_while_an_address_is_asked_is_told_as_a_failure_and_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    async def break_down(*_: object) -> None:
        raise ZeroDivisionError

    add_account(world.store, "ann")
    with monkeypatch.context() as broken:
        broken.setattr(receiver, "handle_async_request", break_down)
        tell(world)
    hook, (call,) = get_hook(world.ctx, "a"), log_of(world.ctx, "a", 9)
    told = "a fault in Postbell (ZeroDivisionError); please report it"
    assert (hook.failures, hook.error, call.error, call.state) == (1, told, told, CallState.WAITING)
    world.clock.advance(60)
    tell(world)
    assert get_hook(world.ctx, "a").failures == 0


def test_after_a_fault_here_an_address_is_left_alone_for_a_while(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    add_account(world.store, "ann")

    def look(*args: object) -> None:
        looked.append(args)
        raise ZeroDivisionError

    monkeypatch.setattr(hook_store, "look_ahead", look)

    async def script(sending: Sending) -> None:
        for _ in range(5):
            await sending.turn()

    during(world, script)
    assert len(looked) == 1


@pytest.mark.parametrize(
    ("step", "left"),
    [(timedelta(days=-365), None), (timedelta(seconds=-2), timedelta())],
    ids=["as it would have", "over, as no clock explains it"],
)
def test_a_step_back_of_the_clock_makes_no_address_wait_longer_or_shorter(
    world: World, receiver: Receiver, step: timedelta, left: timedelta | None
) -> None:
    add_account(world.store, "ann")
    receiver.answers["/a"] = [500]
    tell(world)

    def waits() -> list[timedelta]:
        (call,) = log_of(world.ctx, "a", 9)
        ends = (get_hook(world.ctx, "a").rests_until, call.try_at)
        return [end - world.clock.now() for end in ends if end]

    before = waits()
    assert len(before) == 2
    world.clock.adjust(timedelta(days=-365))
    with world.store.write() as tx:
        shift_waits(tx, step, world.clock.now(), longest=timedelta(days=1))
    assert waits() == (before if left is None else [left, left])
    world.clock.advance(10)
    tell(world)
    assert len(receiver.taken) == 1
