"""Videos of posts that were saved by programs, made to fit before the posts are due.

That takes minutes, and no request is kept waiting for it: what becomes of a video is foretold when the post
is checked. What is not done when a post is due is done then, before anything is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from postbell.domain.post import Post
from postbell.domain.states import DeliveryState
from postbell.errors import PostbellError
from postbell.services.context import Context
from postbell.store.accounts import accounts_named
from postbell.store.media import waiting_with_videos
from postbell.store.posts import load_posts


@dataclass
class Films:
    """Makes fit what waits for that, the earliest first, one at a time."""

    #: What it works with, as it is configured now.
    ctx: Callable[[], Context]
    _bell: asyncio.Event = field(default_factory=asyncio.Event)
    #: The posts that were looked at as they are now, whatever came of that.
    _done: set[tuple[str, int]] = field(default_factory=set)

    def wake(self) -> None:
        """Say that there may be more; on the loop's own thread."""
        self._bell.set()

    async def work(self) -> None:
        """Do what there is, and what comes, until cancelled."""
        self._bell.set()
        while True:
            await self._bell.wait()
            self._bell.clear()
            try:
                await self.turn()
            except PostbellError as error:  # what is left is done when it is due
                structlog.get_logger().warning("films_put_off", reason=str(error))

    async def turn(self) -> None:
        """Make fit what waits now. Raises PostbellError where the database or FFmpeg cannot be used."""
        ctx = self.ctx()
        waiting = await asyncio.to_thread(_waiting, ctx)
        self._done &= {(post.id, post.version) for post in waiting}
        for post in waiting:
            if (post.id, post.version) not in self._done:
                for told in await asyncio.to_thread(_fit, ctx, post):
                    structlog.get_logger().warning("film_not_made_to_fit", post=post.id, reason=told)
                self._done.add((post.id, post.version))


def _waiting(ctx: Context) -> list[Post]:
    with ctx.store.read() as tx:
        return load_posts(tx, waiting_with_videos(tx), ctx.media.path_of)


def _fit(ctx: Context, post: Post) -> list[str]:
    """Make the videos of a post fit for the accounts that wait for it; return what cannot be done."""
    with ctx.store.read() as tx:
        waiting = [each.account for each in post.deliveries if each.state is DeliveryState.SCHEDULED]
        accounts = accounts_named(tx, waiting)
    known = [account for account in accounts.values() if ctx.known(account.network)]
    unfit = [problem for account in known for problem in ctx.fit(post.content, post.overrides, account)[1]]
    return [str(problem) for problem in unfit]
