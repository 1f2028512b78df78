"""Several things are done at once, and never too many."""

from __future__ import annotations

import asyncio

import pytest

from postbell.publishing.together import together


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
