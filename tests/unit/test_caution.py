"""Looking before sending, where the database may have forgotten what was sent, or the clock was set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.domain.caution import Cause, Caution
from postbell.domain.post import FORGOTTEN, Post
from postbell.domain.states import DeliveryState, Outcome, PostState
from postbell.publishing.protocol import Absent, Outgoing, Unknown
from postbell.services.upkeep import health
from postbell.store import accounts, mark
from postbell.store.mark import Mark
from postbell.testing import FakeNetwork
from support.marks import beside, database_says, started
from support.stage import Answers, Blind, Mute, Stage, fate, live, settle
from support.world import (
    START,
    World,
    account_of,
    add_post,
    build_world,
    claim,
    delivery_of,
    post_of,
    tries_of,
)


HOUR = timedelta(hours=1)
UNSURE, WAITS = DeliveryState.UNSURE, DeliveryState.SCHEDULED


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[FakeNetwork(), Mute(), Blind()]) as made:
        yield made


def said_by_database(world: World) -> int:
    with world.store.read() as tx:
        return mark.read_mark(tx).changes


# What is noticed.


@pytest.mark.parametrize(
    ("within", "found", "cause"),
    [
        pytest.param((0, None), None, None, id="a new database, or one of an older version"),
        pytest.param((5, "here"), beside(5), None, id="all is well"),
        pytest.param((5, "here"), beside(4), None, id="a mark that a power cut has left behind"),
        pytest.param((5, None), beside(5), None, id="a database of an older version beside a mark"),
        pytest.param((4, "here"), beside(5), Cause.WENT_BACK, id="an older database"),
        pytest.param((0, None), beside(5), Cause.WENT_BACK, id="one of an older version, restored"),
        pytest.param((5, "here"), None, Cause.MARK_LOST, id="a database alone"),
        pytest.param((5, ""), None, Cause.MARK_LOST, id="a database alone where machines have no names"),
        pytest.param((5, None), None, None, id="a database on which no daemon has worked yet"),
        pytest.param((5, "there"), beside(5, machine="there"), Cause.COPIED, id="a folder of elsewhere"),
        pytest.param((9, "there"), beside(5), Cause.COPIED, id="a database of elsewhere"),
        pytest.param((5, "here"), beside(5, machine=""), None, id="a mark of nowhere"),
        pytest.param((5, "here"), beside(5, START - HOUR), None, id="away for an hour"),
        pytest.param((5, "here"), beside(5, START - 2 * HOUR), Cause.AWAY, id="away for longer"),
        pytest.param((5, "here"), beside(5, START + HOUR), None, id="a clock that was put right"),
        pytest.param((5, "here"), beside(5, START + 2 * HOUR), Cause.CLOCK_SET, id="a clock that went back"),
    ],
)
def test_what_is_noticed_at_the_start(
    world: World, within: tuple[int, str | None], found: Mark | None, cause: Cause | None
) -> None:
    database_says(world, *within)
    assert started(world, found).cause is cause


def test_a_machine_without_a_name_is_any_machine(world: World) -> None:
    database_says(world, 5, "there")
    assert started(world, beside(5, machine="there"), machine="").cause is None


def test_a_clock_that_is_behind_what_was_written_last_is_noticed_without_a_mark(world: World) -> None:
    add_post(world.store)
    world.clock.advance(-2 * HOUR)
    assert started(world, None).cause is Cause.CLOCK_SET


@pytest.mark.parametrize("found", [None, beside(5)], ids=["without a mark", "with a mark"])
def test_a_wait_lasts_no_longer_because_the_clock_went_back_before_the_start_and_no_shorter(
    world: World, found: Mark | None
) -> None:
    add_post(world.store)  # now, as the mark
    database_says(world, 5, "here" if found else None)
    ann = account_of(world.store, "ann").id
    with world.store.write() as tx:
        accounts.ask_rest(tx, ann, until=START + HOUR, reason="asked to")
    world.clock.advance(-720 * HOUR)
    started(world, found)
    assert account_of(world.store, "ann").rests_until == world.clock.now() + HOUR


def test_a_clock_that_was_put_right_long_ago_ends_no_wait_at_the_start(world: World) -> None:
    add_post(world.store)
    database_says(world, 5)
    world.clock.advance(-720 * HOUR)
    now, ann = world.clock.now(), account_of(world.store, "ann").id
    with world.store.write() as tx:
        accounts.ask_rest(tx, ann, until=now + HOUR, reason="asked to")
    started(world, beside(5, now))
    assert account_of(world.store, "ann").rests_until == now + HOUR


def test_what_was_noticed_once_is_not_noticed_again_and_the_same_old_copy_is(world: World) -> None:
    database_says(world, 4)
    assert started(world, beside(5)).cause is Cause.WENT_BACK
    known = said_by_database(world)
    assert known > 5
    assert started(world, beside(known)).cause is None
    database_says(world, 4)
    assert started(world, beside(known)).cause is Cause.WENT_BACK


# What is in doubt.


@pytest.mark.parametrize("network", ["fake", "mute", "blind"])
def test_after_a_step_back_in_time_everything_overdue_is_in_doubt(world: World, network: str) -> None:
    database_says(world, 4)
    post = add_post(world.store, network=network)
    world.clock.advance(60)
    stock = started(world, beside(500))
    assert [each.post_id for each in stock.doubted] == [post.id]
    assert fate(world, post) == (UNSURE, Outcome.UNSURE, [FORGOTTEN])
    assert post_of(world.store, post.id).state is PostState.PROCESSED
    told = delivery_of(world.store, post.deliveries[0].id).message
    assert told == f"{Cause.WENT_BACK.told}, so it is not known what was published since"
    (tried,) = tries_of(world.store, post.deliveries[0].id)
    assert (tried.started_at, tried.ended_at) == (START, world.clock.now())


@pytest.mark.parametrize(
    ("within", "found", "expected"),
    [
        pytest.param((5, 1, "here"), beside(9, edits=4), (3, True), id="an old copy"),
        pytest.param((5, 1, "here"), beside(9, edits=1), (0, False), id="commands did nothing"),
        pytest.param((5, 1, "there"), beside(9, machine="there", edits=4), (3, True), id="moved here"),
        pytest.param((5, 1, "there"), beside(9, edits=4), (0, True), id="a database of elsewhere"),
        pytest.param((5, 1, None), beside(9, edits=4), (3, True), id="one of an older version"),
        pytest.param(
            (9, 1, "there"), beside(9, edits=1, machine="there"), (0, True), id="a folder of elsewhere"
        ),
        pytest.param((9, 4, "here"), None, (0, True), id="a database alone"),
    ],
)
def test_everything_is_held_back_if_commands_did_what_is_lost_or_nobody_can_tell(
    world: World, within: tuple[int, int, str | None], found: Mark | None, expected: tuple[int, bool]
) -> None:
    changes, edits, machine = within
    database_says(world, changes, machine, edits=edits)
    assert started(world, found).cause is not None
    with world.store.read() as tx:
        cautious = health.caution_now(tx, world.clock.now(), world.ctx.can_ask)
    assert cautious is not None
    assert (cautious.lost, cautious.holds) == expected


@pytest.mark.parametrize(("network", "state"), [("fake", UNSURE), ("mute", WAITS), ("blind", WAITS)])
def test_after_an_absence_only_what_a_network_can_tell_is_in_doubt(
    world: World, network: str, state: DeliveryState
) -> None:
    post = add_post(world.store, network=network)
    world.clock.advance(3 * HOUR)
    assert started(world, beside()).cause is Cause.AWAY
    assert fate(world, post)[0] is state


def test_what_is_due_later_is_in_no_doubt(world: World) -> None:
    database_says(world, 4)
    later = add_post(world.store, at=START + timedelta(seconds=1))
    mixed = add_post(world.store, to=("ann", "bob"))
    with world.store.write() as tx:
        tx.exec_driver_sql("UPDATE delivery SET due_at = '2027-01-01 00:00:00.000000' WHERE account_id = 2")
    started(world, beside(500))
    assert fate(world, later)[0] is WAITS
    found = post_of(world.store, mixed.id)
    assert [each.state for each in found.deliveries] == [UNSURE, WAITS]
    assert found.state is PostState.PROCESSING, "nobody may change it any more"


def test_more_than_one_statement_takes_are_in_doubt(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postbell.store.overdue._AT_ONCE", 2)
    database_says(world, 4)
    made = [add_post(world.store) for _ in range(5)]
    assert len(started(world, beside(500)).doubted) == 5
    assert {fate(world, post)[0] for post in made} == {UNSURE}


# How it ends.


def gone_back(world: World, network: str = "fake") -> Post:
    """Return a post of which the database does not know any more if it was published."""
    database_says(world, 4)
    post = add_post(world.store, network=network)
    world.clock.advance(60)
    started(world, beside(500))
    return post


def test_what_is_found_is_published(world: World) -> None:
    published = add_post(world.store)
    outgoing = world.ctx.outgoing(published, published.deliveries[0], account_of(world.store, "ann"))
    world.fake._create(outgoing)
    started_with = beside(500)
    database_says(world, 4)
    started(world, started_with)
    settle(world)
    assert fate(world, published) == (DeliveryState.PROCESSED, Outcome.PUBLISHED, [FORGOTTEN, "published"])
    assert len(world.fake.posts) == 1


def test_what_is_not_there_is_sent_at_once(world: World) -> None:
    post = gone_back(world)

    async def script(stage: Stage) -> None:
        await stage.recovery.settle()
        await stage.ring()

    live(world, script)
    assert fate(world, post)[:2] == (DeliveryState.PROCESSED, Outcome.PUBLISHED)
    assert len(world.fake.posts) == 1


def test_what_is_not_there_and_too_late_is_missed(world: World) -> None:
    post = gone_back(world)
    world.clock.advance(timedelta(days=2))

    async def script(stage: Stage) -> None:
        await stage.recovery.settle()
        await stage.ring()

    live(world, script)
    assert fate(world, post)[:2] == (DeliveryState.MISSED, Outcome.MISSED)
    assert world.fake.posts == []


@pytest.mark.parametrize("network", ["mute", "blind"])
def test_what_cannot_be_asked_waits_for_a_person_and_is_not_asked(world: World, network: str) -> None:
    post = gone_back(world, network=network)
    settle(world, 3, after=7200)
    assert fate(world, post) == (UNSURE, Outcome.UNSURE, [FORGOTTEN])
    assert not health.looks_up(world.ctx, delivery_of(world.store, post.deliveries[0].id))


def test_what_a_network_does_not_know_is_never_sent_on_a_guess(tmp_path: Path) -> None:
    with build_world(tmp_path, networks=[Answers(Unknown(reason="hm"), modes=())]) as world:
        post = gone_back(world)
        settle(world)
        assert fate(world, post) == (UNSURE, Outcome.UNSURE, [FORGOTTEN, "unknown"])


def test_what_may_have_been_taken_away_again_is_not_sent_again(world: World) -> None:
    database_says(world, 4)
    post = add_post(world.store)
    with world.store.write() as tx:
        tx.exec_driver_sql("UPDATE post SET delete_after = 60")
    world.clock.advance(120)
    started(world, beside(500))
    settle(world)
    assert fate(world, post) == (UNSURE, Outcome.UNSURE, [FORGOTTEN, "unknown"])
    assert "taken away again" in str(tries_of(world.store, post.deliveries[0].id)[-1].message)


def test_the_network_is_told_since_when_it_may_be_there(tmp_path: Path) -> None:
    seen: list[Outgoing] = []

    class Sees(FakeNetwork):
        async def find(self, outgoing: Outgoing, *_: object) -> Absent:
            seen.append(outgoing)
            return Absent()

    with build_world(tmp_path, networks=[Sees()]) as world:
        gone_back(world)
        settle(world)
        assert [(asked.forgotten, asked.begun_at) for asked in seen] == [(True, START)]


def test_what_was_begun_before_keeps_its_identity(world: World) -> None:
    post = add_post(world.store)
    (begun,) = claim(world.store)
    with world.store.write() as tx:
        tx.exec_driver_sql("UPDATE delivery SET state = 'scheduled'")
    database_says(world, 4)
    started(world, beside(500))
    outgoing = world.ctx.outgoing(post, begun.delivery, begun.account, since=START + HOUR)
    assert (outgoing.forgotten, outgoing.begun_at) == (False, START)


# How it is told.


def test_it_is_told_until_everything_is_settled_and_a_grave_cause_for_a_day(world: World) -> None:
    def told() -> Caution | None:
        with world.store.read() as tx:
            return health.caution_now(tx, world.clock.now(), world.ctx.can_ask)

    assert told() is None
    gone_back(world)
    began = world.clock.now()
    cautious = Caution(
        cause=Cause.WENT_BACK, since=began, known_until=None, lost=0, holds=False, left=1, asked=1
    )
    assert told() == cautious
    seen = health.status(world.ctx, world.app.places)
    assert seen.caution == told()
    assert any("Looked up before anything is sent again: 1 delivery." in each for each in seen.troubles)
    settle(world)
    assert told() == replace(cautious, left=0, asked=0)
    world.clock.advance(timedelta(days=2))
    assert told() is None


def test_an_absence_is_not_told_any_more_when_everything_is_settled(world: World) -> None:
    add_post(world.store)
    world.clock.advance(3 * HOUR)
    started(world, beside())
    with world.store.read() as tx:
        found = health.caution_now(tx, world.clock.now(), world.ctx.can_ask)
    assert found is not None
    assert health.caution_told(found)[1] == "Looked up before anything is sent again: 1 delivery."
    settle(world)
    with world.store.read() as tx:
        assert health.caution_now(tx, world.clock.now(), world.ctx.can_ask) is None


def test_what_cannot_be_looked_up_is_told_apart(world: World) -> None:
    gone_back(world, network="mute")
    with world.store.read() as tx:
        found = health.caution_now(tx, world.clock.now(), world.ctx.can_ask)
    assert found is not None
    assert (found.left, found.asked) == (1, 0)
    waits = "Cannot be looked up, and waits for your word (`postbell settle`): 1 delivery."
    assert health.caution_told(found)[1] == waits


def test_every_cause_has_words() -> None:
    assert all(cause.told for cause in Cause)
