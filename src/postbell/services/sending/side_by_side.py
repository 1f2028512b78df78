"""Work for many accounts, so that a network that hangs keeps nobody else waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar


T = TypeVar("T")


async def by_account(
    due: Iterable[T], account_of: Callable[[T], int], work: Callable[[list[T]], Awaitable[int]]
) -> int:
    """Do the work of each account beside that of the others; return the sum of what it returns.

    What fails with one account keeps no other one from its work; it is raised when all have ended.
    """
    found: dict[int, list[T]] = {}
    for each in due:
        found.setdefault(account_of(each), []).append(each)
    ends = await asyncio.gather(*map(work, found.values()), return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return sum(end for end in ends if isinstance(end, int))
