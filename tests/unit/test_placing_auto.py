"""The best moment of a range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from postbell.domain.post import PlacedBy
from postbell.services.plan import engagement
from postbell.services.plan.placing import Auto, choose
from support.placing import HOUR, at, draft, due, gap, place, problems, queue, slots, wall
from support.stage import ring
from support.world import START, World, account_of, add_account, add_post, build_world, post_of


DAY = timedelta(days=1)
#: The next day, in UTC.
TOMORROW = Auto(start=at(24, 0), end=at(25, 0), seed=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as made:
        for name in ("ann", "bob"):
            add_account(made.store, name)
        slots(made, "ann", "09:00", "12:00", "18:00")
        yield made


def test_the_best_moment_is_the_posting_time_farthest_from_other_posts(world: World) -> None:
    add_post(world.store, at=at(24, 7))
    post = queue(world, placing=TOMORROW)
    (delivery,) = post.deliveries
    assert (delivery.due_at, delivery.placed_by) == (at(24, 17), PlacedBy.AUTO)
    assert delivery.placed_why == "Tue 18:00 is a free slot, 10 h from the nearest other post"
    assert (post.at, post.local, post.zone) == (
        at(24, 17),
        wall("2026-11-24 18:00"),
        "Europe/Berlin",
    )


def test_a_post_beyond_the_range_counts_as_well(world: World) -> None:
    add_post(world.store, at=at(25, 7))
    assert queue(world, placing=TOMORROW).at == at(24, 8)


def test_an_hour_that_has_worked_is_preferred_and_the_reason_says_so(world: World) -> None:
    for day, responses in ((1, 10), (2, 2)):
        world.clock.advance((at(23, 11) + day * 7 * DAY - world.clock.now()).total_seconds())
        good = add_post(world.store, at=world.clock.now())
        ring(world)
        engagement.record(world.ctx, post_of(world.store, good.id), responses)
        world.clock.advance((at(23, 17) + day * 7 * DAY - world.clock.now()).total_seconds())
        bad = add_post(world.store, at=world.clock.now())
        ring(world)
        engagement.record(world.ctx, post_of(world.store, bad.id), 1)
    monday = at(23, 0) + 5 * 7 * DAY
    post = queue(world, placing=Auto(start=monday, end=monday + DAY))
    assert post.at == monday + 11 * HOUR
    assert "posts at Mon 12 h had 1.7 times the usual response (2 posts)" in (
        post.deliveries[0].placed_why or ""
    )


def test_the_same_seed_decides_alike_and_another_one_otherwise(world: World) -> None:
    post, ann = draft(world), account_of(world.store, "ann")
    with world.store.write() as tx:
        found = [
            choose(world.ctx, tx, post, [ann], replace(TOMORROW, seed=seed), now=START).when.at
            for seed in (1, 1, 2, 3, 4, 5)
        ]
    assert found[0] == found[1]
    assert len(set(found)) > 1


def test_without_a_seed_chance_decides(world: World) -> None:
    assert queue(world, placing=replace(TOMORROW, seed=None)).at in {at(24, 8), at(24, 11), at(24, 17)}


def test_an_account_without_posting_times_is_given_a_half_hour_of_the_day(world: World) -> None:
    post = queue(world, "bob", placing=TOMORROW)
    assert post.at is not None
    assert post.local == post.at.replace(tzinfo=None)
    assert 8 <= post.local.hour <= 22
    assert post.local.minute in (0, 30)
    assert post.zone == "UTC"


def test_each_account_has_its_own_best_moment(world: World) -> None:
    add_post(world.store, to=("ann",), at=at(24, 7))
    slots(world, "bob", "10:00")
    post = queue(world, "ann", "bob", placing=TOMORROW)
    assert (due(world, post, "ann"), due(world, post, "bob")) == (at(24, 17), at(24, 9))
    assert post.at == at(24, 9)


def test_a_range_that_has_begun_is_searched_from_now_on(world: World) -> None:
    assert queue(world, placing=Auto(start=START - DAY, end=at(23, 12))).at == at(23, 11)


def test_the_end_of_the_range_belongs_to_it(world: World) -> None:
    assert queue(world, placing=Auto(start=at(23, 12), end=at(23, 17))).at == at(23, 17)


def test_the_last_moment_of_the_post_ends_the_range(world: World) -> None:
    post = replace(draft(world), not_after=at(24, 8, 30))
    place(world, post, TOMORROW)
    assert due(world, post) == at(24, 8)


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (at(24, 8), at(24, 8), "the end of the range is not after its beginning."),
        (at(22, 8), START, "the range is over; give a later end."),
        (at(24, 8), at(24, 8) + 401 * DAY, "the range is longer than 400 days; give an earlier end."),
    ],
)
def test_a_range_that_cannot_be_searched_is_refused(
    world: World, start: datetime, end: datetime, said: str
) -> None:
    assert problems(world, draft(world), Auto(start=start, end=end)) == [f"--and: {said}"]


def test_a_range_after_the_last_moment_of_the_post_is_refused(world: World) -> None:
    (told,) = problems(world, replace(draft(world), not_after=at(23, 12)), TOMORROW)
    assert told == (
        "--and: the range begins after the last moment that you have set for the post, "
        "Mon 23 Nov 2026 12:00 UTC (12:00Z, in 3 h)."
    )


def test_a_range_without_a_posting_time_is_told(world: World) -> None:
    (told,) = problems(world, draft(world), Auto(start=at(24, 9), end=at(24, 10)))
    assert told == (
        "--between (for ann): it has none of its posting times between Tue 24 Nov 2026 09:00 UTC (09:00Z, "
        "in 1 d) and Tue 24 Nov 2026 10:00 UTC (10:00Z, in 1 d 1 h); give a longer range."
    )


def test_a_range_in_the_night_is_told_of_an_account_without_posting_times(world: World) -> None:
    (told,) = problems(world, draft(world, "bob"), Auto(start=at(24, 1), end=at(24, 2)))
    assert "it has none of its half hours from 8:00 to 22:00 between" in told


def test_what_takes_a_range_is_named(world: World) -> None:
    gap(world, "ann", 2 * HOUR)
    near = add_post(world.store, at=at(24, 7))
    (told,) = problems(world, draft(world), Auto(start=at(24, 8), end=at(24, 9)))
    assert told.endswith(f"are taken by {near.id}, or too near to other posts; give a longer range.")
    for minutes in range(5):
        add_post(world.store, at=at(24, 8, minutes))
    (told,) = problems(world, draft(world), Auto(start=at(24, 8), end=at(24, 9)))
    assert ", …, or too near" in told


def test_what_was_published_may_take_a_range_too(world: World) -> None:
    gap(world, "ann", 3 * HOUR)
    add_post(world.store, at=START)
    ring(world)
    (told,) = problems(world, draft(world), Auto(start=at(23, 10), end=at(23, 11, 30)))
    assert told.endswith("are taken, or too near to other posts; give a longer range.")
