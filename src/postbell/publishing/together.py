"""Several requests at once, and never too many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar


T = TypeVar("T")
_R = TypeVar("_R")


async def together(items: Iterable[T], work: Callable[[T], Awaitable[_R]], *, most: int) -> list[_R]:
    """Do the work for each of these, at most so many at once; return what comes of it, in their order.

    The first failure ends the others and is raised.
    """
    gate = asyncio.Semaphore(most)

    async def one(item: T) -> _R:
        async with gate:
            return await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(item)) for item in items]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]
