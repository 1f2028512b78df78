"""Threads under way: every part once, whatever happens, and an honest word about what is public."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.domain.post import Post
from postbell.domain.states import DeliveryState, Outcome
from postbell.publishing.protocol import Outgoing, Progress, Receipt
from postbell.publishing.web.http import Http
from postbell.services.posts import actions
from postbell.services.posts.actions import Verdict
from postbell.services.sending.removal import Removals
from postbell.settings import RetrySettings, Settings
from postbell.testing import FakeNetwork, Mode
from support.stage import Blind, Crash, Stage, Wary, fate, live, ring, settle
from support.world import START, World, add_post, build_world, delivery_of, post_of


FAST = Settings(timezone="UTC", retry=RetrySettings(most_tries=3))
DONE = Mode.PUBLISH
ENDED, UNSURE, WAITS = DeliveryState.PROCESSED, DeliveryState.UNSURE, DeliveryState.SCHEDULED


def _world(folder: Path, *modes: Mode, kind: type[FakeNetwork] = FakeNetwork) -> World:
    return build_world(folder, networks=[kind(modes)], settings=FAST)


def _thread(world: World) -> Post:
    return add_post(world.store, segments=("two", "three"), network=world.fake.key)


def _told(world: World, post: Post) -> str:
    return str(delivery_of(world.store, post.deliveries[0].id).message)


def _texts(world: World) -> Sequence[str]:
    return [post.content.text for post in world.fake.posts]


def _assert_once(world: World) -> None:
    assert _texts(world) == ["hello", "two", "three"]
    first, second, _ = world.fake.posts
    assert [post.reply and (post.reply.root, post.reply.parent) for post in world.fake.posts] == [
        None,
        (first.key, first.key),
        (first.key, second.key),
    ]


def test_a_thread_is_published_whole_under_the_address_of_its_first_part(tmp_path: Path) -> None:
    with _world(tmp_path) as world:
        post = _thread(world)
        ring(world)
        _assert_once(world)
        found = delivery_of(world.store, post.deliveries[0].id)
        assert found.receipt_id == f"{found.key},{found.key}-2,{found.key}-3"
        assert found.url == f"memory://fake/posts/{found.key}"


@pytest.mark.parametrize("mode", [Mode.FAIL, Mode.LIMIT, Mode.STEP])
@pytest.mark.parametrize("part", range(3))
def test_what_holds_a_part_up_lets_the_thread_go_on_there(tmp_path: Path, mode: Mode, part: int) -> None:
    with _world(tmp_path, *[DONE] * part, mode) as world:
        post = _thread(world)
        ring(world, 2, after=600)
        _assert_once(world)
        assert set(world.fake.creates.values()) == {1}
        assert fate(world, post)[1] is Outcome.PUBLISHED


@pytest.mark.parametrize("mode", [Mode.LOSE_ANSWER, Mode.LOSE_REQUEST])
@pytest.mark.parametrize("part", range(3))
def test_a_lost_answer_is_looked_up_and_no_part_is_sent_twice(tmp_path: Path, mode: Mode, part: int) -> None:
    with _world(tmp_path, *[DONE] * part, mode, kind=Wary) as world:
        post = _thread(world)
        ring(world)
        assert fate(world, post)[0] is UNSURE
        world.clock.advance(120)
        settle(world)
        ring(world, 2, after=600)
        _assert_once(world)
        assert fate(world, post)[1] is Outcome.PUBLISHED


class _Deadly(Wary):
    """The process dies once, when it has sent a part."""

    part: int = 0
    stage: Stage

    async def _publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        receipt = await super()._publish(outgoing, progress, http)
        if sum(self.creates.values()) == self.part + 1:
            self.stage.store.dead = True
            raise Crash
        return receipt


@pytest.mark.parametrize("part", range(3))
def test_a_crash_behind_any_part_leads_to_one_thread(tmp_path: Path, part: int) -> None:
    with _world(tmp_path, kind=_Deadly) as world:
        deadly = world.fake
        assert isinstance(deadly, _Deadly)
        deadly.part = part
        post = _thread(world)

        async def die(stage: Stage) -> None:
            deadly.stage = stage
            await stage.ring()

        with pytest.raises(Crash):
            live(world, die)
        world.clock.advance(120)
        settle(world, begin=True)
        ring(world, 2, after=600)
        _assert_once(world)
        assert set(world.fake.creates.values()) == {1}
        assert fate(world, post)[1] is Outcome.PUBLISHED


def test_a_part_that_is_refused_fails_the_rest_and_it_is_told_what_is_public(tmp_path: Path) -> None:
    with _world(tmp_path, DONE, DONE, Mode.REJECT) as world:
        post = _thread(world)
        ring(world)
        assert fate(world, post)[1] is Outcome.FAILED
        key = post.deliveries[0].key
        public = f"parts 1 to 2 of 3 are public: memory://fake/posts/{key}"
        assert _told(world, post) == f"asked to reject; {public}"
        actions.retry(world.ctx, post_of(world.store, post.id))
        ring(world)
        _assert_once(world)
        assert fate(world, post)[1] is Outcome.PUBLISHED


def test_a_refused_first_part_says_nothing_of_what_is_public(tmp_path: Path) -> None:
    with _world(tmp_path, Mode.REJECT) as world:
        post = _thread(world)
        ring(world)
        assert _told(world, post) == "asked to reject"


def test_a_thread_that_is_given_up_says_what_is_public(tmp_path: Path) -> None:
    with _world(tmp_path, DONE, *[Mode.FAIL] * 3) as world:
        post = _thread(world)
        ring(world, 3, after=3600)
        assert fate(world, post)[1] is Outcome.FAILED
        assert _told(world, post).startswith("gave up after 3 tries; the last: asked to fail; part 1 of 3 is")


def test_an_unsure_part_says_what_is_public_and_a_look_up_gives_up_the_rest(tmp_path: Path) -> None:
    modes = (DONE, Mode.FAIL, Mode.FAIL, Mode.LOSE_ANSWER)
    with _world(tmp_path, *modes, kind=Wary) as world:
        post = _thread(world)
        ring(world, 3, after=3600)
        assert fate(world, post)[0] is UNSURE
        assert _told(world, post).startswith("the answer was lost; part 1 of 3 is public: memory://")
        settle(world)
        assert fate(world, post)[1] is Outcome.FAILED
        told = "the rest of it is not public, and was given up after 3 tries; parts 1 to 2 of 3 are public: "
        assert _told(world, post).startswith(told)


def test_what_nobody_can_look_up_is_settled_by_the_user_and_goes_on(tmp_path: Path) -> None:
    with _world(tmp_path, DONE, Mode.LOSE_REQUEST, kind=Blind) as world:
        post = _thread(world)
        ring(world)
        assert _told(world, post).startswith("asked to lose_request; part 1 of 3 is public: memory://")
        actions.settle(world.ctx, post_of(world.store, post.id), Verdict.RESEND)
        ring(world)
        _assert_once(world)


def test_a_thread_that_the_user_calls_published_says_how_far_it_came(tmp_path: Path) -> None:
    with _world(tmp_path, DONE, Mode.LOSE_ANSWER, kind=Blind) as world:
        post = _thread(world)
        ring(world)
        actions.settle(world.ctx, post_of(world.store, post.id), Verdict.PUBLISHED)
        (warning,) = delivery_of(world.store, post.deliveries[0].id).warnings
        assert warning.startswith("It is a thread: part 1 of 3 is public: memory://")
        assert warning.endswith("; what follows the part in doubt was not sent.")


def test_a_thread_that_is_cancelled_half_way_says_what_is_public(tmp_path: Path) -> None:
    with _world(tmp_path, DONE, Mode.FAIL) as world:
        post = _thread(world)
        ring(world)
        actions.cancel(world.ctx, post_of(world.store, post.id))
        assert _told(world, post).startswith("it was cancelled; part 1 of 3 is public: memory://")


def test_a_thread_that_is_missed_half_way_says_what_is_public(tmp_path: Path) -> None:
    with _world(tmp_path, DONE, Mode.FAIL) as world:
        post = _thread(world)
        ring(world)
        world.clock.advance(timedelta(days=3).total_seconds())
        ring(world)
        assert fate(world, post)[0] is DeliveryState.MISSED
        assert "; part 1 of 3 is public: memory://" in _told(world, post)


def test_a_thread_is_taken_away_whole(tmp_path: Path) -> None:
    with _world(tmp_path) as world:
        _thread(world)
        ring(world)
        assert len(world.fake.posts) == 3
        with world.store.write() as tx:
            tx.exec_driver_sql("UPDATE delivery SET delete_at = ?", (str(START.replace(tzinfo=None)),))
        live(world, lambda stage: Removals(world.ctx, stage.dispatcher.thread).do_due())
        assert world.fake.posts == []
