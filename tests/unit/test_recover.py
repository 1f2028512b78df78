"""What a crash or a lost answer has left: looked up, and settled without a human wherever that can be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.account import Health
from postbell.domain.content import Override
from postbell.domain.post import Attempt, AttemptKind, Post
from postbell.domain.states import DeliveryState, Outcome, PostState
from postbell.errors import DatabaseLocked, RateLimited, Rejected, Unauthorized, Unavailable, Unsure
from postbell.publishing.protocol import Absent, Outgoing, Progress, Receipt, Unknown
from postbell.publishing.web.http import Http
from postbell.services.accounts import accounts as account_service
from postbell.services.posts import actions
from postbell.services.posts.actions import Verdict
from postbell.services.sending import outcomes
from postbell.settings import RetrySettings, Settings
from postbell.store import accounts
from postbell.store.tables.core import account
from postbell.testing import FakeNetwork, Mode
from support.stage import Answers, Blind, Crash, Stage, Wary, WaryAnswers, fate, live, ring, settle
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
UNSURE, WAITS, ENDED = DeliveryState.UNSURE, DeliveryState.SCHEDULED, DeliveryState.PROCESSED


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "_WRITE_AGAIN", 0)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[FakeNetwork(), Wary(), Blind()], settings=FAST) as made:
        yield made


def lost(folder: Path, network: Answers) -> tuple[World, Post]:
    """Return a world in which a delivery of `network` is unsure."""
    world = build_world(folder, networks=[network], settings=FAST)
    post = add_post(world.store, network=network.key)
    ring(world)
    return world, post


def finds(world: World, post: Post) -> list[Attempt]:
    tries = tries_of(world.store, post.deliveries[0].id)
    return [tried for tried in tries if tried.kind is AttemptKind.FIND]


def crash(world: World, network: str = "fake", *, point: str = "claimed") -> Post:
    """Return a post at which the process died."""
    post = add_post(world.store, network=network)
    with pytest.raises(Crash):
        live(world, Stage.ring, crash_at=point)
    return post


# What a dead process left.


def test_what_was_under_way_becomes_unsure_and_its_try_is_closed(world: World) -> None:
    post = crash(world)

    async def script(stage: Stage) -> None:
        assert await stage.recovery.begin() == 1
        assert await stage.recovery.begin() == 0

    live(world, script)
    assert fate(world, post) == (UNSURE, Outcome.UNSURE, ["interrupted"])
    assert post_of(world.store, post.id).state is PostState.PROCESSED
    (tried,) = tries_of(world.store, post.deliveries[0].id)
    assert (tried.ended_at, tried.message) == (START, "the process ended during the try")


def test_what_is_found_is_published(world: World) -> None:
    post = crash(world, point="answered")
    settle(world, begin=True)
    assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["interrupted", "published"])
    assert delivery_of(world.store, post.deliveries[0].id).receipt_id == post.deliveries[0].key


def test_what_is_absent_after_a_crash_is_sent_again_at_once(world: World) -> None:
    post = crash(world)
    settle(world, begin=True)
    assert post_of(world.store, post.id).state is PostState.PROCESSING
    ring(world)
    assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["interrupted", "absent", "published"])
    assert len(world.fake.posts) == 1


def test_a_post_that_is_absent_after_its_last_try_is_given_up(tmp_path: Path) -> None:
    twice = Settings(timezone="UTC", retry=RetrySettings(most_tries=2))
    with build_world(tmp_path, settings=twice) as world:
        post = add_post(world.store)
        for _ in range(2):
            with pytest.raises(Crash):
                live(world, Stage.ring, crash_at="claimed")
            settle(world, begin=True)
        assert fate(world, post)[:2] == (ENDED, Outcome.FAILED)
        told = delivery_of(world.store, post.deliveries[0].id).message
        assert told == "it is not public, and was given up after 2 tries"


def test_a_look_up_that_was_broken_off_is_closed_by_the_next_process(tmp_path: Path) -> None:
    world, post = lost(tmp_path, Answers(Crash()))
    with world:

        async def script(stage: Stage) -> None:
            await stage.recovery.settle()

        with pytest.raises(Crash):
            live(world, script)
        assert fate(world, post)[2] == ["unsure", None]
        settle(world, begin=True)
        assert fate(world, post)[2] == ["unsure", "interrupted", "unknown"]


# What a look-up says.


def test_what_is_absent_after_a_lost_answer_is_sent_again_after_a_wait(tmp_path: Path) -> None:
    world, post = lost(tmp_path, Answers(Absent()))
    with world:
        settle(world)
        waiting = delivery_of(world.store, post.deliveries[0].id)
        assert waiting.state is WAITS
        assert waiting.try_at is not None
        assert START < waiting.try_at <= after(15)
        ring(world, 2, after=15)
        assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["unsure", "absent", "published"])


def test_what_nobody_can_tell_is_sent_again_where_a_repeat_is_harmless(tmp_path: Path) -> None:
    world, post = lost(tmp_path, Answers(Unknown(reason="it has no list")))
    with world:
        settle(world)
        told = delivery_of(world.store, post.deliveries[0].id).message
        assert told == "asked to lose_request; it has no list; it is sent again"
        ring(world, 2, after=15)
        assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["unsure", "unknown", "published"])
        assert len(world.fake.posts) == 1


def test_what_nobody_can_tell_is_not_sent_again_for_ever(tmp_path: Path) -> None:
    world, post = lost(tmp_path, Answers(modes=(Mode.LOSE_REQUEST,) * 9))
    with world:

        async def script(stage: Stage) -> None:
            for _ in range(10):
                await stage.recovery.settle()
                world.clock.advance(900)
                await stage.ring()

        live(world, script)
        assert fate(world, post)[:2] == (UNSURE, Outcome.UNSURE)
        assert delivery_of(world.store, post.deliveries[0].id).tries == 3


def test_what_nobody_can_tell_stays_unsure_where_a_repeat_could_publish_twice(tmp_path: Path) -> None:
    world, post = lost(tmp_path, WaryAnswers())
    with world:
        settle(world, 3, after=3600)
        assert fate(world, post) == (UNSURE, Outcome.UNSURE, ["unsure", "unknown", "unknown", "unknown"])
        assert len(world.fake.seen) == 1


def test_what_is_not_public_yet_may_still_become_so_and_is_looked_up_again(tmp_path: Path) -> None:
    world, post = lost(tmp_path, WaryAnswers(Absent(), Receipt(id="late")))
    with world:
        settle(world, 2, after=60)
        assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["unsure", "unknown", "published"])
        assert len(world.fake.seen) == 1


def test_what_is_still_absent_a_minute_later_is_sent_again(tmp_path: Path) -> None:
    world, post = lost(tmp_path, WaryAnswers(Absent(), Absent()))
    with world:
        settle(world, 2, after=60)
        ring(world, 2, after=15)
        assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["unsure", "unknown", "absent", "published"])


def test_a_network_that_may_never_be_repeated_is_not_asked(world: World) -> None:
    post = crash(world, "blind")
    settle(world, 3, after=3600, begin=True)
    assert fate(world, post) == (UNSURE, Outcome.UNSURE, ["interrupted"])


def test_a_network_of_another_version_is_not_asked_and_stops_no_other(world: World) -> None:
    post = crash(world, "fake")
    with world.store.write() as tx:
        tx.execute(update_account(network="myspace"))
    settle(world, begin=True)
    assert fate(world, post) == (UNSURE, Outcome.UNSURE, ["interrupted"])


def test_a_removed_account_is_not_asked_for(world: World) -> None:
    post = crash(world)
    with world.store.write() as tx:
        tx.execute(update_account(removed_at=START))
    settle(world, begin=True)
    assert fate(world, post) == (UNSURE, Outcome.UNSURE, ["interrupted"])


def update_account(**values: Any) -> Any:
    return account.update().values(values)


@pytest.mark.parametrize("error", [Unavailable("down"), Unsure("eh"), Rejected("403")])
def test_a_network_that_could_not_be_asked_is_asked_again(tmp_path: Path, error: Exception) -> None:
    world, post = lost(tmp_path, Answers(error, Receipt(id="1")))
    with world:
        settle(world)
        assert fate(world, post)[0] is UNSURE
        settle(world)
        assert fate(world, post)[:2] == (ENDED, Outcome.PUBLISHED)


def test_refused_credentials_hold_the_account_and_the_question_waits(tmp_path: Path) -> None:
    world, post = lost(tmp_path, Answers(Unauthorized("wrong"), Absent()))
    with world:
        settle(world, 5, after=3600)
        assert fate(world, post) == (UNSURE, Outcome.UNSURE, ["unsure", "unauthorized"])
        assert account_of(world.store, "ann").health is Health.UNAUTHORIZED
        account_service.verify_account(world.ctx, "ann")
        settle(world)
        assert fate(world, post)[2] == ["unsure", "unauthorized", "absent"]


def test_incomplete_credentials_hold_the_account(world: World) -> None:
    add_account(world.store, "ann")
    post = crash(world)
    with world.store.write() as tx:
        tx.execute(update_account(credentials={"old": "field"}))
    settle(world, begin=True)
    assert fate(world, post) == (UNSURE, Outcome.UNSURE, ["interrupted", "unauthorized"])
    assert account_of(world.store, "ann").health is Health.UNAUTHORIZED


def test_options_that_do_not_fit_any_more_do_not_make_it_failed(world: World) -> None:
    post = add_post(world.store, overrides={"fake": Override(options={"tempo": "fast"})})
    with pytest.raises(Crash):
        live(world, Stage.ring, crash_at="claimed")
    settle(world, begin=True)
    assert fate(world, post) == (UNSURE, Outcome.UNSURE, ["interrupted", "rejected"])


def test_a_limit_lets_the_account_rest_and_the_question_with_it(tmp_path: Path) -> None:
    until = after(7200)
    world, post = lost(tmp_path, Answers(RateLimited("slow", until=until), Receipt(id="1")))
    with world:
        settle(world, 2, after=3600)
        assert fate(world, post)[2] == ["unsure", "rate_limited"]
        assert account_of(world.store, "ann").rests_until == until
        settle(world)
        assert fate(world, post)[:2] == (ENDED, Outcome.PUBLISHED)


def test_a_paused_account_may_be_asked_for(world: World) -> None:
    post = crash(world, point="answered")
    with world.store.write() as tx:
        accounts.pause_account(tx, "ann", START)
    settle(world, begin=True)
    assert fate(world, post)[:2] == (ENDED, Outcome.PUBLISHED)


@pytest.mark.parametrize("answer", [RuntimeError("a mistake"), None, Receipt(id="1", url=object())])  # type: ignore[arg-type]
def test_a_fault_in_one_network_keeps_no_other_from_being_asked(tmp_path: Path, answer: Any) -> None:
    network = WaryAnswers(answer, Receipt(id="1"), modes=(Mode.LOSE_REQUEST, Mode.LOSE_REQUEST))
    with build_world(tmp_path, networks=[network]) as world:
        broken, other = (add_post(world.store, to=(name,), network="wary") for name in ("ann", "bob"))
        ring(world)
        settle(world)
        assert fate(world, broken) == (UNSURE, Outcome.UNSURE, ["unsure", "unknown"])
        (found,) = finds(world, broken)
        assert found.message is not None
        assert found.message.startswith("a fault in Postbell's code for wary")
        assert fate(world, other)[:2] == (ENDED, Outcome.PUBLISHED)


# When, and how often.


def test_look_ups_back_off_from_a_minute_to_an_hour(tmp_path: Path) -> None:
    world, post = lost(tmp_path, WaryAnswers())
    with world:
        settle(world, 6 * 60, after=60)
        began = [(tried.started_at - START) // timedelta(minutes=1) for tried in finds(world, post)]
        assert began == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303]


def test_a_second_doubt_about_a_delivery_begins_with_short_waits_again(tmp_path: Path) -> None:
    lose = Mode.LOSE_REQUEST
    world, post = lost(tmp_path, Answers(Unavailable("x"), Unavailable("x"), Absent(), modes=(lose, lose)))
    with world:

        async def script(stage: Stage) -> None:
            for _ in range(4):
                await stage.recovery.settle()
                world.clock.advance(60)
            await stage.ring()
            await stage.recovery.settle()

        live(world, script)
        results = [tried.result for tried in finds(world, post)]
        assert results == ["unavailable", "unavailable", "absent", "unknown"]


def test_what_the_user_settled_during_a_look_up_stays_as_the_user_said(tmp_path: Path) -> None:
    class Slow(WaryAnswers):
        async def find(
            self, outgoing: Outgoing, progress: Progress | None, http: Http
        ) -> Receipt | Absent | Unknown:
            actions.settle(world.ctx, post_of(world.store, post.id), Verdict.RESEND)
            await stages[0].ring()
            return Receipt(id="the first")

    network = Slow(modes=(Mode.LOSE_REQUEST, Mode.LOSE_REQUEST))
    world, post = lost(tmp_path, network)
    stages: list[Stage] = []
    with world:

        async def script(stage: Stage) -> None:
            stages.append(stage)
            await stage.recovery.settle()

        live(world, script)
        assert fate(world, post) == (UNSURE, Outcome.UNSURE, ["unsure", "published", "resend", "unsure"])


def test_the_session_of_a_look_up_is_kept(tmp_path: Path) -> None:
    class Renews(Answers):
        async def find(
            self, outgoing: Outgoing, progress: Progress | None, http: Http
        ) -> Receipt | Absent | Unknown:
            await http.save_session({"token": "new"})
            return await super().find(outgoing, progress, http)

    world, _post = lost(tmp_path, Renews(Absent()))
    with world:
        settle(world)
        assert account_of(world.store, "ann").session == {"token": "new"}


def test_an_answer_is_written_again_until_it_is_stored(tmp_path: Path) -> None:
    world, post = lost(tmp_path, Answers(Receipt(id="1")))
    with world:

        async def script(stage: Stage) -> None:
            await stage.recovery.settle()

        live(world, script, refusals=[None, *[DatabaseLocked("locked")] * 3])
        assert fate(world, post)[:2] == (ENDED, Outcome.PUBLISHED)


def test_where_the_database_cannot_be_used_no_network_is_asked(tmp_path: Path) -> None:
    network = Answers()
    world, _post = lost(tmp_path, network)
    with world:

        async def script(stage: Stage) -> None:
            with pytest.raises(DatabaseLocked):
                await stage.recovery.settle()

        live(world, script, refusals=[DatabaseLocked("locked")])
        assert network.asked == []
