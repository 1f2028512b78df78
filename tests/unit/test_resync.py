"""The posts of a series follow it, but for those that somebody has changed by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from postbell.domain.content import Override
from postbell.domain.post import Post
from postbell.domain.recurrence import Unit
from postbell.domain.series import Series
from postbell.domain.states import PostState
from postbell.domain.when import When
from postbell.services.posts import actions
from postbell.services.posts.compose import edit_post
from postbell.services.posts.wanted import Changes
from postbell.services.series.resync import Synced, sync
from postbell.services.series.series import SavedSeries, SeriesChanges, edit_series, load_series
from postbell.store.media import record_media
from support.repeating import add, daily, give_slots, let_grow, made, piece
from support.stage import ring
from support.world import START, World, add_account, build_world, picture, post_of


DAY = timedelta(days=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as built:
        for name in ("ann", "bob"):
            add_account(built.store, name)
        yield built


def _edit(world: World, series: Series, **changes: object) -> SavedSeries:
    return edit_series(world.ctx, load_series(world.ctx, series.id), SeriesChanges(**changes))  # type: ignore[arg-type]


def _again(world: World, series: Series) -> Synced:
    with world.store.write() as tx:
        return sync(tx, world.ctx, load_series(world.ctx, series.id), world.clock.now())


def _slots(posts: list[Post]) -> list[str | None]:
    return [post.slot for post in posts]


def test_a_changed_text_reaches_every_post_to_come_in_its_place(world: World) -> None:
    series = add(world, daily(count=4))
    ids = [post.id for post in made(world)]
    saved = _edit(world, series, text="{Bye|Farewell}", labels=("x",), late_limit=timedelta(hours=1))
    posts = made(world)
    assert [post.id for post in posts] == ids == list(saved.synced.changed)
    assert {post.content.text for post in posts} == {"Bye", "Farewell"}
    assert {post.labels for post in posts} == {("x",)}
    assert {each.late_limit for post in posts for each in post.deliveries} == {timedelta(hours=1)}
    assert not any(post.touched for post in posts)


def test_to_follow_twice_changes_nothing(world: World) -> None:
    series = add(world, daily())
    before, stored = made(world), load_series(world.ctx, series.id)
    assert _again(world, series) == Synced()
    assert made(world) == before
    assert load_series(world.ctx, series.id) == stored


def test_one_that_was_edited_by_hand_stays_as_it_is(world: World) -> None:
    series = add(world, daily(count=3))
    second = made(world)[1]
    edit_post(world.ctx, second, Changes(text="By hand"))
    _edit(world, series, text="Bye")
    assert [post.content.text for post in made(world)] == ["Bye", "By hand", "Bye"]


def test_one_that_was_skipped_stays_skipped_also_when_the_time_of_day_changes(world: World) -> None:
    series = add(world, daily(count=3))
    actions.cancel(world.ctx, made(world)[1])
    _edit(world, series, rule=daily("11:00", count=3))
    states = [(post.slot, post.state) for post in made(world)]
    assert states == [
        ("2026-11-23T11:00", PostState.SCHEDULED),
        ("2026-11-24T10:00", PostState.CANCELLED),
        ("2026-11-25T11:00", PostState.SCHEDULED),
    ]
    assert _again(world, series) == Synced()


def test_one_that_was_moved_stays_where_it_is_and_nothing_takes_its_old_place(world: World) -> None:
    series = add(world, daily(count=3))
    at = START + 7 * DAY
    actions.reschedule(world.ctx, made(world)[1], When(at=at, local=at.replace(tzinfo=None), zone="UTC"))
    _edit(world, series, text="Bye")
    let_grow(world)
    assert _slots(made(world)) == ["2026-11-23T10:00", "2026-11-25T10:00", "2026-11-24T10:00"]
    assert made(world)[-1].at == at


def test_another_time_of_day_moves_the_posts_and_keeps_their_ids_and_turns(world: World) -> None:
    series = add(world, daily(count=3))
    before = made(world)
    _edit(world, series, rule=daily("18:30", count=3))
    after = made(world)
    assert [(post.id, post.turn) for post in after] == [(post.id, post.turn) for post in before]
    assert _slots(after) == ["2026-11-23T18:30", "2026-11-24T18:30", "2026-11-25T18:30"]
    assert [post.at for post in after] == [post.deliveries[0].due_at for post in after]
    assert after[0].at == START + timedelta(hours=9, minutes=30)


def test_a_rarer_rule_removes_what_is_left_over_and_a_denser_one_makes_what_is_missing(world: World) -> None:
    series = add(world, daily(count=7))
    weekly = replace(daily(count=2), every=Unit.WEEK)
    saved = _edit(world, series, rule=weekly)
    assert _slots(made(world)) == ["2026-11-23T10:00", "2026-11-30T10:00"]
    assert (len(saved.synced.removed), saved.synced.made, saved.series.made) == (6, 1, 2)
    _edit(world, series, rule=daily("10:00", "12:00", count=4))
    posts = made(world)
    assert _slots(posts) == [
        "2026-11-23T10:00",
        "2026-11-23T12:00",
        "2026-11-24T10:00",
        "2026-11-24T12:00",
    ]
    assert sorted(post.turn or 0 for post in posts) == [0, 1, 2, 3]


def test_what_was_published_today_is_not_taken_for_what_comes_today(world: World) -> None:
    series = add(world, daily(count=2))
    world.clock.advance(timedelta(hours=2))
    ring(world)
    _edit(world, series, rule=daily("10:00", "18:00", count=4))
    assert _slots(made(world)) == [
        "2026-11-23T10:00",
        "2026-11-23T18:00",
        "2026-11-24T10:00",
        "2026-11-24T18:00",
    ]


def test_what_is_due_already_is_left_alone(world: World) -> None:
    series = add(world, daily(count=2))
    world.clock.advance(timedelta(hours=2))  # no daemon ran
    _edit(world, series, text="Bye")
    assert [post.content.text for post in made(world)] == ["Hello", "Bye"]


def test_other_accounts_get_the_posts_to_come(world: World) -> None:
    series = add(world, daily(count=2), overrides={"ann": Override(text="Ann")})
    assert {each.account for post in made(world) for each in post.deliveries} == {"ann"}
    _edit(world, series, to=("ann", "bob"))
    both = made(world)
    assert [[each.account for each in post.deliveries] for post in both] == [["ann", "bob"]] * 2
    _edit(world, series, to=("bob",))
    posts = made(world)
    assert [[each.account for each in post.deliveries] for post in posts] == [["bob"]] * 2
    assert [post.deliveries[0].due_at for post in posts] == [post.at for post in posts]
    assert posts[0].overrides == {}


def test_files_follow_too(world: World) -> None:
    series = add(world, daily(count=1))
    with world.store.write() as tx:
        record_media(tx, [picture()], START)
    _edit(world, series, media=(picture(),))
    assert [item.name for item in made(world)[0].content.media] == ["cat.jpg"]
    assert [item.name for item in load_series(world.ctx, series.id).content.media] == ["cat.jpg"]


def test_a_rule_without_end_again_reaches_to_the_horizon(world: World) -> None:
    series = add(world, daily(count=3))
    saved = _edit(world, series, rule=daily())
    assert (len(made(world)), saved.series.made) == (60, 60)
    world.clock.advance(DAY)
    let_grow(world)
    assert len(made(world)) == 61


def test_a_piece_that_changes_changes_what_it_fills(world: World) -> None:
    give_slots(world, "ann", "12:00")
    give_slots(world, "bob", "13:00")
    series = add(world, piece(), to=("ann", "bob"))
    assert [post.deliveries[0].account for post in made(world)] == ["ann", "bob"]
    _edit(world, series, text="Bye", rule=piece(name="hints"), to=("ann",))
    (post,) = made(world)
    (delivery,) = post.deliveries
    assert (post.content.text, delivery.account, delivery.stream) == ("Bye", "ann", "library:hints")
    assert delivery.placed_why == "fills the empty slot Mon 12:00 of ann from library hints"
    assert load_series(world.ctx, series.id).made == 1


def test_a_piece_that_gets_times_of_its_own_fills_nothing_any_more(world: World) -> None:
    give_slots(world, "ann", "12:00")
    series = add(world, piece())
    _edit(world, series, rule=daily(count=2))
    assert _slots(made(world)) == ["2026-11-23T10:00", "2026-11-24T10:00"]
    _edit(world, series, rule=piece(last=date(2026, 11, 23)))
    assert [post.at for post in made(world)] == [START + timedelta(hours=3)]


def test_a_post_keeps_the_hand_of_its_user_over_the_series_when_it_is_published(world: World) -> None:
    series = add(world, daily(count=2))
    first = made(world)[0]
    actions.publish_now(world.ctx, first)
    ring(world)
    _edit(world, series, text="Bye")
    assert post_of(world.store, first.id).state is PostState.PROCESSED
    assert post_of(world.store, first.id).content.text == "Hello"
