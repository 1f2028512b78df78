"""What may be public after the database went back in time: how far back, and what else, there is to look."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.domain.post import FORGOTTEN, AttemptKind
from postbell.domain.states import DeliveryState, Outcome
from postbell.publishing.protocol import Absent, Outgoing
from postbell.services.sending.recover import lose_interrupted
from postbell.store import attempts, caution, deliveries
from postbell.testing import FakeNetwork
from support.marks import beside, database_says, started
from support.stage import Mute, fate, settle
from support.world import START, World, add_post, build_world, claim, tries_of


HOUR = timedelta(hours=1)
UNSURE, WAITS = DeliveryState.UNSURE, DeliveryState.SCHEDULED


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[FakeNetwork(), Mute()]) as made:
        yield made


def test_what_was_written_down_after_it_went_back_says_nothing_of_when_that_was(world: World) -> None:
    """A command makes a post, and settles another, before the daemon starts."""
    tried, wanted = add_post(world.store), add_post(world.store, to=("bob",))
    claim(world.store, limit=1)
    database_says(world, 4)
    world.clock.advance(2 * HOUR)
    add_post(world.store, at=world.clock.now() + HOUR, made_at=world.clock.now())
    with world.store.write() as tx:
        attempts.open_attempt(tx, tried.deliveries[0].id, AttemptKind.SETTLE, world.clock.now())
    started(world, beside(500))
    (forgotten,) = tries_of(world.store, wanted.deliveries[0].id)
    assert (forgotten.result, forgotten.started_at) == (FORGOTTEN, START - HOUR), "clocks may be wrong"


def test_where_nothing_was_ever_tried_it_may_be_public_since_it_was_made(world: World) -> None:
    made, later = add_post(world.store), START + HOUR
    database_says(world, 4)
    world.clock.advance(2 * HOUR)
    add_post(world.store, at=later, made_at=later)
    started(world, beside(500))
    (forgotten,) = tries_of(world.store, made.deliveries[0].id)
    assert forgotten.started_at == START


def test_a_clock_that_went_back_too_makes_the_span_no_shorter_than_it_can_be(world: World) -> None:
    made = add_post(world.store)
    world.clock.advance(-60)
    with world.store.write() as tx:
        tx.exec_driver_sql("UPDATE delivery SET due_at = '2026-01-01 00:00:00.000000'")
    database_says(world, 4)
    started(world, beside(500))
    (forgotten,) = tries_of(world.store, made.deliveries[0].id)
    assert forgotten.started_at == forgotten.ended_at == world.clock.now()


def test_a_network_is_told_which_posts_are_known_to_be_others(tmp_path: Path) -> None:
    """One of them may say the same."""
    seen: list[Outgoing] = []

    class Sees(FakeNetwork):
        async def find(self, outgoing: Outgoing, *_: object) -> Absent:
            seen.append(outgoing)
            return Absent()

    with build_world(tmp_path, networks=[Sees()]) as world:
        for name, at in (("old", START - 3 * HOUR), ("1,2", START)):
            add_post(world.store, at=at)
            (tried,) = claim(world.store, at)
            with world.store.write() as tx:
                deliveries.record_published(
                    tx, tried.delivery.id, receipt_id=name, url=None, warnings=(), now=at
                )
        database_says(world, 4)
        add_post(world.store)
        world.clock.advance(60)
        started(world, beside(500))
        settle(world)
        assert [asked.known for asked in seen] == [{"1", "2"}]


def test_what_was_begun_with_a_network_that_cannot_be_asked_is_in_doubt_too(world: World) -> None:
    """More of it may have been done than the database knows, so it is not sent again."""
    post = add_post(world.store, network="mute")
    claim(world.store)
    database_says(world, 4)
    with world.store.write() as tx:
        lose_interrupted(tx, world.clock.now())
    started(world, beside(500))
    settle(world, 3, after=7200)
    assert fate(world, post) == (UNSURE, Outcome.UNSURE, ["interrupted", FORGOTTEN])


def test_what_was_published_by_a_clock_that_was_fast_is_in_doubt(world: World) -> None:
    database_says(world, 4)
    soon, later = add_post(world.store, at=START + HOUR / 2), add_post(world.store, at=START + 2 * HOUR)
    started(world, beside(500, START + HOUR / 2))
    assert (fate(world, soon)[0], fate(world, later)[0]) == (UNSURE, WAITS)


def test_when_a_daemon_was_last_there_tells_how_far_back_to_look(world: World) -> None:
    made = add_post(world.store, made_at=START - timedelta(days=90))
    with world.store.write() as tx:
        caution.note_alive(tx, START - HOUR)
    database_says(world, 4)
    started(world, beside(500))
    (forgotten,) = tries_of(world.store, made.deliveries[0].id)
    assert forgotten.started_at == START - 2 * HOUR
