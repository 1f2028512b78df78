"""How people responded, and which hours of the week that speaks for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postbell.domain.post import Post
from postbell.domain.weekly import WeeklySlots
from postbell.errors import Conflict, Invalid, NotFound
from postbell.services.plan import engagement
from postbell.store import accounts
from support.stage import ring
from support.world import World, add_post, post_of


HOUR = timedelta(hours=1)


def published(world: World, *to: str) -> Post:
    """Publish a post now."""
    made = add_post(world.store, to=to or ("ann",), at=world.clock.now())
    ring(world)
    return post_of(world.store, made.id)


def told(world: World) -> list[tuple[str, int, int, float, int]]:
    return [
        (hour.account, hour.weekday, hour.hour, hour.mean, hour.posts)
        for hour in engagement.best_hours(world.ctx)
    ]


def test_responses_are_averaged_by_hour_of_the_week_the_best_first(world: World) -> None:
    for responses in (4, 8):
        engagement.record(world.ctx, published(world), responses)
        world.clock.advance(60)
    world.clock.advance(timedelta(hours=25).total_seconds())
    engagement.record(world.ctx, published(world), 10)
    engagement.record(world.ctx, published(world, "bob"), 1)
    assert told(world) == [("ann", 1, 10, 10.0, 1), ("ann", 0, 9, 6.0, 2), ("bob", 1, 10, 1.0, 1)]


def test_hours_are_those_on_the_clocks_of_the_posting_times(world: World) -> None:
    post = published(world)
    with world.store.write() as tx:
        accounts.set_slots(tx, "ann", WeeklySlots(zone="Asia/Tokyo", times=()))
    engagement.record(world.ctx, post, 1)
    (hour,) = engagement.best_hours(world.ctx)
    assert (hour.weekday, hour.hour, hour.zone) == (0, 18, "Asia/Tokyo")


def test_what_is_counted_again_replaces_what_was_said_before(world: World) -> None:
    post = published(world)
    for responses in (4, 6):
        counted = engagement.record(world.ctx, post, responses)
    assert (counted.account, told(world)) == ("ann", [("ann", 0, 9, 6.0, 1)])


@pytest.mark.parametrize("number", [-1, float("nan"), float("inf")])
def test_what_is_no_number_of_people_is_refused(world: World, number: float) -> None:
    with pytest.raises(Invalid, match="RESPONSES: it is not a number of people"):
        engagement.record(world.ctx, published(world), number)


def test_a_post_that_was_not_published_has_no_responses(world: World) -> None:
    post = add_post(world.store, at=world.clock.now() + HOUR)
    with pytest.raises(Conflict, match=f"Post {post.id} was not published: nobody"):
        engagement.record(world.ctx, post, 1)
    with pytest.raises(Conflict, match="was not published with ann: nobody"):
        engagement.record(world.ctx, post, 1, "ann")


def test_of_several_accounts_one_is_named(world: World) -> None:
    post = published(world, "ann", "bob")
    with pytest.raises(Conflict, match=r"say which with --account \(ann, bob\)"):
        engagement.record(world.ctx, post, 1)
    assert engagement.record(world.ctx, post, 1, "bob").account == "bob"


def test_an_account_that_the_post_is_not_meant_for_is_not_found(world: World) -> None:
    with pytest.raises(NotFound, match="is not meant for carol; its accounts: ann"):
        engagement.record(world.ctx, published(world), 1, "carol")
