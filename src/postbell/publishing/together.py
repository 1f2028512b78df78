"""Several requests at once, and never too many.

What was done by some of them is kept where others fail: a later try does the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Generic, TypeVar

from postbell.domain.media import Media, MediaKind
from postbell.errors import PublishError, RateLimited


T = TypeVar("T")
_R = TypeVar("_R")


@dataclass(frozen=True, kw_only=True)
class Reached(Generic[_R]):
    """How far several requests came."""

    #: What came of those before the first that failed, in their order.
    done: tuple[_R, ...]
    #: When to go on (aware UTC), where the network wants to be left alone until then; None: at once.
    again_at: datetime | None = None


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


async def as_far_as(items: Iterable[T], work: Callable[[T], Awaitable[_R]], *, most: int) -> Reached[_R]:
    """Do the same, and return what comes of those before the first that fails, so that it can be kept.

    All are waited for. Raises the PublishError of the first one of all if that fails, and everything else.
    """

    async def one(item: T) -> _R | PublishError:
        try:
            return await work(item)
        except PublishError as error:
            return error

    done = list[_R]()
    for result in await together(items, one, most=most):
        if isinstance(result, PublishError):
            if not done:
                raise result
            until = result.until if isinstance(result, RateLimited) else None
            return Reached(done=tuple(done), again_at=until)
        done.append(result)
    return Reached(done=tuple(done))


def next_files(media: Sequence[Media], start: int, *, most: int) -> Sequence[int]:
    """Return which files are uploaded next: some pictures, or one other file, which may be large."""
    numbers = range(start, min(start + most, len(media)))
    return list(takewhile(lambda at: media[at].kind is MediaKind.IMAGE, numbers)) or [start]
