"""What is all public while something is left to do: it ends as published, once, whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from postbell.domain.account import Health
from postbell.domain.comment import CommentState
from postbell.domain.post import Post
from postbell.domain.states import DeliveryState, Outcome
from postbell.errors import Conflict
from postbell.publishing.protocol import Outgoing, Progress, Receipt
from postbell.publishing.web.http import Http
from postbell.services.posts import actions
from postbell.services.sending import dispatch, outcomes
from postbell.settings import RetrySettings, Settings
from postbell.store import comments, overdue
from postbell.testing import Mode
from support.commenting import only, published, speak, texts, warnings
from support.stage import Blind, Crash, Stage, fate, live, ring, settle
from support.world import START, World, account_of, add_post, build_world, delivery_of, post_of


WAITS, ENDED = DeliveryState.SCHEDULED, DeliveryState.PROCESSED


class Pinning(Blind):
    """Pins what it has published, in a step of its own; nobody can ask it what it has."""

    key: ClassVar[str] = "pinning"

    def __init__(self) -> None:
        super().__init__()
        #: How many of the next pins end the process.
        self.deadly = 0
        #: What the others do, first to last.
        self.pins: list[Mode] = []
        #: How often it was asked to pin.
        self.asked = 0

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        if not (progress and progress.receipt):
            result = await super().publish(outgoing, progress, http)
            assert isinstance(result, Receipt)
            return Progress(step="public, and not pinned yet", receipt=result)
        self.asked += 1
        if self.deadly:
            self.deadly -= 1
            raise Crash
        await self._before(self.pins.pop(0) if self.pins else Mode.PUBLISH, http)
        return progress.receipt


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "_WRITE_AGAIN", 0)


@pytest.fixture
def network() -> Pinning:
    return Pinning()


@pytest.fixture
def world(tmp_path: Path, network: Pinning) -> Iterator[World]:
    settings = Settings(timezone="UTC", retry=RetrySettings(most_tries=2))
    with build_world(tmp_path, networks=[network], settings=settings) as made:
        yield made


@pytest.fixture
def left(world: World, network: Pinning) -> Post:
    """A post that is public; the process died when it was to be pinned."""
    network.deadly = 1
    post = add_post(world.store, network="pinning")
    ring(world)
    return post


def told(world: World, post: Post) -> str | None:
    return delivery_of(world.store, post.deliveries[0].id).message


# After a death


def test_it_is_not_unsure_and_what_is_left_is_done_at_once(
    world: World, network: Pinning, left: Post
) -> None:
    settle(world, begin=True)
    assert fate(world, left) == (WAITS, None, ["interrupted"])
    assert told(world, left) == "Postbell ended when it was public, and not pinned yet; it goes on"
    ring(world)
    assert fate(world, left) == (ENDED, Outcome.PUBLISHED, ["interrupted", "published"])
    assert (len(network.posts), network.asked, warnings(world, left)) == (1, 2, ())


def test_it_is_never_too_late_for_that(world: World, left: Post) -> None:
    world.clock.advance(timedelta(days=9))
    settle(world, begin=True)
    ring(world)
    assert fate(world, left)[1] is Outcome.PUBLISHED


def test_nobody_can_cancel_what_is_public(world: World, left: Post) -> None:
    settle(world, begin=True)
    with pytest.raises(Conflict, match="nothing is left to cancel"):
        actions.cancel(world.ctx, post_of(world.store, left.id))


def test_a_database_that_has_gone_back_casts_no_doubt_on_it(world: World, left: Post) -> None:
    account = left.deliveries[0].account_id
    with world.store.write() as tx:
        overdue.doubt_begun(tx, [account], told="hm", since=None, now=START)
    settle(world, begin=True)
    with world.store.write() as tx:
        assert overdue.doubt_overdue(tx, None, told="hm", since=None, now=START) == []
    assert fate(world, left) == (WAITS, None, ["interrupted"])


def test_what_ends_the_process_three_times_is_left_out(world: World, network: Pinning, left: Post) -> None:
    network.deadly = 9
    for _ in range(4):
        settle(world, begin=True)
        ring(world)
    assert fate(world, left)[1] is Outcome.PUBLISHED
    assert network.asked == 3
    (warning,) = warnings(world, left)
    assert warning.startswith("It is public, and not pinned yet: Postbell ended 3 times in a row")


# After a failure


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        (Mode.REJECT, "asked to reject"),
        (Mode.LOSE_REQUEST, "asked to lose_request"),
        (Mode.BREAK, "a fault in Postbell's code for pinning (RuntimeError); please report it"),
        (Mode.WAIT, "it was not done after 15 min, and was broken off"),
    ],
)
def test_what_failed_is_a_warning(
    world: World, network: Pinning, mode: Mode, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "LONGEST_STEP", 900 if mode is not Mode.WAIT else 0.05)
    network.pins = [mode]
    post = add_post(world.store, network="pinning")
    ring(world)
    assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["published"])
    (warning,) = warnings(world, post)
    assert warning.startswith("It is public, and not pinned yet: ")
    assert mode is Mode.WAIT or warning.endswith(why)


def test_a_server_that_is_not_there_is_asked_again_until_the_last_try(world: World, network: Pinning) -> None:
    network.pins = [Mode.FAIL, Mode.FAIL]
    post = add_post(world.store, network="pinning")
    ring(world)
    assert fate(world, post) == (WAITS, None, ["unavailable"])
    world.clock.advance(3600)
    ring(world)
    assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["unavailable", "published"])
    assert warnings(world, post) == ("It is public, and not pinned yet: asked to fail",)
    assert len(network.posts) == 1


def test_an_account_that_must_be_reconnected_keeps_it_waiting(world: World, network: Pinning) -> None:
    network.pins = [Mode.REFUSE_ACCOUNT]
    post = add_post(world.store, network="pinning")
    ring(world)
    assert fate(world, post) == (WAITS, None, ["unauthorized"])
    assert account_of(world.store, "ann").health is not Health.OK


def test_what_is_broken_off_by_a_stop_goes_on_at_the_next_start(world: World, network: Pinning) -> None:
    network.pins = [Mode.WAIT]
    post = add_post(world.store, network="pinning")

    async def script(stage: Stage) -> None:
        await stage.dispatcher.ring()
        while not network.asked:  # noqa: ASYNC110 - the code under test tells nobody
            await asyncio.sleep(0)
        await stage.dispatcher.drain(0)

    live(world, script)
    assert fate(world, post) == (WAITS, None, ["progress"])
    assert told(world, post) == "waits: public, and not pinned yet"
    ring(world)
    assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["progress", "published"])


# First comments


def test_a_first_comment_that_is_public_is_not_unsure_after_a_death(world: World, network: Pinning) -> None:
    post = published(world, network="pinning")
    network.deadly = 1
    with pytest.raises(Crash):
        speak(world)
    with world.store.write() as tx:
        comments.lose_interrupted_comments(tx, START)
    assert only(world, post).state is CommentState.WAITING
    speak(world)
    assert only(world, post).state is CommentState.PUBLISHED
    assert texts(world, "pinning") == ["hello", "And by the way"]


def test_what_failed_after_a_first_comment_is_a_warning(world: World, network: Pinning) -> None:
    post = published(world, network="pinning")
    network.pins = [Mode.REJECT]
    speak(world)
    assert only(world, post).state is CommentState.PUBLISHED
    assert warnings(world, post) == ("First comment: It is public, and not pinned yet: asked to reject",)
