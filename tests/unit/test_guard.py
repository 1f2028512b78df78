"""What speaks against a post at its time: duplicates, its last moment, quotas, the least gap."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import insert, update

from postbell.domain.content import Override
from postbell.domain.limits import Limits
from postbell.domain.post import Post
from postbell.domain.quota import Per, Quota
from postbell.domain.states import DeliveryState, Outcome, PostState, SeriesState
from postbell.domain.when import When
from postbell.errors import Conflict, Invalid
from postbell.services.posts import actions
from postbell.services.posts.compose import add_post, edit_post, load_post
from postbell.services.posts.preview import preview_post
from postbell.services.posts.wanted import Changes, Saved, Terms, Wanted
from postbell.settings import Settings
from postbell.store import accounts
from postbell.store.tables import core as tables
from postbell.store.tables import series as series_tables
from postbell.testing import FakeNetwork, Mode
from support import pictures
from support.stage import ring
from support.world import START, World, add_account, build_world


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Stingy(FakeNetwork):
    """Takes few posts, and never takes one away."""

    key: ClassVar[str] = "stingy"
    label: ClassVar[str] = "Stingy"
    limits: ClassVar[Limits] = replace(FakeNetwork.limits, quotas=(Quota(most=2, per=Per.DAY),))
    deletes: ClassVar[bool] = False


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path, networks=[FakeNetwork(), Stingy()]) as made:
        add_account(made.store, "ann")
        add_account(made.store, "bob")
        add_account(made.store, "sam", network="stingy")
        yield made


def at(ahead: timedelta) -> When:
    return When(at=START + ahead, local=(START + ahead).replace(tzinfo=None), zone="UTC")


def add(world: World, text: str = "Hello", *to: str, ahead: timedelta | None = HOUR, **terms: Any) -> Saved:
    when = None if ahead is None else at(ahead)
    return add_post(world.ctx, Wanted(text=text, to=to or ("ann",), when=when, terms=Terms(**terms)))


def refused(world: World, *args: Any, **more: Any) -> list[str]:
    """Try to add a post; return what was said."""
    with pytest.raises(Invalid) as caught:
        add(world, *args, **more)
    return [str(problem) for problem in caught.value.problems]


def told(saved: Saved) -> list[str]:
    return [str(warning) for warning in saved.warnings]


def bound(world: World, name: str, **limits: Any) -> None:
    """Give an account limits."""
    unbound: dict[str, Any] = {"late_limit": None, "min_gap": None, "cooldown": None, "quotas": ()}
    with world.store.write() as tx:
        accounts.set_limits(tx, name, **unbound | limits)


def in_series(world: World, post: Post, state: SeriesState = SeriesState.ACTIVE) -> Post:
    """Make a post one of a series; return it."""
    row: dict[str, Any] = {
        "id": "s1",
        "state": state,
        "rule": {},
        "text": "Hello",
        "variants": [],
        "overrides": {},
    }
    row |= {"labels": [], "created_at": START, "updated_at": START}
    with world.store.write() as tx:
        tx.execute(insert(series_tables.series).values(row))
        tx.execute(
            update(tables.post).where(tables.post.c.id == post.id).values(series_id="s1", slot="x", turn=0)
        )
        mine = tables.delivery.c.post_id == post.id
        tx.execute(update(tables.delivery).where(mine).values(stream="s1"))
    return load_post(world.ctx, post.id)


# Duplicates.


def test_the_same_text_is_refused_with_the_id_and_the_time_of_the_other(world: World) -> None:
    other = add(world, "Hello").post
    (said,) = refused(world, "hello ", ahead=90 * DAY)
    which = f"post {other.id} says the same and is scheduled for 2026-11-23 10:00 UTC"
    assert said == f"text (for ann): {which}; change the text, or say --allow-duplicate."


def test_another_account_and_another_text_are_no_duplicates(world: World) -> None:
    add(world, "Hello")
    add(world, "Hello", "bob")
    add(world, "Hello there")


def test_what_one_account_is_told_instead_decides(world: World) -> None:
    add(world, "Hello")
    wanted = Wanted(text="Hello", to=("ann", "bob"), when=at(HOUR), overrides={"ann": Override(text="Hi")})
    add_post(world.ctx, wanted)
    assert len(refused(world, "Hi", "ann", "bob")) == 1
    assert len(refused(world, "Hello", "ann", "bob")) == 2


def test_what_was_published_is_a_duplicate_for_as_long_as_configured(world: World) -> None:
    post = add(world, "Hello").post
    world.clock.set(START + HOUR)
    ring(world)
    (problem,) = refused(world, "Hello", ahead=HOUR + 7 * DAY)
    assert f"post {post.id} says the same and was published 2026-11-23 10:00 UTC" in problem
    add(world, "Hello", ahead=HOUR + 7 * DAY + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("mode", "said"), [(Mode.LOSE_REQUEST, "may be public already"), (Mode.FAIL, "is scheduled for")]
)
def test_what_is_under_way_is_a_duplicate(world: World, mode: Mode, said: str) -> None:
    add(world, "Hello")
    world.fake.modes = [mode]
    world.clock.set(START + HOUR)
    ring(world)
    assert said in refused(world, "Hello", ahead=2 * HOUR)[0]


def test_what_is_being_sent_is_a_duplicate(world: World) -> None:
    post = add(world, "Hello").post
    sent = {"state": DeliveryState.PROCESSING, "begun_at": START}
    with world.store.write() as tx:
        tx.execute(update(tables.delivery).values(sent))
    assert f"post {post.id} says the same and is being sent; " in refused(world, "Hello")[0]


@pytest.mark.parametrize("ended", ["failed", "missed", "cancelled", "draft", "deleted"])
def test_what_was_not_published_and_will_not_be_is_no_duplicate(world: World, ended: str) -> None:
    post = add(world, "Hello", ahead=None if ended == "draft" else HOUR).post
    if ended == "cancelled":
        actions.cancel(world.ctx, post)
    elif ended == "deleted":
        actions.delete(world.ctx, post)
    elif ended != "draft":
        world.fake.modes = [Mode.REJECT]
        world.clock.set(START + (HOUR if ended == "failed" else 3 * DAY))
        ring(world)
        assert load_post(world.ctx, post.id).outcome == Outcome(ended)
    add(world, "Hello", ahead=4 * DAY)


def test_who_says_so_may_repeat_himself_and_that_is_kept(world: World) -> None:
    add(world, "Hello")
    post = add(world, "Hello", allow_duplicate=True).post
    assert actions.reschedule(world.ctx, post, at(DAY)).post.allow_duplicate


def test_without_a_window_everything_may_be_repeated(tmp_path: Path) -> None:
    with build_world(tmp_path, settings=Settings(timezone="UTC", duplicate_days=0)) as world:
        add_account(world.store, "ann")
        add(world, "Hello")
        add(world, "Hello")


def test_what_a_series_has_made_may_be_repeated(world: World) -> None:
    add(world, "Hello")
    post = in_series(world, add(world, "Other").post)
    edit_post(world.ctx, post, Changes(text="Hello"))


def test_an_edit_is_no_duplicate_of_itself(world: World) -> None:
    post = add(world, "Hello").post
    edit_post(world.ctx, post, Changes(title="A title", text="Hello"))


def test_an_edit_that_makes_a_duplicate_is_refused(world: World) -> None:
    add(world, "Hello")
    post = add(world, "Other").post
    with pytest.raises(Invalid, match="says the same"):
        edit_post(world.ctx, post, Changes(text="Hello"))
    assert load_post(world.ctx, post.id) == post


@pytest.mark.parametrize("how", ["reschedule", "publish", "edit"])
def test_a_draft_is_compared_when_it_is_scheduled(world: World, how: str) -> None:
    add(world, "Hello")
    post = add(world, "Hello", ahead=None).post
    ways: dict[str, Any] = {
        "reschedule": lambda **more: actions.reschedule(world.ctx, post, at(DAY), **more),
        "publish": lambda **more: actions.publish_now(world.ctx, post, **more),
        "edit": lambda **more: edit_post(
            world.ctx, post, Changes(when=at(DAY), terms=Terms(**more) if more else None)
        ),
    }
    with pytest.raises(Invalid, match="says the same"):
        ways[how]()
    assert load_post(world.ctx, post.id) == post
    assert ways[how](allow_duplicate=True).post.state is PostState.SCHEDULED


def test_a_duplicate_is_told_with_everything_else_that_is_wrong(world: World) -> None:
    add(world, "Hello")
    said = refused(world, "Hello", "ann", "nobody")
    assert [line.partition(":")[0] for line in said] == ["--to", "text (for ann)"]


def test_a_refused_duplicate_leaves_no_file_behind(world: World, tmp_path: Path) -> None:
    add(world, "Hello")
    picture = pictures.written(tmp_path, "cat.png", pictures.png())
    wanted = Wanted(text="Hello", to=("ann",), when=at(HOUR), media=((picture, ""),))
    with pytest.raises(Invalid, match="says the same"):
        add_post(world.ctx, wanted)
    assert not [path for path in world.app.places.media.rglob("*") if path.is_file()]


def test_of_two_commands_at_once_only_one_passes(world: World) -> None:
    gate, ended = threading.Barrier(2), []

    def command() -> None:
        gate.wait()
        try:
            add(world, "Hello")
            ended.append("saved")
        except Invalid:
            ended.append("refused")

    threads = [threading.Thread(target=command) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["refused", "saved"]


# The last moment, and taking away again.


def test_a_last_moment_before_the_time_is_refused(world: World) -> None:
    assert refused(world, "Hello", not_after=START) == [
        "--not-after: 2026-11-23 09:00 UTC is before the time of the post, 2026-11-23 10:00 UTC."
    ]
    post = add(world, "Hello", not_after=START + HOUR).post
    with pytest.raises(Invalid, match="--not-after"):
        actions.reschedule(world.ctx, post, at(2 * HOUR))
    assert post.deliveries[0].expires_at == START + HOUR


def test_a_dated_draft_with_a_last_moment_before_its_date_is_refused(world: World) -> None:
    wanted = Wanted(text="Hello", when=at(HOUR), draft=True, terms=Terms(not_after=START))
    with pytest.raises(Invalid, match="--not-after"):
        add_post(world.ctx, wanted)


def test_a_network_that_takes_nothing_away_is_named(world: World) -> None:
    (said,) = refused(world, "Hello", "ann", "sam", delete_after=DAY)
    assert said.startswith("--delete-after (for sam): Stingy cannot take posts away again")
    assert told(add(world, "Hello", "sam", ahead=None, delete_after=DAY)) == [said]
    assert add(world, "Hello", delete_after=DAY).post.delete_after == DAY


# Quotas and the least gap.


def test_a_quota_of_the_network_is_told_before_it_bites(world: World) -> None:
    add(world, "1", "sam")
    assert told(add(world, "2", "sam", ahead=2 * HOUR)) == []
    third = add(world, "3", "sam", "ann", ahead=3 * HOUR)
    assert third.post.state is PostState.SCHEDULED
    assert told(third) == ["time (for sam): it would be post 3 within 24 h; the network takes 2 a day."]
    assert told(add(world, "4", "sam", ahead=30 * HOUR)) == []


def test_what_was_published_counts_for_the_quota(world: World) -> None:
    add(world, "1", "sam", ahead=timedelta(0))
    add(world, "2", "sam", ahead=timedelta(0))
    ring(world, 2)
    assert len(told(add(world, "3", "sam"))) == 1


def test_an_account_may_have_quotas_of_its_own(world: World) -> None:
    bound(world, "sam", quotas=(Quota(most=None, per=Per.DAY), Quota(most=1, per=Per.MONTH)))
    add(world, "1", "sam")
    assert told(add(world, "2", "sam", ahead=20 * DAY)) == [
        "time (for sam): it would be post 2 within 30 d; the network takes 1 a month."
    ]


def test_a_post_does_not_count_against_itself(world: World) -> None:
    bound(world, "ann", min_gap=HOUR, quotas=(Quota(most=1, per=Per.DAY),))
    saved = add(world, "Hello")
    assert told(saved) == []
    assert told(edit_post(world.ctx, saved.post, Changes(text="Bye"))) == []
    moved = actions.reschedule(world.ctx, load_post(world.ctx, saved.post.id), at(HOUR * 1.5))
    assert told(moved) == []


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (60, ["due at the same time: it will be held back until 2026-11-23 11:00 UTC."]),
        (70, ["due 10 min before it: it will be held back until 2026-11-23 11:00 UTC."]),
        (30, ["due 30 min after it: that one will be held back until 2026-11-23 10:30 UTC."]),
        (120, []),
        (0, []),
    ],
)
def test_a_post_too_near_to_another_is_told_what_is_held_back(
    world: World, ahead: int, said: list[str]
) -> None:
    bound(world, "ann", min_gap=HOUR)
    add(world, "1")
    found = told(add(world, "2", ahead=timedelta(minutes=ahead)))
    assert found == [f"time (for ann): another post of the account is {words}" for words in said]


# A look before.


def test_a_preview_shows_duplicates_and_warnings_and_stores_nothing(world: World) -> None:
    bound(world, "ann", min_gap=HOUR)
    add(world, "Hello")
    wanted = Wanted(text="Hello", to=("ann",), when=at(HOUR), terms=Terms(not_after=START))
    (shown,) = preview_post(world.ctx, wanted)
    assert [problem.where for problem in shown.problems] == ["text", "--not-after"]
    assert [warning.where for warning in shown.warnings] == ["time"]
    assert (shown.at, shown.why) == (START + HOUR, None)


# Posts of a series.


@pytest.mark.parametrize("how", ["edit", "reschedule", "unschedule", "publish", "cancel"])
def test_whoever_changes_a_post_of_a_series_takes_it_out_of_its_hands(world: World, how: str) -> None:
    post = in_series(world, add(world, "Hello").post)
    assert not post.touched
    ways: dict[str, Any] = {
        "edit": lambda: edit_post(world.ctx, post, Changes(text="Bye")),
        "reschedule": lambda: actions.reschedule(world.ctx, post, at(DAY)),
        "unschedule": lambda: actions.unschedule(world.ctx, post),
        "publish": lambda: actions.publish_now(world.ctx, post),
        "cancel": lambda: actions.cancel(world.ctx, post),
    }
    ways[how]()
    now = load_post(world.ctx, post.id)
    assert now.touched
    assert now.deliveries[0].stream == (None if how == "unschedule" else "s1")


def test_a_post_of_an_active_series_is_cancelled_not_deleted(world: World) -> None:
    post = in_series(world, add(world, "Hello").post)
    with pytest.raises(Conflict, match=f"postbell cancel {post.id}"):
        actions.delete(world.ctx, post)
    assert load_post(world.ctx, post.id) == post


def test_a_post_of_an_ended_series_may_be_deleted(world: World) -> None:
    actions.delete(world.ctx, in_series(world, add(world, "Hello").post, SeriesState.ENDED))


def test_a_post_of_ones_own_is_not_touched(world: World) -> None:
    post = add(world, "Hello").post
    assert not edit_post(world.ctx, post, Changes(text="Bye")).post.touched
