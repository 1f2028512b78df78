"""First comments that take their time, or do not come to an end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.domain.comment import CommentState
from postbell.publishing.protocol import Outgoing, Progress, Receipt
from postbell.publishing.web.http import Http
from postbell.services.sending import commenting, outcomes
from postbell.services.sending.commenting import Comments
from postbell.settings import RetrySettings, Settings
from postbell.store.waits import shift_waits
from postbell.testing import FakeNetwork, Mode
from support.commenting import only, published, speak, texts, warnings
from support.stage import Stage, live
from support.world import World, build_world


FAST = Settings(timezone="UTC", retry=RetrySettings(most_tries=3))


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "_WRITE_AGAIN", 0)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, settings=FAST) as made:
        yield made


class _Slow(FakeNetwork):
    """Asks for patience, then says how it went."""

    async def _publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        if outgoing.reply and progress is None:
            return Progress(step="it is looked at", again_at=http.now() + timedelta(minutes=5))
        receipt = await super()._publish(outgoing, progress, http)
        assert isinstance(receipt, Receipt)
        return replace(receipt, warnings=("It is odd.",)) if outgoing.reply else receipt


def test_a_step_that_takes_time_is_waited_for_and_a_warning_is_told(tmp_path: Path) -> None:
    with build_world(tmp_path, networks=[_Slow()], settings=FAST) as world:
        post = published(world)
        speak(world, 2, after=60)
        assert (only(world, post).state, only(world, post).message) == (
            CommentState.WAITING,
            "it is looked at",
        )
        world.clock.advance(200)
        speak(world)
        assert texts(world) == ["hello", "And by the way"]
        assert warnings(world, post) == ("First comment: It is odd.",)


def test_a_network_that_hangs_is_broken_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commenting, "LONGEST_STEP", 0.01)
    post = published(world, Mode.WAIT)
    speak(world)
    assert only(world, post).state is CommentState.UNSURE
    world.fake.gate.set()
    speak(world, 2, after=300)
    assert texts(world) == ["hello", "And by the way"]


def test_a_refusal_after_a_lost_answer_says_that_it_may_be_public(world: World) -> None:
    post = published(world, Mode.LOSE_ANSWER)
    speak(world)
    with world.store.write() as tx:
        tx.exec_driver_sql("UPDATE post SET comment = NULL")
    world.clock.advance(300)
    speak(world)
    (warning,) = warnings(world, post)
    assert warning.endswith("an earlier try may have been accepted: look.")


def test_the_daemon_looks_only_when_something_is_due(world: World) -> None:
    published(world, after=300)
    service = Comments(world.ctx, None)  # type: ignore[arg-type]
    with world.store.read() as tx:
        assert not service.wanted(tx)
        world.clock.advance(301)
        assert service.wanted(tx)


@pytest.mark.parametrize("back", [timedelta(hours=2), timedelta(days=365)], ids=str)
@pytest.mark.parametrize(
    ("modes", "after"), [([Mode.LIMIT], 0), ([Mode.FAIL], 0), ([], 0), ([], 90), ([], 9 * 86400)]
)
def test_a_step_back_of_the_clock_makes_its_wait_neither_longer_nor_shorter(
    world: World, modes: list[Mode], after: float, back: timedelta
) -> None:
    post = published(world, *modes, after=after)

    async def script(stage: Stage) -> None:
        said = Comments(world.ctx, stage.dispatcher.thread)
        if modes:
            await said.publish_due()
        wait = only(world, post).try_at - world.clock.now()
        for step in (back, timedelta(seconds=2)):
            world.clock.adjust(-step)
            await stage.dispatcher.look()
            assert only(world, post).try_at - world.clock.now() == wait
        world.clock.advance(max(wait - timedelta(seconds=1), timedelta()))
        assert await said.publish_due() == (not wait)
        world.clock.advance(1)
        assert await said.publish_due() == bool(wait)

    live(world, script)
    assert texts(world) == ["hello", "And by the way"]


def test_a_wait_that_no_clock_explains_begins_anew(world: World) -> None:
    post = published(world, after=90)
    world.clock.adjust(timedelta(days=-365))
    now = world.clock.now()
    with world.store.write() as tx:
        shift_waits(tx, timedelta(seconds=-2), now, longest=timedelta(days=1))
    assert only(world, post).try_at == now + timedelta(seconds=90)
