"""Several things are done at once, and never too many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postbell.domain.media import MediaKind
from postbell.errors import RateLimited, Unavailable
from postbell.publishing.together import Reached, as_far_as, next_files, together
from support.pictures import picture


def test_what_comes_of_it_is_in_order_whatever_ends_first() -> None:
    async def work(number: int) -> str:
        for _ in range(10 - number):
            await asyncio.sleep(0)
        return str(number)

    assert asyncio.run(together(range(5), work, most=5)) == ["0", "1", "2", "3", "4"]
    assert asyncio.run(together([], work, most=2)) == []


def test_never_more_than_so_many_are_under_way() -> None:
    under_way, seen = 0, list[int]()

    async def work(_: int) -> None:
        nonlocal under_way
        under_way += 1
        seen.append(under_way)
        await asyncio.sleep(0)
        under_way -= 1

    asyncio.run(together(range(9), work, most=3))
    assert (max(seen), len(seen)) == (3, 9)


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, type("Crash", (BaseException,), {})])
def test_the_first_failure_ends_the_others_and_is_raised_as_it_is(kind: type[BaseException]) -> None:
    ended = list[int]()

    async def work(number: int) -> None:
        if number == 1:
            raise kind("no")
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    with pytest.raises(kind, match="no"):
        asyncio.run(together(range(3), work, most=3))
    assert ended in ([0], [0, 2], [2, 0])


def _failing(*failures: int, kind: type[Exception] = Unavailable) -> Callable[[int], Awaitable[int]]:
    async def work(number: int) -> int:
        await asyncio.sleep(0)
        if number in failures:
            raise kind(f"number {number}")
        return number

    return work


def test_what_came_before_the_first_failure_is_kept() -> None:
    assert asyncio.run(as_far_as(range(4), _failing(), most=2)) == Reached(done=(0, 1, 2, 3))
    assert asyncio.run(as_far_as(range(4), _failing(2), most=4)) == Reached(done=(0, 1))
    with pytest.raises(Unavailable, match="number 0"):
        asyncio.run(as_far_as(range(4), _failing(0, 1), most=4))
    with pytest.raises(ValueError, match="number 3"):
        asyncio.run(as_far_as(range(4), _failing(3, kind=ValueError), most=4))


def test_a_network_that_wants_to_be_left_alone_is_asked_for_the_rest_when_it_will_listen() -> None:
    until = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)

    async def work(number: int) -> int:
        if number == 2:
            raise RateLimited(until=until)
        return number

    assert asyncio.run(as_far_as(range(4), work, most=4)) == Reached(done=(0, 1), again_at=until)


def test_pictures_go_side_by_side_and_everything_else_alone(tmp_path: Path) -> None:
    image = picture(tmp_path)
    film = replace(image, kind=MediaKind.VIDEO)
    media = [image, image, film, image, image, image]
    found, done = list[Sequence[int]](), 0
    while done < len(media):
        found.append(next_files(media, done, most=2))
        done += len(found[-1])
    assert found == [[0, 1], [2], [3, 4], [5]]
