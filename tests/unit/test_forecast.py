"""What is foretold is what comes, and nothing is stored for it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import takewhile
from pathlib import Path

import pytest

from postbell.domain.content import resolve
from postbell.domain.pause import Pause, PauseScope
from postbell.domain.recurrence import Unit
from postbell.domain.recycling import Gap, GapUnit, Recycling
from postbell.domain.states import Outcome
from postbell.domain.weekly import WeeklySlots, WeeklyTime
from postbell.domain.when import parse_when
from postbell.services.context import Context
from postbell.services.plan import forecast
from postbell.services.plan.filling import fill_libraries
from postbell.services.plan.projection import Coming
from postbell.services.posts import actions, compose
from postbell.services.posts.wanted import Wanted
from postbell.services.series.recur import materialise
from postbell.services.series.series import end_series, load_series
from postbell.store import accounts, pauses, timeline
from support.planting import plant_series
from support.repeating import add, daily, give_slots, let_grow, made, piece
from support.stage import ring
from support.world import START, World, add_account, add_post, build_world, locate
from support.worlds import BEGIN, DAY, pause_some, populate


#: At, account, text, series.
Line = tuple[datetime, str, str, str | None]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as built:
        add_account(built.store, "ann")
        add_account(built.store, "bob")
        yield built


def _lines(found: list[Coming]) -> list[Line]:
    return [(each.at, each.account, each.content.text, each.series_id) for each in found]


def _texts(found: list[Coming]) -> list[str]:
    return [each.content.text for each in found]


def _grow_until(world: World, ctx: Context, end: datetime) -> None:
    """Let time pass up to `end`, and series and libraries make what is to be made as soon as it is."""
    begin = world.clock.now()
    with world.store.read() as tx:
        slots = [account.slots for account in accounts.list_accounts(tx) if account.slots]
    near = [takewhile(lambda slot: slot.at < end, each.occurrences(begin)) for each in slots]
    moments = {slot.at - ctx.fill_ahead for each in near for slot in each if slot.at - ctx.fill_ahead > begin}
    ends = {BEGIN + days * DAY for days in range(1, 5)}  # of pauses
    for moment in sorted({begin, *moments, *(at for at in ends if at > begin), end}):
        world.clock.set(moment)
        with world.store.write() as tx:
            while materialise(tx, ctx, moment) is not None:
                pass
            fill_libraries(tx, ctx, moment)


def _scheduled(world: World, start: datetime, end: datetime) -> list[Line]:
    with world.store.read() as tx:
        found = timeline.due_between(tx, start, end)
        posts = timeline.posts_of(tx, found, locate)
    lines = []
    for each in found:
        post = posts[each.post_id]
        said, _ = resolve(post.content, post.overrides, network=each.network, account=each.account)
        assert each.due_at is not None
        lines.append((each.due_at, each.account, said.text, post.series_id))
    return sorted(lines, key=lambda line: line[:2])


@pytest.mark.parametrize("seed", range(12))
def test_what_is_foretold_is_what_is_made(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    with build_world(tmp_path) as world:
        horizon = chance.choice((1, 3, 60))
        ctx = replace(world.ctx, horizon=horizon * DAY, fill_ahead=min(horizon, chance.choice((1, 2))) * DAY)
        populate(replace(world, app=replace(world.app, ctx=ctx)), chance)
        if seed % 3 == 0:
            pause_some(world, chance)
        now = BEGIN + chance.choice((0, 0, 1, 30)) * timedelta(hours=1)  # there was no daemon for so long
        world.clock.set(now)
        end = now + 6 * DAY
        before = _scheduled(world, BEGIN - 30 * DAY, end + 90 * DAY)
        foretold = [each for each in forecast.upcoming(ctx, count=10_000, until=end) if each.at >= now]
        few = forecast.upcoming(ctx, count=25)
        shown = forecast.between(ctx, now + 2 * DAY, end)
        assert _scheduled(world, BEGIN - 30 * DAY, end + 90 * DAY) == before
        _grow_until(world, ctx, end)
        came = _scheduled(world, now, end)
        assert sorted(_lines(foretold)) == sorted(came)
        first = [each for each in _lines(few) if each[0] >= now]
        both = min(len(first), len(foretold))
        assert first[:both] == _lines(foretold)[:both]
        assert _lines(shown) == [line for line in _lines(foretold) if line[0] >= now + 2 * DAY]


def test_what_accounts_share_is_foretold_in_the_order_in_which_it_is_used(world: World) -> None:
    gap = Gap(count=1, unit=GapUnit.HOURS)
    first = START.replace(tzinfo=None) - DAY
    rule = Recycling(gap=gap, first=first, zone="UTC", library="tips")
    plant_series(world, "{a|b|c|d|e|f|g}", ["ann", "bob"], rule)
    with world.store.write() as tx:
        for name, hours in (("ann", (10, 14, 20)), ("bob", (11, 15))):
            times = tuple(WeeklyTime(day=day, time=time(hour)) for day in range(7) for hour in hours)
            accounts.set_slots(tx, name, WeeklySlots(zone="UTC", times=times))
    foretold = _lines(forecast.upcoming(world.ctx, count=5))
    with world.store.write() as tx:
        fill_libraries(tx, world.ctx, world.clock.now())
    assert foretold == _scheduled(world, START, START + DAY)[:5]
    assert [at.hour for at, *_ in foretold] == [10, 11, 14, 15, 20]


def test_what_is_overdue_and_waits_comes_first(world: World) -> None:
    add_post(world.store, to=("ann",), at=START - DAY, text="old")
    add_post(world.store, to=("ann",), at=START + DAY, text="new")
    assert _texts(forecast.upcoming(world.ctx, count=10)) == ["old", "new"]
    assert _texts(forecast.upcoming(world.ctx, count=1)) == ["old"]
    assert _texts(forecast.upcoming(world.ctx, count=10, until=START)) == ["old"]


def test_of_those_at_the_same_time_none_is_left_out(world: World) -> None:
    for number in range(4):
        add_post(world.store, to=("bob", "ann"), at=START + DAY, text=str(number))
    found = forecast.upcoming(world.ctx, count=3)
    assert [each.account for each in found] == ["ann"] * 3


def test_a_series_that_comes_once_a_year_is_foretold_beyond_its_next_post(world: World) -> None:
    add(world, daily(every=Unit.YEAR), text="{a|b}")
    found = forecast.upcoming(world.ctx, count=100)
    assert [each.at.year for each in found] == [2026, 2027, 2028, 2029, 2030, 2031]
    assert [each.post_id is None for each in found] == [False, *[True] * 5]
    assert len({each.content.text for each in found[:2]}) == 2


def test_what_was_skipped_or_ended_is_not_foretold(world: World) -> None:
    first, second = add(world, daily(count=2)), add(world, daily(count=2), text="ended")
    (skipped, _) = made(world, first)
    actions.cancel(world.ctx, skipped)
    end_series(world.ctx, load_series(world.ctx, second.id))
    found = forecast.upcoming(world.ctx, count=10)
    assert [each.at for each in found] == [START + DAY + timedelta(hours=1)]


def test_what_is_paused_is_said_to_be_held_until_the_pause_ends(world: World) -> None:
    series = add(world, daily(count=4), labels=("news",))
    until = START + 2 * DAY
    with world.store.write() as tx:
        pauses.pause(tx, Pause(scope=PauseScope.LABEL, name="news", since=START, until=until))
    held = [each.held for each in forecast.upcoming(world.ctx, count=10)]
    assert held == ["label news is paused"] * 2 + [None] * 2
    with world.store.write() as tx:
        pauses.pause(tx, Pause(scope=PauseScope.SERIES, name=series.id, since=START))
    assert forecast.upcoming(world.ctx, count=10)[3].held == f"series {series.id} is paused"
    with world.store.write() as tx:
        accounts.pause_account(tx, "ann", START)
    assert forecast.upcoming(world.ctx, count=10)[3].held == "account ann is paused"


def test_an_account_that_the_network_refuses_is_said_to_hold_its_posts(world: World) -> None:
    (post,) = [add_post(world.store, to=("ann",), at=START + DAY)]
    with world.store.write() as tx:
        accounts.mark_unauthorized(tx, post.deliveries[0].account_id, "the token is old")
    assert forecast.upcoming(world.ctx, count=1)[0].held == "account ann must be reconnected"


def test_a_paused_account_and_a_skipped_time_stay_empty(world: World) -> None:
    give_slots(world, "ann", "12:00")
    add(world, piece(1))
    (filled,) = made(world)
    actions.cancel(world.ctx, filled)
    with world.store.write() as tx:
        accounts.pause_account(tx, "ann", START, START + 2 * DAY)
    found = forecast.upcoming(world.ctx, count=2)
    assert [each.at for each in found] == [START + timedelta(hours=3) + n * DAY for n in (2, 3)]


def test_between_shows_past_drafts_and_future(world: World) -> None:
    add_post(world.store, to=("ann",), at=START, text="past")
    ring(world)
    add(world, daily(count=1), text="future")
    for to in (("ann", "bob"), ()):
        when = parse_when("today 12:00", now=START, zone=world.ctx.zone)
        compose.add_post(world.ctx, Wanted(text="idea", to=to, when=when, draft=True))
    found = forecast.between(world.ctx, START - DAY, START + DAY)
    assert [(each.content.text, each.account, each.outcome, each.draft) for each in found] == [
        ("past", "ann", Outcome.PUBLISHED, False),
        ("future", "ann", None, False),
        ("idea", "", None, True),
        ("idea", "ann", None, True),
        ("idea", "bob", None, True),
    ]


def test_nothing_is_foretold_for_the_past_but_what_was(world: World) -> None:
    add(world, daily(first=START.date() - 10 * DAY))
    assert forecast.between(world.ctx, START - 5 * DAY, START - DAY) == []
    let_grow(world)
