"""Libraries fill empty posting times with the piece least recently used."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from postbell.domain.pause import Pause, PauseScope
from postbell.domain.post import PlacedBy
from postbell.domain.states import SeriesState
from postbell.domain.when import When
from postbell.services.posts import actions
from postbell.services.series.series import load_series
from postbell.store import accounts, pauses
from support.repeating import add, give_slots, let_grow, made, piece
from support.world import START, World, add_account, add_post, build_world


DAY = timedelta(days=1)
NOON = START + timedelta(hours=3)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as built:
        add_account(built.store, "ann")
        give_slots(built, "ann", "12:00")
        yield built


def _days(world: World, count: int) -> list[str]:
    """Let days go by; return what was filled in, in order."""
    for _ in range(count - 1):
        world.clock.advance(DAY)
        let_grow(world)
    return [post.content.text for post in made(world)]


def _cooldown(world: World, span: timedelta) -> None:
    with world.store.write() as tx:
        accounts.set_limits(tx, "ann", late_limit=None, min_gap=None, cooldown=span, quotas=())


def test_the_piece_least_recently_used_fills_the_next_empty_time(world: World) -> None:
    for text in ("a", "b", "c"):
        add(world, piece(days=2), text)
    assert _days(world, 7) == ["a", "b", "c", "a", "b", "c", "a"]
    first = made(world)[0]
    (delivery,) = first.deliveries
    assert (first.at, first.slot) == (NOON, f"{delivery.account_id}:2026-11-23T12:00")
    assert (delivery.due_at, delivery.placed_by, delivery.stream) == (NOON, PlacedBy.LIBRARY, "library:tips")
    assert delivery.placed_why == "fills the empty slot Mon 12:00 of ann from library tips"


def test_a_piece_waits_for_its_gap_and_the_time_stays_empty(world: World) -> None:
    add(world, piece(days=3), "a")
    _days(world, 7)
    assert [post.at for post in made(world)] == [NOON, NOON + 3 * DAY, NOON + 6 * DAY]


def test_an_account_rests_between_two_recycled_posts(world: World) -> None:
    _cooldown(world, 2 * DAY)
    for text in ("a", "b"):
        add(world, piece(days=1), text)
    _days(world, 5)
    assert [(post.at, post.content.text) for post in made(world)] == [
        (NOON, "a"),
        (NOON + 2 * DAY, "b"),
        (NOON + 4 * DAY, "a"),
    ]


def test_a_time_for_which_something_is_planned_is_not_filled(world: World) -> None:
    own = add_post(world.store, at=NOON)
    add(world, piece(), "a")
    assert [post.id for post in made(world)] == [own.id]


def test_a_time_that_the_user_skipped_stays_empty(world: World) -> None:
    for text in ("a", "b"):
        add(world, piece(), text)
    actions.cancel(world.ctx, made(world)[0])
    let_grow(world)
    assert [post.content.text for post in made(world)] == ["a"]


def test_a_time_from_which_a_post_was_moved_is_filled_by_another_piece(world: World) -> None:
    for text in ("a", "b"):
        add(world, piece(), text)
    at = NOON + timedelta(hours=1)
    actions.reschedule(world.ctx, made(world)[0], When(at=at, local=at.replace(tzinfo=None), zone="UTC"))
    let_grow(world)
    assert [(post.at, post.content.text) for post in made(world)] == [(NOON, "b"), (at, "a")]


def test_a_paused_account_gets_nothing_until_it_goes_on(world: World) -> None:
    with world.store.write() as tx:
        accounts.pause_account(tx, "ann", START, NOON + timedelta(hours=1))
    add(world, piece(), "a")
    assert _days(world, 2) == ["a"]
    assert made(world)[0].at == NOON + DAY


@pytest.mark.parametrize("scope", PauseScope)
def test_what_is_paused_fills_nothing(world: World, scope: PauseScope) -> None:
    with world.store.write() as tx:
        pauses.pause(tx, Pause(scope=PauseScope.EVERYTHING, since=START))
    series = add(world, piece(), "a", labels=("evergreen",))
    name = {PauseScope.SERIES: series.id, PauseScope.LABEL: "evergreen"}.get(scope, "")
    with world.store.write() as tx:
        pauses.resume(tx, PauseScope.EVERYTHING, "", START)
        pauses.pause(tx, Pause(scope=scope, name=name, since=START))
    let_grow(world)
    assert made(world) == []
    with world.store.write() as tx:
        pauses.resume(tx, scope, name, START)
    let_grow(world)
    assert [post.content.text for post in made(world)] == ["a"]


def test_a_piece_ends_after_its_last_use(world: World) -> None:
    series = add(world, piece(days=1, count=2), "{a|b}")
    assert sorted(_days(world, 4)) == ["a", "b"]
    stored = load_series(world.ctx, series.id)
    assert (stored.state, stored.made) == (SeriesState.ENDED, 2)


def test_a_piece_ends_with_its_last_day(world: World) -> None:
    series = add(world, piece(days=1, last=date(2026, 11, 24)), "a")
    assert _days(world, 2) == ["a", "a"]
    assert load_series(world.ctx, series.id).state is SeriesState.ACTIVE
    assert _days(world, 2) == ["a", "a"]
    assert load_series(world.ctx, series.id).state is SeriesState.ENDED


def test_two_accounts_use_a_piece_each_in_its_own_time(world: World) -> None:
    add_account(world.store, "bob")
    give_slots(world, "bob", "08:00", "20:00")
    series = add(world, piece(days=7), "a", to=("ann", "bob"))
    filled = [(post.at, post.deliveries[0].account) for post in made(world)]
    assert filled == [(NOON, "ann"), (START + timedelta(hours=11), "bob")]
    assert load_series(world.ctx, series.id).made == 2
