"""What an account has to do with it: credentials, sessions, order, and when trying ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.domain.account import Health
from postbell.domain.content import Override
from postbell.domain.states import DeliveryState, Outcome
from postbell.errors import PostbellError
from postbell.publishing.protocol import Outgoing, Progress, Receipt
from postbell.publishing.web.http import Http
from postbell.services.posts import actions
from postbell.services.posts.actions import Verdict
from postbell.services.sending import outcomes
from postbell.settings import RetrySettings, Settings
from postbell.store import accounts, deliveries
from postbell.testing import FakeNetwork, Mode
from support.stage import Blind, Stage, Wary, fate, live, ring
from support.world import (
    START,
    World,
    account_of,
    add_account,
    add_post,
    after,
    build_world,
    delivery_of,
    post_of,
    tries_of,
)


FAST = Settings(timezone="UTC", retry=RetrySettings(most_tries=3))
ENDED = DeliveryState.PROCESSED
WAITS = DeliveryState.SCHEDULED


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "_WRITE_AGAIN", 0)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[FakeNetwork(), Wary(), Blind()], settings=FAST) as made:
        yield made


# What cannot even be prepared.


def test_incomplete_credentials_hold_the_account_instead_of_failing_its_posts(world: World) -> None:
    add_account(world.store, "ann", credentials={"key": "of another version"})
    post = add_post(world.store, to=("ann",))
    ring(world)
    assert fate(world, post) == (WAITS, None, ["unauthorized"])
    held = account_of(world.store, "ann")
    assert held.health is Health.UNAUTHORIZED
    assert held.health_note is not None
    assert "postbell account reconnect ann" in held.health_note
    assert world.fake.seen == []


def test_an_account_of_an_unknown_network_is_held(world: World) -> None:
    add_account(world.store, "ann", network="myspace")
    post = add_post(world.store, to=("ann",))
    ring(world)
    assert fate(world, post) == (WAITS, None, ["unauthorized"])
    note = account_of(world.store, "ann").health_note
    assert note is not None
    assert "myspace" in note


def test_options_that_do_not_fit_any_more_fail_the_post_and_say_which(world: World) -> None:
    post = add_post(world.store, overrides={"fake": Override(options={"tempo": "fast"})})
    ring(world)
    assert fate(world, post) == (ENDED, Outcome.FAILED, ["rejected"])
    told = delivery_of(world.store, post.deliveries[0].id).message
    assert told == "its option tempo does not fit Fake any more"


# Order.


def test_posts_of_an_account_stay_in_order_through_retries(world: World) -> None:
    posts = [add_post(world.store, at=after(n), text=f"{n}") for n in range(4)]
    world.fake.modes = [Mode.FAIL, Mode.LIMIT, Mode.PUBLISH, Mode.FAIL]
    ring(world, 40, after=30)
    assert [outgoing.content.text for outgoing in world.fake.posts] == ["0", "1", "2", "3"]
    assert {post_of(world.store, post.id).outcome for post in posts} == {Outcome.PUBLISHED}


def test_a_paused_account_keeps_what_failed_while_it_was_under_way(world: World) -> None:
    post = add_post(world.store)
    world.fake.modes = [Mode.FAIL]

    async def script(stage: Stage) -> None:
        await stage.dispatcher.ring()
        with world.store.write() as tx:
            accounts.pause_account(tx, "ann", world.clock.now())
        await stage.ring()
        world.clock.advance(3600)
        await stage.ring()

    live(world, script)
    assert fate(world, post) == (WAITS, None, ["unavailable"])


# Sessions.


class Renews(FakeNetwork):
    """Renews its token with every post."""

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        await http.save_session({"token": f"of {outgoing.content.text}"})
        return await super().publish(outgoing, progress, http)


def test_a_session_is_durable_before_the_network_goes_on(tmp_path: Path) -> None:
    with build_world(tmp_path, networks=[Renews([Mode.WAIT])]) as world:
        add_post(world.store, text="one")

        async def script(stage: Stage) -> None:
            await stage.dispatcher.ring()
            await stage.begun(world.fake)
            assert account_of(world.store, "ann").session == {"token": "of one"}

        live(world, script)


def test_a_session_that_cannot_be_stored_at_once_delays_the_try_and_is_not_lost(tmp_path: Path) -> None:
    with build_world(tmp_path, networks=[Renews()]) as world:
        post = add_post(world.store, text="one")

        async def script(stage: Stage) -> None:
            await stage.ring()

        live(world, script, refusals=[None, PostbellError("read-only")])
        assert account_of(world.store, "ann").session == {"token": "of one"}
        assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["published"])


def test_the_session_of_old_credentials_is_not_stored_for_new_ones(tmp_path: Path) -> None:
    class RenewsLater(Renews):
        async def publish(
            self, outgoing: Outgoing, progress: Progress | None, http: Http
        ) -> Receipt | Progress:
            await self.gate.wait()
            return await super().publish(outgoing, progress, http)

    with build_world(tmp_path, networks=[RenewsLater()]) as world:
        add_post(world.store)

        async def script(stage: Stage) -> None:
            await stage.dispatcher.ring()
            with world.store.write() as tx:
                ann = accounts.get_account(tx, "ann")
                accounts.replace_credentials(tx, ann.id, server=None, credentials={"token": "new"})
            world.fake.gate.set()
            await stage.ring()

        live(world, script)
        assert len(world.fake.posts) == 1
        assert account_of(world.store, "ann").session == {}


# When trying ends.


def test_only_what_is_unavailable_counts_as_a_setback(world: World) -> None:
    add_post(world.store)
    world.fake.modes = [Mode.FAIL, Mode.LIMIT]
    ring(world, 2, after=60)
    assert account_of(world.store, "ann").setbacks == 0


def test_an_earlier_try_in_doubt_is_not_called_failed_when_trying_ends(tmp_path: Path) -> None:
    network = FakeNetwork([Mode.LOSE_ANSWER, Mode.FAIL, Mode.FAIL])
    network.can_tell = False
    with build_world(tmp_path, networks=[network], settings=FAST) as world:
        post = add_post(world.store)

        async def script(stage: Stage) -> None:
            await stage.ring()
            await stage.recovery.settle()
            for _ in range(2):
                world.clock.advance(60)
                await stage.ring()

        live(world, script)
        results: list[str | None] = ["unsure", "unknown", "unavailable", "unavailable"]
        assert fate(world, post) == (DeliveryState.UNSURE, Outcome.UNSURE, results)
        told = delivery_of(world.store, post.deliveries[0].id).message
        assert told is not None
        assert told.startswith("an earlier try may have been accepted")


@pytest.mark.parametrize("settled", [False, True])
def test_a_doubt_that_was_settled_is_over_when_trying_ends(tmp_path: Path, *, settled: bool) -> None:
    network = FakeNetwork([Mode.LOSE_REQUEST, Mode.FAIL, Mode.FAIL, Mode.FAIL])
    with build_world(tmp_path, networks=[network], settings=FAST) as world:
        post = add_post(world.store)

        async def script(stage: Stage) -> None:
            await stage.ring()
            if settled:
                actions.settle(world.ctx, post_of(world.store, post.id), Verdict.RESEND)
            else:
                await stage.recovery.settle()
            for _ in range(3):
                world.clock.advance(60)
                await stage.ring()

        live(world, script)
        assert fate(world, post)[:2] == (ENDED, Outcome.FAILED)


def test_what_may_be_public_is_never_called_missed_and_not_sent_again_too_late(tmp_path: Path) -> None:
    network = FakeNetwork([Mode.LOSE_ANSWER])
    network.can_tell = False
    with build_world(tmp_path, networks=[network]) as world:
        post = add_post(world.store)

        async def script(stage: Stage) -> None:
            await stage.ring()
            await stage.recovery.settle()
            world.clock.advance(timedelta(days=2))
            await stage.ring()
            await stage.recovery.settle()
            await stage.ring()

        live(world, script)
        unsure = delivery_of(world.store, post.deliveries[0].id)
        assert unsure.state is DeliveryState.UNSURE
        assert "an earlier try may have been accepted" in str(unsure.message)
        assert network.creates.total() == 1


def test_a_delivery_that_was_begun_in_time_and_missed_later_was_not_late(world: World) -> None:
    post = add_post(world.store)
    world.fake.modes = [Mode.FAIL]
    ring(world)
    world.clock.advance(timedelta(days=2))
    ring(world)
    missed = delivery_of(world.store, post.deliveries[0].id)
    assert (missed.outcome, missed.late_reason) == (Outcome.MISSED, None)
    assert missed.message == "it was due for too long (more than 1 d); the last try: asked to fail"


def test_every_try_is_in_the_log_with_its_times_and_words(world: World) -> None:
    post = add_post(world.store)
    world.fake.modes = [Mode.FAIL]
    ring(world, 2, after=60)
    first, second = tries_of(world.store, post.deliveries[0].id)
    assert (first.started_at, first.ended_at, first.message) == (START, START, "asked to fail")
    assert (second.started_at, second.ended_at, second.message) == (after(60), after(60), None)


def test_a_record_that_conflicts_is_not_forced(world: World) -> None:
    post = add_post(world.store)
    world.fake.modes = [Mode.WAIT]

    async def script(stage: Stage) -> None:
        await stage.dispatcher.ring()
        await stage.begun(world.fake)
        with world.store.write() as tx:
            deliveries.lose_track(tx, post.deliveries[0].id, "by another")
        world.fake.gate.set()
        await stage.ring()

    live(world, script)
    assert fate(world, post)[0] is DeliveryState.UNSURE
