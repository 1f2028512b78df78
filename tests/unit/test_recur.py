"""Series make their posts ahead of their time, each slot once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from postbell.domain.recurrence import Unit
from postbell.domain.recycling import Gap, GapUnit, Recycling
from postbell.domain.series import Series
from postbell.domain.states import DeliveryState, Outcome, PostState, SeriesState
from postbell.services.series import recur
from postbell.services.series.series import load_series
from postbell.store.tables import series as series_tables
from support.repeating import TODAY, add, daily, let_grow, made
from support.stage import ring
from support.world import START, World, add_account, build_world


DAY = timedelta(days=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as built:
        add_account(built.store, "ann")
        add_account(built.store, "bob")
        yield built


def _set_back(world: World, series: Series, **values: object) -> None:
    with world.store.write() as tx:
        tx.execute(update(series_tables.series).where(series_tables.series.c.id == series.id).values(values))


def test_a_series_has_its_posts_within_the_horizon_as_soon_as_it_is_added(world: World) -> None:
    series = add(world, daily("10:00"), to=("ann", "bob"), labels=("news",), late_limit=timedelta(hours=2))
    posts = made(world)
    assert [post.at for post in posts] == [START + timedelta(hours=1) + DAY * n for n in range(60)]
    first = posts[0]
    assert (first.state, first.series_id, first.slot) == (PostState.SCHEDULED, series.id, "2026-11-23T10:00")
    assert (first.turn, first.labels, first.zone) == (0, ("news",), "UTC")
    assert [(each.account, each.state, each.due_at) for each in first.deliveries] == [
        ("ann", DeliveryState.SCHEDULED, first.at),
        ("bob", DeliveryState.SCHEDULED, first.at),
    ]
    assert {each.stream for each in first.deliveries} == {series.id}
    assert first.at is not None
    assert first.deliveries[0].expires_at == first.at + timedelta(hours=2)
    assert series.made == 60


def test_as_time_goes_by_each_day_gets_its_post(world: World) -> None:
    series = add(world, daily())
    for _ in range(3):
        world.clock.advance(DAY)
        let_grow(world)
    assert [post.turn for post in made(world, series)] == list(range(63))


def test_at_least_the_next_post_is_made_however_far_away_it_is(world: World) -> None:
    series = add(world, daily(every=Unit.YEAR, first=date(2026, 6, 1)))
    assert [post.slot for post in made(world, series)] == ["2027-06-01T10:00"]
    world.clock.set(START + 100 * DAY)
    let_grow(world)
    assert len(made(world, series)) == 1
    world.clock.set(START + 190 * DAY)  # 2027-06-01 09:00
    let_grow(world)
    assert len(made(world, series)) == 1
    world.clock.advance(timedelta(hours=1))
    let_grow(world)
    assert [post.slot for post in made(world, series)] == ["2027-06-01T10:00", "2028-06-01T10:00"]


def test_to_make_the_posts_a_hundred_times_changes_nothing(world: World) -> None:
    series = add(world, daily("10:00", "18:00"))
    before, stored = made(world), load_series(world.ctx, series.id)
    for n in range(100):
        _set_back(world, series, made_until=START + n % 50 * DAY if n else None, next_at=START)
        let_grow(world)
    assert made(world) == before
    assert load_series(world.ctx, series.id) == stored


def test_what_passed_while_no_daemon_ran_is_made_too_and_only_the_newest_is_published(world: World) -> None:
    series = add(world, daily(), text="{one|two}")
    world.clock.set(START + 70 * DAY)
    let_grow(world)
    posts = made(world, series)
    assert len(posts) == 70 + 60
    ring(world, times=3)
    ended = [post for post in made(world, series) if post.at and post.at <= world.clock.now()]
    outcomes = [post.outcome for post in ended]
    assert outcomes == [Outcome.MISSED] * 69 + [Outcome.PUBLISHED]
    assert len(world.fake.seen) == 1


def test_a_change_of_the_horizon_counts_from_then_on(world: World) -> None:
    series = add(world, daily())
    for days, count in ((90, 90), (30, 90)):
        ctx = replace(world.ctx, horizon=timedelta(days=days))
        with world.store.write() as tx:
            recur.materialise(tx, ctx, START)
        assert len(made(world, series)) == count


def test_a_horizon_that_grew_asks_for_nothing_twice(world: World) -> None:
    """The only post of a yearly series is made; with a longer horizon it is looked at again, in vain."""
    series = add(world, daily(every=Unit.YEAR, first=date(2026, 6, 1)))
    ctx = replace(world.ctx, horizon=timedelta(days=100))
    with world.store.write() as tx:
        assert recur.materialise(tx, ctx, START + 160 * DAY) == 0
        assert recur.materialise(tx, ctx, START + 160 * DAY) is None
    assert len(made(world, series)) == 1


def test_very_many_posts_are_made_in_several_transactions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recur, "POSTS_AT_ONCE", 7)
    first, second = add(world, daily()), add(world, daily("11:00"))
    assert [len(made(world, each)) for each in (first, second)] == [7, 7]
    let_grow(world)
    assert [len(made(world, each)) for each in (first, second)] == [60, 60]


def test_a_series_ends_when_its_last_post_has_come(world: World) -> None:
    series = add(world, daily(count=3))
    assert len(made(world, series)) == 3
    assert series.state is SeriesState.ACTIVE  # what is to come can still be changed through it
    world.clock.set(START + 2 * DAY)
    let_grow(world)
    assert load_series(world.ctx, series.id).state is SeriesState.ACTIVE
    world.clock.advance(timedelta(hours=1))
    let_grow(world)
    ended = load_series(world.ctx, series.id)
    assert (ended.state, ended.next_at, ended.made) == (SeriesState.ENDED, None, 3)
    assert len(made(world, series)) == 3


def test_a_solo_recycled_post_comes_again_after_its_gap(world: World) -> None:
    rule = Recycling(
        gap=Gap(count=12, unit=GapUnit.HOURS), first=START.replace(tzinfo=None) + DAY, zone="UTC", count=4
    )
    posts = made(world, add(world, rule))
    assert [post.at for post in posts] == [START + DAY + timedelta(hours=12) * n for n in range(4)]


def test_each_post_takes_the_next_of_the_texts(world: World) -> None:
    series = add(world, daily(count=8), text="{a|b} {c|d}", variants=("e", "f"))
    said = [post.content.text for post in made(world, series)]
    assert sorted(said[:6]) == ["a c", "a d", "b c", "b d", "e", "f"]
    assert said[6:] == said[:2]


def test_variants_alone_are_texts_enough(world: World) -> None:
    series = add(world, daily(count=2), text="", variants=("e", "f"))
    assert sorted(post.content.text for post in made(world, series)) == ["e", "f"]


def test_a_name_that_is_taken_is_not_given_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (old,) = made(world, add(world, daily(count=1)))
    names = iter([old.id, "fresh222"])
    monkeypatch.setattr("postbell.services.plan.making.new_post_ids", lambda _random, _count: [next(names)])
    assert [post.id for post in made(world, add(world, daily(count=1)))] == ["fresh222"]


def test_the_first_day_of_a_rule_may_lie_in_the_past(world: World) -> None:
    series = add(world, daily(first=TODAY - 400 * DAY))
    assert made(world, series)[0].slot == "2026-11-23T10:00"
