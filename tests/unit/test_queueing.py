"""The queue of an account: shown, and in another order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from postbell.domain.post import Post
from postbell.errors import Invalid, NotFound, Stale
from postbell.services.plan import queueing
from postbell.services.plan.placing import Queue
from postbell.store import posts
from support.placing import at, draft, due, place, queue, slots, wall
from support.world import START, World, account_of, add_account, add_post, build_world, claim, post_of


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as made:
        for name in ("ann", "bob"):
            add_account(made.store, name)
        slots(made, "ann", "09:00", "12:00", "18:00")
        yield made


def seats(world: World, count: int = 3, name: str = "ann") -> list[tuple[datetime, bool, list[str]]]:
    found = queueing.list_queue(world.ctx, name, count).seats
    return [(seat.at, seat.slot, [post.id for post in seat.posts]) for seat in found]


def order(world: World, *queued: Post) -> list[datetime | None]:
    return [due(world, post) for post in queued]


def test_the_next_posting_times_are_listed_with_who_has_them(world: World) -> None:
    other = add_post(world.store, at=at(23, 17))
    one = queue(world)
    add_post(world.store, at=at(23, 12))
    both = add_post(world.store, at=at(23, 17))
    assert seats(world) == [
        (at(23, 11), True, [one.id]),
        (at(23, 17), True, [other.id, both.id]),
        (at(24, 8), True, []),
    ]
    (first, *_) = queueing.list_queue(world.ctx, "ann", 3).seats
    assert (first.local, first.zone) == (wall("2026-11-23 12:00"), "Europe/Berlin")


def test_what_was_queued_before_the_posting_times_changed_is_listed_between_them(world: World) -> None:
    one, two = queue(world), queue(world)
    slots(world, "ann", "13:00")
    assert seats(world, 1) == [(at(23, 11), False, [one.id]), (at(23, 12), True, [])]
    assert queueing.list_queue(world.ctx, "ann", 1).later == 1
    queueing.set_slots(world.ctx, "ann", None)
    assert seats(world) == [(at(23, 11), False, [one.id]), (at(23, 17), False, [two.id])]
    assert queueing.list_queue(world.ctx, "ann", 1).later == 0


def test_an_account_without_posting_times_has_no_queue(world: World) -> None:
    assert seats(world, name="bob") == []
    assert queueing.list_queue(world.ctx, "bob", 3).account == account_of(world.store, "bob")


def test_the_queue_of_an_unknown_account_is_not_found(world: World) -> None:
    for ask in (
        lambda: queueing.list_queue(world.ctx, "carol", 3),
        lambda: queueing.reorder(world.ctx, "carol", []),
        lambda: queueing.shuffle(world.ctx, "carol"),
        lambda: queueing.set_slots(world.ctx, "carol", None),
    ):
        with pytest.raises(NotFound, match="carol"):
            ask()


def test_the_posts_that_are_named_come_first_and_the_others_follow(world: World) -> None:
    one, two, three = queue(world), queue(world), queue(world)
    moved = queueing.reorder(world.ctx, "ann", [three.id, two.id.upper()[:7]])
    assert sorted(moved) == sorted([one.id, three.id])
    assert order(world, three, two, one) == [at(23, 11), at(23, 17), at(24, 8)]
    now = post_of(world.store, three.id)
    assert (now.at, now.version, now.updated_at) == (at(23, 11), three.version + 1, START)
    assert now.deliveries[0].placed_why == "moved within the queue of ann: Mon 12:00 Europe/Berlin"


def test_only_what_is_queued_and_not_nearly_due_is_reordered(world: World) -> None:
    fixed, soon, later = add_post(world.store, at=at(23, 17)), queue(world), queue(world)
    world.clock.advance((at(23, 11) - START).total_seconds() - 59)
    with pytest.raises(Invalid) as refused:
        queueing.reorder(world.ctx, "ann", [later.id, soon.id, fixed.id, "nonsense"])
    assert [str(problem) for problem in refused.value.problems] == [
        f"{name}: it is not in the queue." for name in (soon.id, fixed.id, "nonsense")
    ]
    assert order(world, soon, later, fixed) == [at(23, 11), at(24, 8), at(23, 17)]


def test_the_same_seed_shuffles_alike(world: World) -> None:
    queued = [queue(world) for _ in range(6)]
    before = order(world, *queued)
    queueing.shuffle(world.ctx, "ann", 5)
    after = order(world, *queued)
    assert after != before
    assert sorted(map(str, after)) == sorted(map(str, before))
    queueing.reorder(world.ctx, "ann", [post.id for post in queued])
    assert order(world, *queued) == before
    queueing.shuffle(world.ctx, "ann", 5)
    assert order(world, *queued) == after


def test_without_a_seed_chance_shuffles(world: World) -> None:
    queued = [queue(world) for _ in range(3)]
    queueing.shuffle(world.ctx, "ann")
    assert sorted(map(str, order(world, *queued))) == [str(at(23, 11)), str(at(23, 17)), str(at(24, 8))]


def test_an_order_in_which_posts_come_too_late_is_refused_as_a_whole(world: World) -> None:
    first = replace(draft(world), not_after=at(23, 12))
    place(world, first, Queue())
    second, third = queue(world), queue(world)
    with pytest.raises(Invalid, match=f"post {first.id} .for ann.: in this order it would come after"):
        queueing.reorder(world.ctx, "ann", [third.id, second.id])
    assert order(world, first, second, third) == [at(23, 11), at(23, 17), at(24, 8)]


def test_what_was_taken_up_meanwhile_stays_and_nothing_else_moves(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = queue(world), queue(world)
    load = posts.load_posts

    def stale(*how: object) -> list[Post]:
        return [replace(each, version=9) for each in load(*how)]  # type: ignore[arg-type]

    monkeypatch.setattr(posts, "load_posts", stale)
    with pytest.raises(Stale):
        queueing.reorder(world.ctx, "ann", [two.id])
    monkeypatch.undo()
    assert order(world, one, two) == [at(23, 11), at(23, 17)]


def test_what_has_begun_is_not_in_the_queue_any_more(world: World) -> None:
    one, two = queue(world), queue(world)
    claim(world.store, at(23, 11))
    with pytest.raises(Invalid, match=f"{one.id}: it is not in the queue"):
        queueing.reorder(world.ctx, "ann", [one.id])
    assert queueing.shuffle(world.ctx, "ann") == ()
    assert due(world, two) == at(23, 17)


def test_a_post_that_another_account_now_publishes_first_keeps_its_zone(world: World) -> None:
    slots(world, "bob", "20:30", zone="Asia/Tokyo")
    both, other = queue(world, "ann", "bob"), queue(world)
    assert (both.at, both.zone) == (at(23, 11), "Europe/Berlin")
    queueing.reorder(world.ctx, "ann", [other.id])
    moved = post_of(world.store, both.id)
    assert (due(world, both, "ann"), due(world, both, "bob")) == (at(23, 17), at(23, 11, 30))
    assert (moved.at, moved.local, moved.zone) == (at(23, 11, 30), wall("2026-11-23 12:30"), "Europe/Berlin")
