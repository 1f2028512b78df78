"""A year of a busy user in virtual time: the real store and the real engine, with crashes and outages."""

from __future__ import annotations

import random
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise, takewhile
from typing import ClassVar

import pytest
from structlog.testing import capture_logs

from postbell.domain.post import Delivery
from postbell.domain.recurrence import Recurrence, Unit, Weekday
from postbell.domain.recycling import Gap, GapUnit, Recycling
from postbell.domain.states import DeliveryState, Outcome
from postbell.domain.weekly import WeeklySlots, WeeklyTime
from postbell.services.series.recur import grow
from postbell.store import accounts, queue, timeline
from postbell.testing import FakeNetwork
from support.planting import plant_posts, plant_series
from support.stage import Blind, Crash, Stage, Wary, live
from support.world import World, add_account, build_world


BEGIN = datetime(2027, 1, 1, tzinfo=UTC)
END = datetime(2028, 1, 1, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
POSTS, SERIES, RECYCLED = 5000, 40, 200
#: When no daemon runs, and for how long; once while clocks change.
OUTAGES = (
    (datetime(2027, 2, 11, 15, 5, tzinfo=UTC), timedelta(hours=1)),
    (datetime(2027, 3, 27, 20, 0, tzinfo=UTC), timedelta(hours=30)),
    (datetime(2027, 8, 1, 6, 0, tzinfo=UTC), timedelta(days=10)),
)
#: The daemon does this far more often; that nothing hangs on how often is what is tested.
TICK = timedelta(hours=18)
CRASHES = (
    *("before_claim", "claimed", "answered", "recorded", "claimed"),
    *("answered", "before_claim", "claimed", "recorded", "answered"),
)


class Second(FakeNetwork):
    """A second network of the ordinary kind."""

    key: ClassVar[str] = "second"


@dataclass(frozen=True, kw_only=True)
class Year:
    """What came of it."""

    world: World
    networks: tuple[FakeNetwork, ...]
    deliveries: list[Delivery]
    series_of: dict[str, str | None]
    rules: dict[str, Recurrence | Recycling]
    crashes: int


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    folder = tmp_path_factory.mktemp("year")
    networks = (FakeNetwork(), Second(), Wary(), Blind())
    with build_world(folder, networks=networks) as world:
        with capture_logs(), _untraced():  # tens of thousands of lines that nobody reads
            lived = _lived(world, networks)
        yield lived


@contextmanager
def _untraced() -> Iterator[None]:
    """Do without what measures coverage: ten thousand repetitions teach it nothing, and take longer."""
    main, others = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield
    finally:
        sys.settrace(main)
        threading.settrace(others)


def _lived(world: World, networks: tuple[FakeNetwork, ...]) -> Year:
    world.clock.set(BEGIN)
    chance = random.Random(11)
    rules = _plant(world, chance)
    crashes = _live_through(world, chance)
    with world.store.read() as tx:
        found = timeline.due_between(tx, BEGIN, END, ended=True)
        of_series = {row.id: row.series_id for row in tx.exec_driver_sql("SELECT id, series_id FROM post")}
    return Year(
        world=world,
        networks=networks,
        deliveries=found,
        series_of=of_series,
        rules=rules,
        crashes=crashes,
    )


def _plant(world: World, chance: random.Random) -> dict[str, Recurrence | Recycling]:
    """Store the accounts, the posts, the series and the pieces of the year."""
    names = ["ann", "ben", "cat", "dan", "eve", "fay"]
    keys = ["fake", "second", "fake", "wary", "second", "blind"]
    for number, (name, key) in enumerate(zip(names, keys, strict=True)):
        add_account(world.store, name, network=key)
        times = tuple(WeeklyTime(day=day, time=time(7 + number, 15)) for day in (0, 3))
        with world.store.write() as tx:
            accounts.set_slots(tx, name, WeeklySlots(zone=ZONES[number % 3], times=times))
    minutes = int((END - BEGIN).total_seconds() // 60)
    moments = [BEGIN + timedelta(minutes=chance.randrange(5, minutes)) for _ in range(POSTS)]
    plant_posts(
        world.ctx, [(f"post {number}", [chance.choice(names)], at) for number, at in enumerate(moments)]
    )
    rules: dict[str, Recurrence | Recycling] = {}
    for number in range(SERIES):
        rule = _recurrence(number, chance)
        rules[plant_series(world, f"series {number} {{a|b|c}}", chance.sample(names, 1), rule)] = rule
    for number in range(RECYCLED):
        piece = _recycling(number, chance)
        rules[plant_series(world, f"piece {number} {{a|b|c}}", chance.sample(names, 1), piece)] = piece
    return rules


def _recurrence(number: int, chance: random.Random) -> Recurrence:
    zone, first = ZONES[number % 3], date(2027, 1, 1)
    at = (time(chance.randrange(24), chance.randrange(0, 60, 5)),)
    if number < 3:  # in the middle of the change of the clocks, every night
        times = (time(2, 10), time(2, 40)) if zone == "Australia/Lord_Howe" else (time(2, 30),)
        return Recurrence(every=Unit.DAY, times=times, zone=zone, first=first)
    if number % 3 == 0:
        return Recurrence(every=Unit.MONTH, days=(31,), times=at, zone=zone, first=first)
    if number % 3 == 1:
        return Recurrence(cron=f"{at[0].minute} {at[0].hour} * * 4", zone=zone, first=first)
    weekdays = (Weekday(day=chance.randrange(7)),)
    return Recurrence(every=Unit.WEEK, interval=2, weekdays=weekdays, times=at, zone=zone, first=first)


def _recycling(number: int, chance: random.Random) -> Recycling:
    gap = Gap(count=chance.randrange(8, 16), unit=GapUnit.WEEKS)
    at = time(chance.randrange(24), chance.randrange(60))
    first = datetime.combine(date(2027, 1, chance.randrange(2, 29)), at)
    library = f"library {number % 4}" if number % 2 else None
    return Recycling(gap=gap, first=first, zone=ZONES[number % 3], library=library)


def _live_through(world: World, chance: random.Random) -> int:
    """Run the year, life after life; return how many of them ended in a crash."""
    breaks: list[tuple[datetime, Callable[[], int]]] = []
    for begin, length in OUTAGES:
        breaks.append((begin, _outage(world, begin + length)))
    for number, point in enumerate(CRASHES):
        at = BEGIN + timedelta(days=20 + 34 * number, minutes=chance.randrange(1440))
        breaks.append((at, _crash(world, point)))
    crashes = 0
    for at, happens in sorted(breaks, key=lambda pair: pair[0]):
        live(world, lambda stage, at=at: _until(stage, at))  # type: ignore[misc]
        crashes += happens()
    live(world, lambda stage: _until(stage, END))
    return crashes


def _outage(world: World, end: datetime) -> Callable[[], int]:
    def sleep() -> int:
        world.clock.set(end)
        return 0

    return sleep


def _crash(world: World, point: str) -> Callable[[], int]:
    def die() -> int:
        with pytest.raises(Crash):
            live(world, lambda stage: _until(stage, END), crash_at=point)
        world.clock.advance(90)
        return 1

    return die


async def _until(stage: Stage, end: datetime) -> None:
    """Live until an instant, going from one thing to do to the next."""
    clock, thread = stage.world.clock, stage.dispatcher.thread
    await stage.recovery.begin()
    tick = clock.now()
    while (now := clock.now()) < end:
        if now >= tick:
            await grow(stage.world.ctx, thread)
            await stage.recovery.settle()
            tick = now + TICK
        while await stage.ring():
            pass
        waiting = await thread.read(queue.next_due)
        times = [each.ready_at for each in waiting if each.ready_at > now]
        clock.set(min([*times, tick, end]))


def _published(year: Year) -> dict[str, Delivery]:
    return {each.key: each for each in year.deliveries if each.outcome is Outcome.PUBLISHED}


def test_the_year_was_as_busy_as_it_should_be(year: Year) -> None:
    hand_made = [each for each in year.deliveries if year.series_of[each.post_id] is None]
    recycled = {key for key, rule in year.rules.items() if isinstance(rule, Recycling)}
    used = {year.series_of[each.post_id] for each in year.deliveries} & recycled
    assert (len(hand_made), year.crashes, len(OUTAGES)) == (POSTS, 10, 3)
    assert len(used) == RECYCLED


def test_nothing_is_lost(year: Year) -> None:
    # What the blind network was asked for when the process died can only be settled by a person.
    open_ = [each for each in year.deliveries if each.outcome is None]
    unsure = [each for each in year.deliveries if each.outcome is Outcome.UNSURE]
    assert open_ == []
    assert {each.network for each in unsure} <= {"blind"}
    assert len(unsure) <= year.crashes
    public = {outgoing.key for network in year.networks for outgoing in network.posts}
    assert set(_published(year)) == public - {each.key for each in unsure}


def test_nothing_is_published_twice(year: Year) -> None:
    public = Counter(outgoing.key for network in year.networks for outgoing in network.posts)
    assert {key: count for key, count in public.items() if count > 1} == {}


def test_posts_of_an_account_are_published_in_order(year: Year) -> None:
    by_key = {each.key: each for each in year.deliveries}
    for network in year.networks:
        order: dict[int, list[datetime]] = defaultdict(list)
        for outgoing in network.posts:
            each = by_key[outgoing.key]
            if each.tries == 1:  # what was in doubt after a crash gives way to others until it is looked up
                order[each.account_id].append(outgoing.due_at)
        assert all(times == sorted(times) for times in order.values())


def test_what_was_missed_says_why(year: Year) -> None:
    missed = [each for each in year.deliveries if each.state is DeliveryState.MISSED]
    assert missed
    for each in missed:
        assert each.message, each.post_id
        assert each.late_reason == "Postbell was not running", each


@pytest.mark.parametrize("number", range(len(OUTAGES)))
def test_after_an_outage_at_most_one_post_of_a_series_is_published(year: Year, number: int) -> None:
    begin, length = OUTAGES[number]
    late = [
        (year.series_of[each.post_id], each.account_id)
        for each in _published(year).values()
        if each.due_at and begin < each.due_at < begin + length and each.stream
    ]
    assert late
    assert max(Counter(late).values()) == 1


def test_every_slot_of_every_series_has_its_one_post(year: Year) -> None:
    slots: dict[str, list[datetime]] = defaultdict(list)
    for each in year.deliveries:
        if (series := year.series_of[each.post_id]) and each.due_at:
            slots[series].append(each.due_at)
    for series, rule in year.rules.items():
        meant = [each.at for each in takewhile(lambda found: found.at < END, rule.occurrences(BEGIN))]
        if meant:  # a piece of a library has no times of its own
            assert sorted(slots[series]) == meant


def test_a_piece_of_a_library_rests_for_its_gap(year: Year) -> None:
    uses: dict[tuple[str, int], list[datetime]] = defaultdict(list)
    for each in year.deliveries:
        series = year.series_of[each.post_id]
        rule = year.rules[series] if series else None
        if series and each.due_at and isinstance(rule, Recycling) and rule.library:
            uses[series, each.account_id].append(each.due_at)
    assert uses
    for (series, _), times in uses.items():
        rule = year.rules[series]
        assert isinstance(rule, Recycling)
        ordered = sorted(times)
        assert all(rule.next_use(was) <= then for was, then in pairwise(ordered))
