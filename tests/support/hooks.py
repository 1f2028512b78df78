"""Hooks that are told in this process, turn by turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from postbell.api.commands import in_words_of_the_api
from postbell.services.telling.hook_sender import HookSender
from postbell.services.telling.troubles import Troubles
from postbell.store.thread import StoreThread
from support.world import World


class Sending:
    """The sender of one life of a daemon, and what it had to complain about."""

    def __init__(self, world: World) -> None:
        self.thread = StoreThread(world.store)
        self.troubles = Troubles(now=world.ctx.now)
        self.sender = HookSender(world.ctx, self.thread, self.troubles, in_words_of_the_api)

    async def turn(self) -> None:
        """Tell what there is to tell, and wait until that is done."""
        await self.sender.turn()
        await asyncio.gather(*self.sender._telling.values())

    async def close(self) -> None:
        await self.sender.close()
        self.thread.close()


def during(world: World, script: Callable[[Sending], Awaitable[None]]) -> Sending:
    async def go() -> Sending:
        sending = Sending(world)
        try:
            await script(sending)
        finally:
            await sending.close()
        return sending

    return asyncio.run(go())


def tell(world: World, turns: int = 1) -> Sending:
    """Let all hooks be told, so many times."""

    async def script(sending: Sending) -> None:
        for _ in range(turns):
            await sending.turn()

    return during(world, script)
