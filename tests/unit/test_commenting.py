"""First comments: after the post, once, whatever happens; and never at the cost of the post, or of others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from postbell.domain.account import Health
from postbell.domain.comment import CommentState
from postbell.domain.content import Comment, Override
from postbell.domain.states import DeliveryState, Outcome
from postbell.publishing.protocol import Outgoing, Progress, Receipt
from postbell.publishing.web.http import Http
from postbell.services.posts import actions
from postbell.services.posts.actions import Verdict
from postbell.services.sending import outcomes
from postbell.services.sending.commenting import MOST_TRIES, Comments, comments_of
from postbell.services.sending.removal import Removals
from postbell.settings import RetrySettings, Settings
from postbell.store import accounts, attempts, comments, overdue
from postbell.testing import FakeNetwork, Mode
from support.commenting import network_of, only, published, speak, texts, warnings
from support.stage import Blind, Crash, Stage, Wary, fate, live, ring, settle
from support.world import START, World, account_of, add_post, build_world, post_of


DONE = Mode.PUBLISH
FAST = Settings(timezone="UTC", retry=RetrySettings(most_tries=3))


class Mute(FakeNetwork):
    """Publishes no first comments."""

    key: ClassVar[str] = "mute"
    comments: ClassVar[bool] = False


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "_WRITE_AGAIN", 0)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[FakeNetwork(), Wary(), Blind(), Mute()], settings=FAST) as made:
        yield made


def test_it_answers_the_post_once_that_is_public(world: World) -> None:
    post = published(world)
    assert texts(world) == ["hello"]
    speak(world, 2)
    first, second = world.fake.posts
    assert (second.content.text, second.key) == ("And by the way", f"{first.key}-c")
    assert second.reply
    assert (second.reply.root, second.reply.parent) == (first.key, first.key)
    found = only(world, post)
    assert (found.state, found.url) == (CommentState.PUBLISHED, f"memory://fake/posts/{first.key}-c")


def test_it_answers_the_last_part_of_a_thread_with_an_instant_behind_all_of_them(world: World) -> None:
    add_post(world.store, segments=["two"] * 20, comment=Comment(text="And by the way"))
    ring(world)
    speak(world)
    *parts, said = world.fake.posts
    assert said.reply
    assert (said.reply.root, said.reply.parent) == (parts[0].key, parts[-1].key)
    assert said.begun_at > max(part.begun_at for part in parts)


def test_it_waits_for_its_time_and_holds_nobody_back(world: World) -> None:
    post = published(world, after=300)
    other = add_post(world.store, text="other")
    ring(world)
    speak(world, 2, after=299)
    assert texts(world) == ["hello", "other"]
    assert fate(world, other)[1] is Outcome.PUBLISHED
    speak(world, 2, after=2)
    assert texts(world) == ["hello", "other", "And by the way"]
    assert only(world, post).due_at == START + timedelta(seconds=300)


def test_an_account_may_say_something_else_or_nothing(world: World) -> None:
    overrides = {"ann": Override(comment="Mine"), "bob": Override(comment="")}
    to, said = ("ann", "bob", "cat"), Comment(text="For all")
    add_post(world.store, to=to, overrides=overrides, comment=said)
    ring(world)
    speak(world)
    assert sorted(texts(world)) == ["For all", "Mine", "hello", "hello", "hello"]


def test_one_account_alone_may_have_one(world: World) -> None:
    add_post(world.store, to=("ann", "bob"), overrides={"ann": Override(comment="Mine")})
    ring(world)
    speak(world)
    assert sorted(texts(world)) == ["Mine", "hello", "hello"]


def test_a_network_without_them_leaves_them_out(world: World) -> None:
    post = published(world, network="mute")
    speak(world)
    assert comments_of(world.ctx, post_of(world.store, post.id)) == []


@pytest.mark.parametrize("mode", [Mode.REJECT, Mode.FAIL])
def test_its_failure_is_a_warning_and_never_fails_the_post(world: World, mode: Mode) -> None:
    post = published(world, *[mode] * MOST_TRIES)
    speak(world, MOST_TRIES + 1, after=3600)
    assert fate(world, post)[1] is Outcome.PUBLISHED
    assert only(world, post).state is CommentState.FAILED
    (warning,) = warnings(world, post)
    assert warning.startswith("The first comment was not published: ")
    assert texts(world) == ["hello"]


def test_it_is_tried_again_after_a_failure(world: World) -> None:
    post = published(world, Mode.FAIL, Mode.STEP)
    speak(world, 2, after=600)
    assert texts(world) == ["hello", "And by the way"]
    assert warnings(world, post) == ()


def test_a_rate_limit_is_kept_and_is_no_try(world: World) -> None:
    post = published(world, Mode.LIMIT)
    speak(world, 2, after=60)
    assert texts(world) == ["hello"]
    assert (only(world, post).tries, only(world, post).state) == (0, CommentState.WAITING)
    speak(world, 2, after=120)
    assert texts(world) == ["hello", "And by the way"]


def test_it_waits_for_an_account_that_must_be_reconnected(world: World) -> None:
    post = published(world, Mode.REFUSE_ACCOUNT)
    speak(world, 3)
    assert account_of(world.store, "ann").health is Health.UNAUTHORIZED
    assert (only(world, post).state, texts(world)) == (CommentState.WAITING, ["hello"])


def test_a_pause_holds_it_back(world: World) -> None:
    published(world)
    with world.store.write() as tx:
        accounts.pause_account(tx, "ann", START, None)
    speak(world)
    assert texts(world) == ["hello"]
    with world.store.write() as tx:
        accounts.resume_account(tx, "ann", START)
    speak(world)
    assert texts(world) == ["hello", "And by the way"]


@pytest.mark.parametrize("network", ["fake", "wary"])
@pytest.mark.parametrize("mode", [Mode.LOSE_ANSWER, Mode.LOSE_REQUEST, Mode.BREAK])
def test_a_lost_answer_is_looked_up_before_it_is_sent_again(world: World, network: str, mode: Mode) -> None:
    post = published(world, mode, network=network)
    speak(world)
    assert only(world, post).state is CommentState.UNSURE
    speak(world, 2, after=300)
    assert texts(world, network) == ["hello", "And by the way"]
    assert network_of(world, network).creates[f"{post.deliveries[0].key}-c"] == 1
    assert only(world, post).state is CommentState.PUBLISHED


def test_what_the_network_cannot_tell_of_is_sent_again_only_where_that_is_harmless(world: World) -> None:
    safe = published(world, Mode.LOSE_ANSWER)
    world.fake.can_tell = False
    speak(world, 2, after=300)
    assert texts(world) == ["hello", "And by the way"]
    assert only(world, safe).state is CommentState.PUBLISHED
    wary = network_of(world, "wary")
    post = add_post(world.store, to=("bob",), network="wary", comment=Comment(text="And by the way"))
    ring(world)
    wary.modes, wary.can_tell = [Mode.LOSE_ANSWER], False
    speak(world, 3, after=300)
    assert texts(world, "wary") == ["hello", "And by the way"]
    (warning,) = warnings(world, post)
    assert warning.endswith("It was told not to tell; it may be public: look.")


class _Deaf(Blind):
    """Can never be asked."""

    key: ClassVar[str] = "deaf"
    finds: ClassVar[bool] = False


def test_where_nobody_can_be_asked_it_is_left_at_that(tmp_path: Path) -> None:
    with build_world(tmp_path, networks=[_Deaf()], settings=FAST) as world:
        post = published(world, Mode.LOSE_REQUEST, network="deaf")
        speak(world, 3, after=300)
        (warning,) = warnings(world, post)
        assert warning.endswith("the network cannot be asked; it may be public: look.")
        assert texts(world, "deaf") == ["hello"]


class _Deadly(Wary):
    """The process dies when it has published a first comment, before or after that."""

    stage: Stage
    late: bool = True

    async def _publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        dies = outgoing.key.endswith("-c") and not self.stage.store.dead and not self.creates[outgoing.key]
        if dies and not self.late:
            self.late = True
            self.stage.store.dead = True
            raise Crash
        receipt = await super()._publish(outgoing, progress, http)
        if dies and self.late and self.creates[outgoing.key] == 1 and not self.died:
            self.died = True
            self.stage.store.dead = True
            raise Crash
        return receipt

    died: bool = False


@pytest.mark.parametrize("late", [True, False], ids=["after", "before"])
def test_a_crash_leads_to_exactly_one(tmp_path: Path, *, late: bool) -> None:
    deadly = _Deadly()
    deadly.late, deadly.died = late, not late
    with build_world(tmp_path, networks=[deadly], settings=FAST) as world:

        async def script(stage: Stage) -> None:
            deadly.stage = stage
            await stage.ring()
            await Comments(world.ctx, stage.dispatcher.thread).publish_due()

        post = add_post(world.store, network="wary", comment=Comment(text="And by the way"))
        with pytest.raises(Crash):
            live(world, script)
        assert only(world, post).state is CommentState.SENDING
        settle(world, begin=True)
        assert only(world, post).state is CommentState.UNSURE
        speak(world)
        assert len(deadly.posts) == 1 + late, "not looked up before the far side can have ended its work"
        world.clock.advance(61)
        speak(world, 2)
        assert texts(world, "wary") == ["hello", "And by the way"]
        assert deadly.creates[f"{post.deliveries[0].key}-c"] == 1


def test_a_post_that_was_looked_up_gets_its_comment_too(world: World) -> None:
    post = add_post(world.store, network="wary", comment=Comment(text="And by the way"))
    network_of(world, "wary").modes = [Mode.LOSE_ANSWER]
    ring(world)
    settle(world, 2, after=120)
    speak(world)
    assert fate(world, post)[1] is Outcome.PUBLISHED
    assert texts(world, "wary") == ["hello", "And by the way"]


def test_what_the_database_may_have_forgotten_is_looked_up_first(world: World) -> None:
    post = published(world)
    speak(world)
    with world.store.write() as tx:  # as it was before that
        tx.exec_driver_sql(
            "UPDATE comment SET state = 'waiting', begun_at = NULL, receipt_id = NULL, tries = 0"
        )
        overdue.doubt_overdue(tx, None, told="the database went back", since=START, now=world.clock.now())
    assert only(world, post).state is CommentState.UNSURE
    speak(world)
    assert only(world, post).state is CommentState.PUBLISHED
    assert texts(world) == ["hello", "And by the way"]


def test_only_the_accounts_that_can_be_asked_are_doubted_where_that_is_said(world: World) -> None:
    post = published(world)
    with world.store.write() as tx:
        comments.doubt_comments(tx, [99], world.clock.now())
    assert only(world, post).state is CommentState.WAITING


def test_a_post_of_a_forgotten_try_may_have_been_commented_on(world: World) -> None:
    post = published(world)
    delivery = post.deliveries[0]
    with world.store.write() as tx:
        tx.exec_driver_sql("DELETE FROM comment")
        tx.exec_driver_sql("UPDATE delivery SET state = 'scheduled', result = NULL")
        overdue.doubt_overdue(tx, None, told="the database went back", since=START, now=world.clock.now())
        assert attempts.is_forgotten(tx, delivery.id)
    settle(world)
    assert fate(world, post)[0] is DeliveryState.PROCESSED
    assert only(world, post).state is CommentState.UNSURE


def test_what_the_user_says_was_published_gets_none_and_that_is_told(world: World) -> None:
    post = add_post(world.store, network="blind", comment=Comment(text="And by the way"))
    network_of(world, "blind").modes = [Mode.LOSE_ANSWER]
    ring(world)
    actions.settle(world.ctx, post_of(world.store, post.id), Verdict.PUBLISHED)
    (warning,) = warnings(world, post)
    assert "nobody knows how the network calls the post" in warning
    assert comments_of(world.ctx, post_of(world.store, post.id)) == []


def test_it_is_taken_away_with_its_post(world: World) -> None:
    post = published(world)
    speak(world)
    assert len(world.fake.posts) == 2
    with world.store.write() as tx:
        tx.exec_driver_sql("UPDATE delivery SET delete_at = ?", (str(START.replace(tzinfo=None)),))
    live(world, lambda stage: Removals(world.ctx, stage.dispatcher.thread).do_due())
    assert world.fake.posts == []
    key = post.deliveries[0].key
    assert world.fake.deletions == [f"{key}-c", key]


def test_it_is_not_published_below_what_was_taken_away(world: World) -> None:
    post = published(world, after=300)
    with world.store.write() as tx:
        tx.exec_driver_sql("UPDATE delivery SET delete_at = ?", (str(START.replace(tzinfo=None)),))
    live(world, lambda stage: Removals(world.ctx, stage.dispatcher.thread).do_due())
    speak(world, 2, after=600)
    assert world.fake.posts == []
    assert (only(world, post).state, only(world, post).message) == (
        CommentState.FAILED,
        "the post was taken away",
    )


def test_accounts_do_not_wait_for_one_another(world: World) -> None:
    add_post(world.store, to=("ann", "bob"), comment=Comment(text="And by the way"))
    ring(world)
    world.fake.modes = [Mode.FAIL]
    speak(world)
    assert texts(world).count("And by the way") == 1


def test_somebody_who_was_faster_is_no_fault(world: World) -> None:
    post = published(world)
    found, delivery = comments.due_comments, post.deliveries[0]
    del delivery
    with world.store.read() as tx:
        ((stale, of),) = found(tx, world.clock.now(), 10)

    async def script(stage: Stage) -> None:
        service = Comments(world.ctx, stage.dispatcher.thread)
        await service.publish_due()
        await service._publish_all([(stale, of)])

    live(world, script)
    assert texts(world) == ["hello", "And by the way"]
