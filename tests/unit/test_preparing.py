"""Before anything is sent its files are made to fit; what ends meanwhile is in no doubt."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.domain.media import Media
from postbell.domain.post import Post
from postbell.domain.states import DeliveryState, Outcome
from postbell.domain.when import When
from postbell.errors import BrokenOff
from postbell.services.media import fitting
from postbell.services.posts.compose import add_post
from postbell.services.posts.wanted import Wanted
from postbell.store.attempts import PREPARING, UNSENT
from postbell.testing import FakeNetwork, Mode
from support import pictures
from support.pictures import written
from support.stage import Blind, Crash, Stage, fate, live, ring, settle, until
from support.world import START, World, account_of, add_account, build_world, delivery_of, tries_of


SOON = START + timedelta(seconds=1)
WAITS, ENDED = DeliveryState.SCHEDULED, DeliveryState.PROCESSED
#: Says after a while that a picture fits as it is.
SLOW = "import time\ntime.sleep(0.4)\nprint('{}')\n"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(fitting, "_CHILD", (str(written(tmp_path, "slow.py", SLOW.encode())),))
    with build_world(tmp_path, networks=[FakeNetwork(), Blind()]) as made:
        add_account(made.store, "bea", network="blind")
        add_account(made.store, "ann")
        yield made


def due(world: World, folder: Path, to: str = "bea") -> Post:
    """Return a post that is due, whose picture is not made to fit yet."""
    picture = written(folder, "bell.png", pictures.png(40, 30))
    when = When(at=SOON, local=SOON.replace(tzinfo=None), zone="UTC")
    wanted = Wanted(text="Hello", to=(to,), when=when, media=((picture, "A bell"),))
    post = add_post(world.ctx, wanted).post
    unfit(world)
    world.clock.set(max(SOON, world.clock.now()))
    return post


def unfit(world: World) -> None:
    for made in world.app.places.media.rglob("*.same"):
        made.unlink()


def crash(world: World) -> None:
    with pytest.raises(Crash):
        live(world, Stage.ring, crash_at="preparing")


def last(world: World, post: Post) -> str | None:
    return tries_of(world.store, post.deliveries[0].id)[-1].message


def test_what_a_stop_broke_off_before_anything_was_sent_is_sent_by_the_next_process(
    world: World, tmp_path: Path
) -> None:
    post = due(world, tmp_path)

    async def script(stage: Stage) -> None:
        await stage.dispatcher.ring()
        await until(lambda: last(world, post) == PREPARING)
        await stage.dispatcher.drain(0)

    live(world, script)
    assert fate(world, post) == (WAITS, None, ["unavailable"])
    stopped = delivery_of(world.store, post.deliveries[0].id)
    assert (stopped.message, stopped.tries) == ("Postbell was stopped before anything was sent.", 0)
    assert account_of(world.store, "bea").setbacks == 0
    ring(world)
    assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["unavailable", "published"])


def test_work_that_ends_because_of_a_stop_is_no_setback_either(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = due(world, tmp_path)

    def fit(*_: object, **__: object) -> Media:
        raise BrokenOff("bell.png is not made to fit yet, because Postbell was stopped")

    with monkeypatch.context() as patched:
        patched.setattr(world.ctx.media, "fit", fit)
        ring(world)
    assert fate(world, post) == (WAITS, None, ["unavailable"])
    assert account_of(world.store, "bea").setbacks == 0
    assert delivery_of(world.store, post.deliveries[0].id).tries == 0
    ring(world)
    assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["unavailable", "published"])


def test_what_a_crash_ended_before_anything_was_sent_is_sent_by_the_next_process(
    world: World, tmp_path: Path
) -> None:
    post = due(world, tmp_path)
    crash(world)
    assert last(world, post) == PREPARING
    settle(world, begin=True)
    assert fate(world, post) == (WAITS, None, ["interrupted"])
    assert last(world, post) == UNSENT
    ring(world)
    assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["interrupted", "published"])
    assert last(world, post) is None


def test_nothing_is_written_down_where_files_were_made_to_fit_before(world: World, tmp_path: Path) -> None:
    post = due(world, tmp_path)
    world.ctx.fit(post.content, {}, account_of(world.store, "bea"))
    live(world, Stage.ring, crash_at="preparing")
    assert fate(world, post) == (ENDED, Outcome.PUBLISHED, ["published"])


def test_files_that_end_the_process_again_and_again_are_not_tried_any_more(
    world: World, tmp_path: Path
) -> None:
    post = due(world, tmp_path)
    for _ in range(3):
        unfit(world)
        crash(world)
        settle(world, begin=True)
    assert fate(world, post) == (ENDED, Outcome.FAILED, ["interrupted"] * 3)
    told = delivery_of(world.store, post.deliveries[0].id).message
    assert told
    assert told.endswith(f"it is not public: `postbell retry {post.id}` sends it again")


def test_an_earlier_doubt_stays_one(world: World, tmp_path: Path) -> None:
    post = due(world, tmp_path, "ann")
    world.fake.modes, world.fake.can_tell = [Mode.LOSE_REQUEST], False
    ring(world)
    settle(world)
    world.clock.advance(3600)
    unfit(world)
    crash(world)
    settle(world, begin=True)
    assert fate(world, post)[2][:3] == ["unsure", "unknown", "interrupted"]
    world.clock.advance(3600)
    ring(world)
    assert world.fake.creates[post.deliveries[0].key] == 1
