"""Where the queue and the search for the best moment put a post."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from postbell.domain.post import PlacedBy
from postbell.domain.weekly import DaysOff
from postbell.errors import Stale
from postbell.services.plan.placing import Auto, Queue, QueueMode
from postbell.store import posts
from support.placing import HOUR, LAST, NEXT, at, draft, due, gap, place, problems, queue, slots, wall
from support.world import START, World, add_account, add_post, build_world, claim, post_of


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as made:
        for name in ("ann", "bob"):
            add_account(made.store, name)
        slots(made, "ann", "09:00", "12:00", "18:00")
        yield made


# The queue


def test_a_queued_post_takes_the_next_free_posting_time_and_says_so(world: World) -> None:
    post = queue(world)
    (delivery,) = post.deliveries
    assert delivery.due_at == at(23, 11)
    assert delivery.placed_by is PlacedBy.QUEUE
    assert delivery.placed_why == "the next free posting time of ann: Mon 12:00 Europe/Berlin"
    assert (post.at, post.local, post.zone) == (
        at(23, 11),
        datetime.fromisoformat("2026-11-23T12:00"),
        "Europe/Berlin",
    )


def test_posts_are_queued_one_behind_the_other_and_over_the_night(world: World) -> None:
    assert [queue(world).at for _ in range(3)] == [at(23, 11), at(23, 17), at(24, 8)]


def test_a_time_that_any_other_post_has_is_not_free(world: World) -> None:
    add_post(world.store, at=at(23, 11))
    add_post(world.store, at=at(23, 17, 1))
    assert queue(world).at == at(23, 17)


def test_a_freed_time_is_free_again(world: World) -> None:
    first, _ = queue(world), queue(world)
    with world.store.write() as tx:
        posts.delete_post(tx, first.id)
    assert queue(world).at == at(23, 11)


def test_a_posting_time_within_the_next_minute_is_too_soon(world: World) -> None:
    slots(world, "ann", "10:00", "10:01", "10:02")
    world.clock.advance(1)
    assert queue(world).at == at(23, 9, 2)


def test_days_off_are_left_out(world: World) -> None:
    off = DaysOff(first=date(2026, 11, 23), last=date(2026, 11, 25))
    slots(world, "ann", "09:00", off=(off,))
    assert queue(world).at == at(26, 8)


def test_posting_times_stay_on_the_wall_when_clocks_change(world: World) -> None:
    slots(world, "ann", "09:00", zone="America/New_York")
    world.clock.advance((datetime(2027, 3, 13, tzinfo=UTC) - START).total_seconds())
    found = [queue(world).at for _ in range(2)]
    assert found == [datetime(2027, 3, 13, 14, tzinfo=UTC), datetime(2027, 3, 14, 13, tzinfo=UTC)]


def test_a_least_gap_to_other_posts_is_kept_before_and_after(world: World) -> None:
    gap(world, "ann", 2 * HOUR)
    add_post(world.store, at=at(23, 9, 30))
    add_post(world.store, at=at(23, 18, 59))
    assert queue(world).at == at(24, 8)
    slots(world, "ann", "12:00", "13:00", "14:00")
    assert [queue(world).at for _ in range(3)] == [at(23, 12), at(24, 11), at(24, 13)]


def test_each_account_has_its_own_time_and_the_earliest_is_that_of_the_post(world: World) -> None:
    slots(world, "bob", "19:30", zone="Asia/Tokyo")
    post = queue(world, "ann", "bob")
    assert (due(world, post, "ann"), due(world, post, "bob")) == (at(23, 11), at(23, 10, 30))
    assert (post.at, post.local, post.zone) == (
        at(23, 10, 30),
        wall("2026-11-23 19:30"),
        "Asia/Tokyo",
    )


def test_accounts_without_posting_times_are_all_told_with_the_mend(world: World) -> None:
    add_account(world.store, "carol")
    told = problems(world, draft(world, "ann", "bob", "carol"), Queue())
    assert told == [
        f"--queue (for {name}): it has no posting times; give it some: "
        f'`postbell queue slots {name} "mon-fri 09:00"`.'
        for name in ("bob", "carol")
    ]


@pytest.mark.parametrize("mode", QueueMode)
def test_a_queue_without_a_free_time_is_told(world: World, mode: QueueMode) -> None:
    slots(world, "ann", "09:00", off=(DaysOff(first=date(2026, 1, 1), last=date(2030, 1, 1)),))
    (told,) = problems(world, draft(world), Queue(mode=mode))
    assert told.startswith("--queue (for ann): none of its posting times within 400 days is free; ")


def test_no_posting_time_after_the_last_moment_of_the_post_is_taken(world: World) -> None:
    queue(world)
    post = replace(draft(world), not_after=at(23, 16))
    (told,) = problems(world, post, Queue())
    assert "none of its posting times until Mon 23 Nov 2026 16:00 UTC (16:00Z, in 7 h)" in told
    assert "the last moment that you have set for the post, is free" in told
    place(world, replace(post, not_after=at(23, 17)), Queue())
    assert due(world, post) == at(23, 17)


def test_a_post_that_is_queued_again_may_keep_its_time(world: World) -> None:
    first, _ = queue(world), queue(world)
    place(world, first, Queue())
    assert due(world, first) == at(23, 11)


# The very next, and the last


def test_the_very_next_time_moves_the_queue_down_up_to_the_next_free_one(world: World) -> None:
    one, two = queue(world), queue(world)
    far = queue(world, placing=Auto(start=at(24, 11), end=at(24, 11, 1)))
    new = draft(world)
    placed = place(world, new, NEXT)
    assert placed.moved == (one.id, two.id)
    assert [due(world, post) for post in (new, one, two, far)] == [
        at(23, 11),
        at(23, 17),
        at(24, 8),
        at(24, 11),
    ]
    moved = post_of(world.store, one.id)
    assert (moved.at, moved.local, moved.version) == (
        at(23, 17),
        wall("2026-11-23 18:00"),
        one.version + 1,
    )
    (delivery,) = moved.deliveries
    assert delivery.try_at == delivery.due_at
    assert delivery.placed_why == "moved within the queue of ann: Mon 18:00 Europe/Berlin"
    assert (
        placed.places[delivery.account_id].why == "the very next posting time of ann: Mon 12:00 Europe/Berlin"
    )


def test_posts_that_are_not_queued_stay_where_they_are(world: World) -> None:
    fixed = add_post(world.store, at=at(23, 11))
    one = queue(world)
    wedged = add_post(world.store, at=at(24, 8))
    new = queue(world, placing=NEXT)
    times = [due(world, post) for post in (fixed, new, one, wedged)]
    assert times == [at(23, 11), at(23, 17), at(24, 11), at(24, 8)]


def test_a_time_that_a_queued_post_shares_with_another_one_is_not_taken_a_third_time(world: World) -> None:
    shared = queue(world)
    add_post(world.store, at=at(23, 11))
    new = queue(world, placing=NEXT)
    assert (due(world, shared), new.at) == (at(23, 11), at(23, 17))


def test_the_least_gap_is_kept_when_the_queue_moves_down(world: World) -> None:
    gap(world, "ann", HOUR)
    slots(world, "ann", "12:00", "12:15", "13:15")
    one = queue(world)
    new = queue(world, placing=NEXT)
    assert (new.at, due(world, one)) == (at(23, 11), at(23, 12, 15))


def test_a_queued_post_comes_first_and_its_own_time_closes_the_gap(world: World) -> None:
    one, two, three = queue(world), queue(world), queue(world)
    placed = place(world, two, NEXT)
    assert placed.moved == (one.id,)
    assert [due(world, post) for post in (two, one, three)] == [at(23, 11), at(23, 17), at(24, 8)]


def test_a_post_for_several_accounts_moves_down_with_one_of_them_alone(world: World) -> None:
    slots(world, "bob", "11:30")
    both = queue(world, "ann", "bob")
    queue(world, placing=NEXT)
    moved = post_of(world.store, both.id)
    assert (due(world, both, "ann"), due(world, both, "bob")) == (at(23, 17), at(23, 10, 30))
    assert (moved.at, moved.local, moved.zone) == (at(23, 10, 30), both.local, "Europe/Berlin")


def test_a_move_down_keeps_to_the_last_moment_of_each_post(world: World) -> None:
    one = replace(draft(world), not_after=at(23, 12))
    place(world, one, Queue())
    new = draft(world)
    told = problems(world, new, NEXT)
    late = "it would come after the last moment that you have set for it, at Mon 18:00 Europe/Berlin."
    assert told == [f"post {one.id} (for ann): in this order {late}"]
    assert due(world, one) == at(23, 11)


def test_the_last_moment_of_the_first_post_does_not_bind_those_that_move_for_it(world: World) -> None:
    one = queue(world)
    new = replace(draft(world), not_after=at(23, 12))
    place(world, new, NEXT)
    assert (due(world, new), due(world, one)) == (at(23, 11), at(23, 17))


def test_the_very_next_time_after_the_last_moment_of_the_post_is_refused(world: World) -> None:
    add_post(world.store, at=at(23, 11))
    (told,) = problems(world, replace(draft(world), not_after=at(23, 12)), NEXT)
    assert "none of its posting times until Mon 23 Nov 2026 12:00 UTC" in told


def test_what_was_begun_meanwhile_is_not_moved(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    one, new = queue(world), draft(world)
    load = posts.load_posts
    monkeypatch.setattr(posts, "load_posts", lambda *how: [replace(each, version=9) for each in load(*how)])
    with pytest.raises(Stale, match="nothing was done"):
        place(world, new, NEXT)
    assert due(world, one) == at(23, 11)


def test_what_has_begun_keeps_its_time(world: World) -> None:
    one, two = queue(world), queue(world)
    claim(world.store, at(23, 11))
    new = queue(world, placing=NEXT)
    assert [due(world, post) for post in (one, new, two)] == [at(23, 11), at(23, 17), at(24, 8)]


def test_the_last_place_is_behind_the_whole_queue_though_there_is_room_before(world: World) -> None:
    one, two = queue(world), queue(world)
    with world.store.write() as tx:
        posts.delete_post(tx, one.id)
    add_post(world.store, at=at(24, 8))
    new = queue(world, placing=LAST)
    assert (due(world, two), new.at) == (at(23, 17), at(24, 11))
    assert new.deliveries[0].placed_why == "the end of the queue of ann: Tue 12:00 Europe/Berlin"


def test_the_last_place_of_an_empty_queue_is_the_first(world: World) -> None:
    assert queue(world, placing=LAST).at == at(23, 11)


def test_a_post_does_not_queue_behind_itself(world: World) -> None:
    one = queue(world)
    place(world, one, LAST)
    assert due(world, one) == at(23, 11)
