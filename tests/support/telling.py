"""A Teller with ways that only write down what they get, and a clock of its own for spans."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from postbell.domain.notice import Notice
from postbell.errors import NotTold
from postbell.services.telling.message import Message
from postbell.services.telling.teller import Teller
from postbell.services.telling.ways import Way
from postbell.settings import NotifySettings
from postbell.store import deliveries, notices, overdue
from postbell.store.engine import Store
from postbell.store.thread import StoreThread
from support.world import World, add_post, build_world, claim


@dataclass
class Notebook:
    """A way that keeps what it is told, or fails while it has a reason to."""

    name: str = "notebook"
    failing: str | None = None
    messages: list[Message] = field(default_factory=list)
    #: Called before anything is taken.
    before: Callable[[], object] = lambda: None

    async def tell(self, message: Message) -> None:
        """Keep it; raises NotTold while failing."""
        self.check(thoroughly=False)
        self.before()
        self.messages.append(message)

    def check(self, *, thoroughly: bool) -> None:
        """Raise NotTold while failing."""
        if self.failing:
            raise NotTold(self.failing)

    @property
    def titles(self) -> list[str]:
        """The titles of what came."""
        return [message.title.removeprefix("Postbell: ") for message in self.messages]

    @property
    def last(self) -> str:
        """The text of what came last."""
        return self.messages[-1].body


@dataclass
class Told:
    """A world in which somebody is told."""

    world: World
    teller: Teller
    notebook: Notebook
    #: What counts the seconds for the Teller, besides the clock of the world.
    seconds: float = 0.0

    def pass_by(self, seconds: float) -> None:
        """Let time pass, on every clock."""
        self.seconds += seconds
        self.world.clock.advance(seconds)

    async def after(self, seconds: float) -> list[str]:
        """Let time pass and do a turn; return the titles of all that was told so far."""
        self.pass_by(seconds)
        await self.teller.turn()
        return self.notebook.titles

    def kept(self) -> list[Notice]:
        """Return every notice that is written down, the oldest first."""
        with self.world.store.read() as tx:
            return notices.list_notices(tx, 10_000)[::-1]


def telling(
    folder: Path,
    script: Callable[[Told], Awaitable[None]],
    *,
    ways: list[Way] | None = None,
    before: Callable[[Told], object] = lambda _told: None,
    **settings: Any,
) -> None:
    """Run `script` with a Teller that has begun; what came before is old to it.

    `before` is called before it begins. It may be called twice for one folder: that is a restart.
    """
    with build_world(folder) as world:

        async def run() -> None:
            # Whoever is locked out is to know it soon.
            store = Store(world.store.path, lock_wait=0.02)
            thread = StoreThread(store)
            notebook = Notebook()
            chosen = [notebook] if ways is None else ways
            told: list[Told] = []
            teller = Teller(
                world.ctx,
                thread,
                NotifySettings(**settings),
                ways=chosen,
                elapsed=lambda: told[0].seconds if told else 0.0,
            )
            told.append(Told(world=world, teller=teller, notebook=notebook))
            before(told[0])
            teller.begin()
            await teller.turn()
            try:
                await script(told[0])
            finally:
                thread.close()
                store.close()

        asyncio.run(run())


def fail(told: Told, name: str, why: str = "it is too long") -> str:
    """Let a post fail now; return its id."""
    now = told.world.clock.now()
    made = add_post(told.world.store, to=(name,), at=now, text=f"A post to {name}")
    (claimed,) = claim(told.world.store, now, limit=1)
    with told.world.store.write() as tx:
        deliveries.record_failed(tx, claimed.delivery.id, why, now)
    return made.id


def publish(told: Told, name: str, late: timedelta) -> None:
    """Publish a post now that was due earlier."""
    now = told.world.clock.now()
    add_post(told.world.store, to=(name,), at=now - late)
    (claimed,) = claim(told.world.store, now, limit=1)
    with told.world.store.write() as tx:
        if late > timedelta(seconds=5):
            overdue.record_late(tx, {claimed.delivery.id: "Postbell was not running"})
        deliveries.record_published(tx, claimed.delivery.id, receipt_id="r", url=None, warnings=(), now=now)


def lose(told: Told, name: str) -> int:
    """Make a post unsure now; return the number of its delivery."""
    now = told.world.clock.now()
    add_post(told.world.store, to=(name,), at=now)
    (claimed,) = claim(told.world.store, now, limit=1)
    with told.world.store.write() as tx:
        deliveries.lose_track(tx, claimed.delivery.id, "the answer was lost")
    return claimed.delivery.id
