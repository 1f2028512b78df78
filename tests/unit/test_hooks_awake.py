"""What happens wakes the addresses that it concerns, and no others: there may be hundreds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postbell.services.telling.hooks import add_hook
from postbell.store import accounts
from postbell.store import hooks as hook_store
from support.hooks import tell
from support.receiver import Receiver
from support.world import World, account_of, add_account, build_world


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def world(tmp_path: Path, receiver: Receiver) -> Iterator[World]:
    with build_world(tmp_path, transport=receiver) as made:
        made.clock.advance(datetime.now(UTC) - made.clock.now() + timedelta(seconds=1))
        add_account(made.store, "ann")
        for name, event in (("refused", "account.unauthorized"), ("added", "post.added"), ("all", "*")):
            url = f"https://hooks.example/{name}"
            _, receiver.secrets[f"/{name}"] = add_hook(made.ctx, name=name, url=url, events=[event])
        yield made


def awake(world: World) -> list[str]:
    with world.store.read() as tx:
        return [each.name for each in hook_store.pick_awake(tx, hook_store.list_hooks(tx))]


def refuse(world: World, times: int = 1) -> None:
    ann = account_of(world.store, "ann").id
    with world.store.write() as tx:
        for _ in range(times):
            accounts.mark_unauthorized(tx, ann, "refused")
            accounts.mark_well(tx, ann, handle=None, session=None, now=world.ctx.now())


def test_an_event_wakes_those_that_want_to_hear_it(world: World) -> None:
    assert awake(world) == []
    refuse(world)
    assert awake(world) == ["all", "refused"]


def test_who_was_told_sleeps_again(world: World, receiver: Receiver) -> None:
    refuse(world)
    tell(world)
    assert receiver.kinds("/refused") == ["account.unauthorized"]
    assert awake(world) == []


def test_who_has_not_taken_something_is_awake_until_it_has(world: World, receiver: Receiver) -> None:
    receiver.answers = {"/refused": [500], "/all": [500]}
    refuse(world)
    tell(world)
    assert awake(world) == ["all", "refused"]
    world.clock.advance(timedelta(hours=1))
    tell(world, turns=3)
    assert awake(world) == []


def test_who_is_far_behind_is_awake_to_note_what_it_passes_over(world: World) -> None:
    refuse(world, 260)
    assert awake(world) == ["added", "all", "refused"]
