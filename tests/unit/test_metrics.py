"""How people respond to what was published: read back ever more seldom, and never at a post's expense."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from postbell.domain.account import Health
from postbell.domain.metrics import AGES, Reading, counts_told, next_reading
from postbell.domain.post import Post
from postbell.errors import RateLimited, Rejected, Unauthorized, Unavailable
from postbell.publishing.protocol import Absent, Target
from postbell.publishing.web.http import Http
from postbell.services.plan import engagement
from postbell.services.sending.metrics import Metrics, readings_of
from postbell.store.thread import StoreThread
from postbell.testing import FakeNetwork
from support.stage import ring
from support.world import START, World, account_of, add_post, build_world, post_of


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Counting(FakeNetwork):
    """Answers each question with the next of these, then that there is nothing; an error is raised."""

    key: ClassVar[str] = "counting"

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Any] = []
        self.asked: list[str] = []

    async def metrics(self, target: Target, receipt_id: str, http: Http) -> Any:
        del target, http
        self.asked.append(receipt_id)
        answer = self.answers.pop(0) if self.answers else {"likes": 0}
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.fixture
def network() -> Counting:
    return Counting()


@pytest.fixture
def world(tmp_path: Path, network: Counting) -> Iterator[World]:
    with build_world(tmp_path, networks=[FakeNetwork(), network]) as made:
        yield made


def published(world: World, **more: Any) -> Post:
    post = add_post(world.store, **{"network": "counting", **more})
    ring(world)
    return post


def read(world: World, after: timedelta = timedelta()) -> int:
    """Let time pass, and do what the daemon does then."""
    world.clock.advance(after)

    async def once() -> int:
        thread = StoreThread(world.store)
        try:
            return await Metrics(world.ctx, thread).read_due()
        finally:
            thread.close()

    return asyncio.run(once())


def counts(world: World, post: Post) -> list[dict[str, int]]:
    return [dict(reading.counts) for reading in readings_of(world.ctx, post)]


def test_a_post_is_looked_at_an_hour_after_it_was_published_and_then_ever_more_seldom(
    world: World, network: Counting
) -> None:
    post = published(world)
    network.answers = [{"likes": n} for n in range(1, 8)]
    assert read(world, HOUR - timedelta(seconds=1)) == 0
    read_after, at = [], world.clock.now()
    while (passed := at - START) < 40 * DAY:
        if read(world):
            read_after.append(passed)
        at += timedelta(minutes=30)
        world.clock.advance(timedelta(minutes=30))
    assert [round(age / HOUR) for age in read_after] == [round(age / HOUR) for age in AGES]
    assert counts(world, post) == [{"likes": n} for n in range(1, 8)]


def test_after_a_longer_absence_it_is_looked_at_once(world: World, network: Counting) -> None:
    post = published(world)
    assert (read(world, 10 * DAY), read(world)) == (1, 0)
    assert len(counts(world, post)) == 1
    assert read(world, 4 * DAY) == 1


@pytest.mark.parametrize(
    ("now", "longest", "expected"),
    [
        (START, 30 * DAY, START + HOUR),
        (START + HOUR, 30 * DAY, START + 6 * HOUR),
        (START + 8 * DAY, 30 * DAY, START + 14 * DAY),
        (START + 8 * DAY, 10 * DAY, None),
        (START + 30 * DAY, 30 * DAY, None),
        (START, timedelta(minutes=59), None),
    ],
)
def test_the_next_time_is_the_next_age(now: datetime, longest: timedelta, expected: datetime | None) -> None:
    assert next_reading(START, now, longest) == expected


def test_the_best_hours_are_learnt_from_it(world: World, network: Counting) -> None:
    published(world)
    network.answers = [{"likes": 3, "replies": 2}, {"likes": 7, "replies": 2}]
    read(world, HOUR)
    read(world, 6 * HOUR)
    assert [(hour.mean, hour.posts) for hour in engagement.best_hours(world.ctx)] == [(9.0, 1)]


def test_a_network_that_does_not_count_is_not_asked(world: World) -> None:
    post = published(world, network="fake")
    assert read(world, 30 * DAY) == 0
    assert counts(world, post) == []


def test_what_is_not_public_any_more_is_not_looked_at_again(world: World, network: Counting) -> None:
    post = published(world)
    network.answers = [Absent()]
    read(world, HOUR)
    assert read(world, 30 * DAY) == 0
    assert (len(network.asked), counts(world, post)) == (1, [])


@pytest.mark.parametrize("error", [Unavailable("down"), RateLimited("slow")])
def test_a_network_that_does_not_answer_is_left_alone_for_an_hour(
    world: World, network: Counting, error: Exception
) -> None:
    first, second = published(world), published(world)
    network.answers = [error]
    assert read(world, 2 * HOUR) == 0
    assert account_of(world.store, "ann").rests_until is None, "no post waits for it"
    assert (len(network.asked), read(world, timedelta(minutes=59))) == (1, 0)
    assert read(world, timedelta(minutes=1)) == 2
    assert len(counts(world, first) + counts(world, second)) == 2


def test_one_that_names_a_time_is_left_alone_until_then(world: World, network: Counting) -> None:
    published(world)
    network.answers = [RateLimited("slow", until=START + 5 * HOUR)]
    read(world, HOUR)
    assert account_of(world.store, "ann").rests_until == START + 5 * HOUR
    assert (read(world, 3 * HOUR), read(world, HOUR)) == (0, 1)


@pytest.mark.parametrize("error", [Rejected("no"), Unauthorized("a scope is missing"), RuntimeError("oops")])
def test_what_it_refuses_to_tell_is_asked_at_the_next_age_and_holds_no_post_back(
    world: World, network: Counting, error: Exception
) -> None:
    published(world)
    network.answers = [error]
    read(world, HOUR)
    assert account_of(world.store, "ann").health is Health.OK
    assert read(world, HOUR) == 0
    assert read(world, 4 * HOUR) == 1
    post = published(world, at=world.clock.now())
    assert post_of(world.store, post.id).outcome


def test_no_other_account_waits_for_one_that_is_refused(world: World, network: Counting) -> None:
    published(world)
    published(world, to=("bob",))
    network.answers = [Unavailable("down")]
    assert read(world, HOUR) == 1


def test_counts_are_told_in_words() -> None:
    found = Reading(account="ann", read_at=START, counts={"likes": 1200, "replies": 1, "quotes": 0})
    assert counts_told(found) == "1,200 likes, 1 reply"
    assert counts_told(Reading(account="ann", read_at=START, counts={"likes": 0})) == "nothing yet"
