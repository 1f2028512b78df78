"""Endings that come at the same time are written down together, and each fares as if it were alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import event

from postbell.domain.states import DeliveryState, Outcome, PostState
from postbell.errors import Conflict, DatabaseLocked, Rejected, Stale, Unavailable, Unsure
from postbell.publishing.protocol import Receipt
from postbell.services.sending.outcomes import Rules
from postbell.services.sending.recording import Ending, Recorder
from postbell.store import accounts, deliveries
from postbell.store.queue import Claim
from postbell.store.thread import StoreThread
from support.stage import ShakyStore, until
from support.world import (
    START,
    World,
    account_of,
    add_post,
    claim,
    delivery_of,
    post_of,
    tries_of,
)


FAULT = Unsure("a fault")


def claimed(world: World, count: int) -> list[Claim]:
    """Store so many posts, each for an account of its own, and claim them."""
    for number in range(count):
        add_post(world.store, to=(f"a{number}",))
    return claim(world.store)


def rules(world: World, seconds: float = 0) -> Rules:
    return Rules(retry=world.ctx.retry, chance=0.5, now=START + timedelta(seconds=seconds))


def record(
    world: World,
    endings: Sequence[tuple[Claim, Ending]],
    *,
    refusals: Sequence[Exception | None] = (),
) -> tuple[list[BaseException | None], list[Ending], int]:
    """Record these at once: return what each was told, what was recorded, and in how many transactions."""

    async def run() -> tuple[list[BaseException | None], list[Ending], int]:
        store = ShakyStore(world.app.places.database)
        commits: list[object] = []
        recorded: list[Ending] = []
        store.refusals = list(refusals)
        event.listen(store._writer, "commit", commits.append)
        thread = StoreThread(store)
        recorder = Recorder(thread, on_recorded=lambda _claim, ending: recorded.append(ending))
        told = await asyncio.gather(
            *(
                recorder.record(each, ending, rules(world, number), instead=FAULT)
                for number, (each, ending) in enumerate(endings)
            ),
            return_exceptions=True,
        )
        await recorder.finish()
        thread.close()
        store.close()
        return told, recorded, len(commits)

    return asyncio.run(run())


def published(number: int) -> Receipt:
    return Receipt(id=f"r{number}", url=f"https://example.com/{number}", warnings=(f"w{number}",))


def test_what_is_published_at_the_same_time_is_recorded_in_one_transaction(world: World) -> None:
    claims = claimed(world, 20)
    endings = [(each, published(number)) for number, each in enumerate(claims)]
    told, recorded, commits = record(world, endings)
    assert (told, len(recorded), commits) == ([None] * 20, 20, 1)
    for number, each in enumerate(claims):
        found = delivery_of(world.store, each.delivery.id)
        assert (found.outcome, found.receipt_id, found.url) == (
            Outcome.PUBLISHED,
            f"r{number}",
            f"https://example.com/{number}",
        )
        assert (found.warnings, found.message, found.delete_at) == ((f"w{number}",), None, None)
        assert found.ended_at == START + timedelta(seconds=number)
        (tried,) = tries_of(world.store, each.delivery.id)
        assert (tried.result, tried.message, tried.ended_at) == ("published", None, found.ended_at)
        assert post_of(world.store, each.post.id).state is PostState.PROCESSED


def test_endings_of_every_kind_go_together(world: World) -> None:
    claims = claimed(world, 4)
    endings: list[Ending] = [published(0), Rejected("no"), Unavailable("down"), Unsure("lost")]
    _told, _recorded, commits = record(world, list(zip(claims, endings, strict=True)))
    assert commits == 1
    assert [delivery_of(world.store, each.delivery.id).state for each in claims] == [
        DeliveryState.PROCESSED,
        DeliveryState.PROCESSED,
        DeliveryState.SCHEDULED,
        DeliveryState.UNSURE,
    ]


def test_who_is_too_late_is_told_alone_and_the_others_are_recorded(world: World) -> None:
    claims = claimed(world, 3)
    with world.store.write() as tx:
        deliveries.lose_track(tx, claims[1].delivery.id, "somebody was faster")
    told, recorded, _commits = record(world, [(each, published(1)) for each in claims])
    assert [type(each) for each in told] == [type(None), Stale, type(None)]
    assert len(recorded) == 2
    assert tries_of(world.store, claims[1].delivery.id)[0].ended_at is None
    assert delivery_of(world.store, claims[2].delivery.id).outcome is Outcome.PUBLISHED


@pytest.mark.parametrize("name", ["\ud800", "a\0b"])
def test_of_a_name_that_no_database_takes_the_others_suffer_nothing(world: World, name: str) -> None:
    claims = claimed(world, 3)
    endings = [published(0), Receipt(id=name), published(2)]
    told, _recorded, _commits = record(world, list(zip(claims, endings, strict=True)))
    assert told == [None] * 3
    assert [delivery_of(world.store, each.delivery.id).receipt_id for each in claims[::2]] == ["r0", "r2"]
    odd = delivery_of(world.store, claims[1].delivery.id)
    assert (odd.state, odd.receipt_id) in [
        (DeliveryState.UNSURE, None),  # where it cannot be stored
        (DeliveryState.PROCESSED, name),
    ]


def test_the_accounts_keep_their_distance_from_the_end_of_their_own_post(world: World) -> None:
    claims = claimed(world, 3)
    for name, gap in (("a0", timedelta(minutes=30)), ("a2", timedelta(hours=1))):
        with world.store.write() as tx:
            accounts.set_limits(tx, name, late_limit=None, min_gap=gap, cooldown=None, quotas=())
    record(world, [(each, published(1)) for each in claims])
    distances = [account_of(world.store, f"a{number}").next_post_at for number in range(3)]
    assert distances == [START + timedelta(minutes=30), None, START + timedelta(hours=1, seconds=2)]


def test_what_the_database_cannot_take_yet_is_recorded_later(world: World) -> None:
    claims = claimed(world, 3)
    told, _recorded, _commits = record(
        world, [(each, published(1)) for each in claims], refusals=[DatabaseLocked("locked")]
    )
    assert told == [None] * 3
    assert all(delivery_of(world.store, each.delivery.id).outcome for each in claims)


def test_what_comes_while_others_are_written_is_written_after_them_in_one_go(world: World) -> None:
    claims = claimed(world, 5)

    async def run() -> list[int]:
        handed: list[int] = []
        thread = StoreThread(world.store)
        recorder = Recorder(thread, on_handed=lambda these: handed.append(len(these)))
        tasks = []
        for each in claims:
            recording = recorder.record(each, published(1), rules(world), instead=FAULT)
            tasks.append(asyncio.create_task(recording))
            await until(lambda: bool(handed))
        await asyncio.gather(*tasks)
        thread.close()
        return handed

    assert asyncio.run(run()) == [1, 4]


def test_it_is_recorded_though_nobody_waits_any_more(world: World) -> None:
    (only,) = claimed(world, 1)

    async def run() -> None:
        thread = StoreThread(world.store)
        recorder = Recorder(thread)
        recording = asyncio.create_task(recorder.record(only, published(1), rules(world), instead=FAULT))
        await asyncio.sleep(0)
        recording.cancel()
        with pytest.raises(asyncio.CancelledError):
            await recording
        await recorder.finish()
        thread.close()

    asyncio.run(run())
    assert delivery_of(world.store, only.delivery.id).outcome is Outcome.PUBLISHED


def test_nobody_is_told_twice(world: World) -> None:
    (only,) = claimed(world, 1)
    told, recorded, _commits = record(world, [(only, published(1)), (only, published(2))])
    assert sorted(type(each).__name__ for each in told) == ["NoneType", "Stale"]
    assert len(recorded) == 1
    assert issubclass(Stale, Conflict)
