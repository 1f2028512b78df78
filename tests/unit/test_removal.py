"""What was to be public for a while only is taken away, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy import Connection, update
from structlog.testing import capture_logs

from postbell.domain.account import Health
from postbell.domain.post import Delivery, Post
from postbell.domain.states import Outcome, PostState
from postbell.errors import DatabaseLocked, Stale
from postbell.publishing.protocol import Outgoing
from postbell.publishing.web.http import Http
from postbell.services.sending import afterwards, outcomes
from postbell.services.sending.removal import Removals
from postbell.settings import RetrySettings, Settings
from postbell.store import accounts, removals
from postbell.store.tables.core import account, delivery
from postbell.store.tables.core import post as post_table
from postbell.testing import FakeNetwork, Mode
from support.stage import Crash, Stage, live, ring, until
from support.world import START, World, account_of, add_post, build_world, delivery_of, post_of, tries_of


AFTER = START + timedelta(hours=6)


class Keeping(FakeNetwork):
    """Cannot take anything away."""

    key: ClassVar[str] = "keeping"
    deletes: ClassVar[bool] = False


class Deadly(FakeNetwork):
    """The process dies as soon as it has taken something away."""

    async def delete(self, outgoing: Outgoing, receipt_id: str, http: Http) -> None:
        await super().delete(outgoing, receipt_id, http)
        if len(self.deletions) == 1:
            raise Crash


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "_WRITE_AGAIN", 0)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[FakeNetwork(), Keeping()]) as made:
        yield made


def published(
    world: World, *to: str, delete_at: datetime | None = AFTER, network: str = "fake", count: int = 1
) -> list[Post]:
    """Publish posts that are to be taken away at `delete_at`."""
    made = [add_post(world.store, to=to or ("ann",), network=network) for _ in range(count)]
    ring(world, count)
    for post in made:
        _set(world, post, delete_at=delete_at)
    return [post_of(world.store, post.id) for post in made]


def _set(world: World, post: Post, **values: object) -> None:
    with world.store.write() as tx:
        tx.execute(update(delivery).where(delivery.c.post_id == post.id).values(values))


def remove(world: World, *, at: datetime | None = None, refusals: Sequence[Exception | None] = ()) -> int:
    """Take away what is due, in one life of a process."""

    async def script(stage: Stage) -> int:
        return await Removals(world.ctx, stage.dispatcher.thread).do_due()

    world.clock.set(at or max(world.clock.now(), AFTER))
    return live(world, script, refusals=list(refusals))


def first(world: World, post: Post) -> Delivery:
    return delivery_of(world.store, post.deliveries[0].id)


def removals_of(world: World, post: Post) -> list[str | None]:
    """Return how each try to take it away ended."""
    return [tried.result for tried in tries_of(world.store, post.deliveries[0].id) if tried.kind == "remove"]


# What is due


def test_a_post_is_taken_away_when_its_time_has_come_and_not_before(world: World) -> None:
    (post,) = published(world)
    assert remove(world, at=AFTER - timedelta(seconds=1)) == 0
    assert len(world.fake.posts) == 1
    assert (remove(world, at=AFTER), world.fake.posts) == (1, [])
    assert first(world, post).deleted_at == AFTER
    assert removals_of(world, post) == ["removed"]


def test_it_stays_published(world: World) -> None:
    (post,) = published(world)
    remove(world)
    now = post_of(world.store, post.id)
    assert (now.state, now.outcome) == (PostState.PROCESSED, Outcome.PUBLISHED)
    assert now.deliveries[0].warnings == ()


def test_what_is_to_stay_is_not_taken_away(world: World) -> None:
    published(world, delete_at=None)
    assert remove(world) == 0
    assert len(world.fake.posts) == 1


def test_nothing_is_taken_away_twice(world: World) -> None:
    published(world)
    assert [remove(world), remove(world), len(world.fake.deletions)] == [1, 0, 1]


def test_everything_that_is_due_is_taken_away(world: World) -> None:
    published(world, "ann", "bob", count=3)
    assert remove(world) == 6
    assert world.fake.posts == []


def test_what_a_pause_holds_back_is_publishing_alone(world: World) -> None:
    published(world)
    with world.store.write() as tx:
        tx.execute(update(account).values(paused_at=START))
    assert remove(world) == 1


def test_one_account_does_one_thing_at_a_time_and_no_account_waits_for_another(tmp_path: Path) -> None:
    network = FakeNetwork()
    with build_world(tmp_path, networks=[network]) as world:
        published(world, "ann", "bob", count=2)
        network.delete_modes = [Mode.WAIT, Mode.WAIT]

        async def script(stage: Stage) -> tuple[int, int]:
            task = asyncio.create_task(Removals(world.ctx, stage.dispatcher.thread).do_due())
            await until(lambda: len(network.deletions) == 2)
            for _ in range(100):
                await asyncio.sleep(0)
            under_way = len(network.deletions)
            network.gate.set()
            return under_way, await task

        world.clock.set(AFTER)
        assert live(world, script) == (2, 4)


def test_what_the_network_wants_to_keep_is_stored(tmp_path: Path) -> None:
    class Renewing(FakeNetwork):
        """Has a new session after every call."""

        async def delete(self, outgoing: Outgoing, receipt_id: str, http: Http) -> None:
            await super().delete(outgoing, receipt_id, http)
            await http.save_session({"calls": len(self.deletions)})

    with build_world(tmp_path, networks=[Renewing()]) as world:
        published(world, count=2)
        assert remove(world) == 2
        assert account_of(world.store, "ann").session == {"calls": 2}


# What goes wrong and passes


@pytest.mark.parametrize(
    ("mode", "result"),
    [(Mode.FAIL, "unavailable"), (Mode.LOSE_ANSWER, "unsure"), (Mode.LOSE_REQUEST, "unsure")],
)
def test_it_is_tried_again_after_a_failure_that_may_pass(world: World, mode: Mode, result: str) -> None:
    (post,) = published(world)
    world.fake.delete_modes = [mode]
    assert remove(world) == 0
    again = first(world, post).delete_at
    assert again is not None
    assert AFTER <= again <= AFTER + timedelta(seconds=15)
    assert remove(world, at=again - timedelta(seconds=1)) == 0
    assert remove(world, at=again) == 1
    assert removals_of(world, post) == [result, "removed"]
    assert world.fake.posts == []


def test_a_network_that_cannot_be_reached_is_asked_for_one_post_only(world: World) -> None:
    published(world, count=3)
    world.fake.delete_modes = [Mode.FAIL]
    assert remove(world) == 0
    assert remove(world) == 0, "all of them wait"
    assert len(world.fake.deletions) == 1
    assert remove(world, at=AFTER + timedelta(seconds=15)) == 3
    assert account_of(world.store, "ann").setbacks == 0, "what is to be published does not wait for it"


def test_a_network_that_asks_to_wait_is_left_alone_and_the_try_does_not_count(world: World) -> None:
    (post, _other) = published(world, count=2)
    world.fake.delete_modes = [Mode.LIMIT]
    assert remove(world) == 0
    assert account_of(world.store, "ann").rests_until == AFTER + world.fake.wait
    assert remove(world, at=AFTER + world.fake.wait - timedelta(seconds=1)) == 0
    assert remove(world, at=AFTER + world.fake.wait) == 2
    assert removals_of(world, post) == ["rate_limited", "removed"]


def test_an_account_that_is_refused_waits_until_it_is_well(world: World) -> None:
    (post,) = published(world)
    world.fake.delete_modes = [Mode.REFUSE_ACCOUNT]
    assert remove(world) == 0
    ann = account_of(world.store, "ann")
    assert (ann.health, ann.health_note) == (Health.UNAUTHORIZED, "asked to refuse_account")
    assert remove(world) == 0
    with world.store.write() as tx:
        accounts.mark_well(tx, ann.id, handle=None, session=None, now=AFTER)
    assert remove(world) == 1
    assert removals_of(world, post) == ["unauthorized", "removed"]


def test_an_account_whose_network_is_gone_is_the_account_s_trouble(world: World) -> None:
    published(world)
    with world.store.write() as tx:
        tx.execute(update(account).values(network="nonesuch"))
    assert remove(world) == 0
    assert account_of(world.store, "ann").health is Health.UNAUTHORIZED


def test_a_fault_in_a_network_s_code_stops_neither_the_others_nor_a_later_try(world: World) -> None:
    (post, other) = published(world, count=2)
    world.fake.delete_modes = [Mode.BREAK]
    assert remove(world) == 1
    assert removals_of(world, post) == ["unsure"]
    (_, tried) = tries_of(world.store, post.deliveries[0].id)
    assert tried.message == "a fault in Postbell's code for fake (RuntimeError); please report it"
    assert first(world, other).deleted_at == AFTER
    assert remove(world, at=AFTER + timedelta(minutes=1)) == 1


def test_a_network_that_hangs_is_broken_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(afterwards, "LONGEST_STEP", 0.01)
    (post,) = published(world)
    world.fake.delete_modes = [Mode.WAIT]
    assert remove(world) == 0
    assert removals_of(world, post) == ["unavailable"]


def test_what_was_done_is_written_until_the_database_takes_it(world: World) -> None:
    (post,) = published(world)
    # The first write opens the try.
    assert remove(world, refusals=[None, DatabaseLocked(), DatabaseLocked()]) == 1
    assert removals_of(world, post) == ["removed"]


def test_nothing_is_asked_while_the_database_cannot_be_written(world: World) -> None:
    published(world)
    with pytest.raises(DatabaseLocked):
        remove(world, refusals=[DatabaseLocked()])
    assert world.fake.deletions == []
    assert remove(world) == 1


def test_after_a_death_in_the_middle_it_is_taken_away_again_and_nothing_is_in_doubt(tmp_path: Path) -> None:
    network = Deadly()
    with build_world(tmp_path, networks=[network]) as world:
        (post,) = published(world)
        with pytest.raises(Crash):
            remove(world)
        assert (first(world, post).deleted_at, removals_of(world, post)) == (None, [None])
        assert remove(world) == 1
        assert removals_of(world, post) == ["interrupted", "removed"]
        assert network.deletions == [post.deliveries[0].receipt_id] * 2
        assert first(world, post).outcome is Outcome.PUBLISHED


# What is given up


def _given_up(world: World, post: Post) -> str:
    """Return the warning of a post that nobody tries to take away any more."""
    now = first(world, post)
    assert (now.delete_at, now.deleted_at, now.outcome) == (None, None, Outcome.PUBLISHED)
    assert remove(world) == 0
    assert first(world, post).warnings == now.warnings
    (warning,) = now.warnings
    return warning


def test_a_refusal_is_final_and_says_what_to_do(world: World) -> None:
    (post,) = published(world)
    world.fake.delete_modes = [Mode.REJECT]
    assert remove(world) == 0
    url = post.deliveries[0].url
    assert _given_up(world, post) == f"it could not be removed: asked to reject; remove it by hand at {url}"
    assert removals_of(world, post) == ["rejected"]
    assert len(world.fake.posts) == 1


def test_a_warning_joins_those_that_there_are(world: World) -> None:
    (post,) = published(world)
    _set(world, post, warnings=["The slug was taken."])
    world.fake.delete_modes = [Mode.REJECT]
    remove(world)
    assert len(first(world, post).warnings) == 2


def test_a_network_that_cannot_delete_leaves_it_to_the_user(world: World) -> None:
    (post,) = published(world, network="keeping")
    remove(world)
    assert "told not to delete" in _given_up(world, post)


def test_what_the_user_called_published_cannot_be_found_to_be_taken_away(world: World) -> None:
    (post,) = published(world)
    _set(world, post, receipt_id="", url=None)
    assert remove(world) == 0
    assert _given_up(world, post) == (
        "it could not be removed: the network has not told how it is called there; remove it by hand"
    )
    assert removals_of(world, post) == []


def test_what_belongs_to_a_removed_account_is_left_to_the_user(world: World) -> None:
    (post,) = published(world)
    with world.store.write() as tx:
        accounts.mark_unauthorized(tx, post.deliveries[0].account_id, "whatever")
        accounts.remove_account(tx, "ann", START)
    assert remove(world) == 0
    assert "its account was removed" in _given_up(world, post)


def test_options_that_no_longer_fit_leave_it_to_the_user(world: World) -> None:
    (post,) = published(world)
    with world.store.write() as tx:
        values = {"fake": {"options": {"colour": "red"}}}
        tx.execute(update(post_table).where(post_table.c.id == post.id).values(overrides=values))
    assert remove(world) == 0
    assert "its option colour does not fit Fake any more" in _given_up(world, post)


@pytest.mark.parametrize("mode", [Mode.FAIL, Mode.LOSE_ANSWER])
def test_it_is_given_up_after_so_many_tries(tmp_path: Path, mode: Mode) -> None:
    quick = Settings(timezone="UTC", retry=RetrySettings(most_tries=1))
    with build_world(tmp_path, settings=quick) as world:
        (post,) = published(world)
        world.fake.delete_modes = [mode] * afterwards.MOST_TRIES

        async def script(stage: Stage) -> None:
            for number in range(afterwards.MOST_TRIES):
                assert first(world, post).delete_at is not None, f"after {number} tries"
                world.clock.set(AFTER + timedelta(hours=number))
                await Removals(world.ctx, stage.dispatcher.thread).do_due()

        live(world, script)
        assert f"gave up after {afterwards.MOST_TRIES} tries; the last: " in _given_up(world, post)
        assert world.fake.delete_modes == []


# What is said


def test_each_ending_is_logged_once(world: World) -> None:
    published(world, "ann", "bob")
    world.fake.delete_modes = [Mode.PUBLISH, Mode.REJECT]
    with capture_logs() as events:
        remove(world)
        remove(world)
    assert sorted(event["event"] for event in events) == ["delivery_not_removed", "delivery_removed"]


# The store


def test_a_step_that_nobody_waits_for_any_more_is_stale(world: World) -> None:
    (post,) = published(world, delete_at=None)
    steps: list[Callable[[Connection], None]] = [
        lambda tx: removals.record_removed(tx, post.deliveries[0].id, START),
        lambda tx: removals.postpone_removal(tx, post.deliveries[0].id, START),
        lambda tx: removals.give_up_removal(tx, post.deliveries[0].id, "no"),
        lambda tx: removals.give_up_removal(tx, 999, "no"),
    ]
    for step in steps:
        with pytest.raises(Stale), world.store.write() as tx:
            step(tx)
    assert first(world, post).warnings == ()


def test_what_is_due_comes_in_order_and_not_more_than_asked_for(world: World) -> None:
    made = published(world, count=3)
    for number, post in enumerate(made):
        _set(world, post, delete_at=AFTER - timedelta(seconds=number))
    with world.store.read() as tx:
        due = removals.due_removals(tx, AFTER, 2)
    assert [each.post_id for each in due] == [made[2].id, made[1].id]
