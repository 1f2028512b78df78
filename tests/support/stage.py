"""A dispatcher and a recovery at work in a world: one life of a daemon, which may end in a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

from sqlalchemy import Connection

from postbell.domain.post import Post
from postbell.domain.states import DeliveryState, Outcome
from postbell.publishing.protocol import Absent, Outgoing, Progress, Receipt, Resend, Unknown
from postbell.publishing.web.http import Http
from postbell.services.sending.dispatch import Dispatcher
from postbell.services.sending.recover import Recovery
from postbell.store.engine import Store
from postbell.store.thread import StoreThread
from postbell.testing import FakeNetwork, Mode
from support.world import World, delivery_of, tries_of


T = TypeVar("T")


class Crash(BaseException):
    """The process is dead: nothing that runs afterwards may write."""


class Wary(FakeNetwork):
    """Must be asked before anything is repeated."""

    key: ClassVar[str] = "wary"
    resend: ClassVar[Resend] = Resend.LOOK_FIRST


class Blind(FakeNetwork):
    """Can neither be asked nor be told twice."""

    key: ClassVar[str] = "blind"
    resend: ClassVar[Resend] = Resend.NEVER


class Mute(FakeNetwork):
    """May be told twice, and cannot be asked."""

    key: ClassVar[str] = "mute"
    finds: ClassVar[bool] = False


class Answers(FakeNetwork):
    """Answers each question with the next of these; an error is raised."""

    def __init__(self, *answers: Any, modes: tuple[Mode, ...] = (Mode.LOSE_REQUEST,)) -> None:
        super().__init__(modes)
        self.answers = list(answers)
        self.asked: list[str] = []

    async def find(
        self, outgoing: Outgoing, progress: Progress | None, http: Http
    ) -> Receipt | Absent | Unknown:
        self.asked.append(outgoing.content.text)
        answer = self.answers.pop(0) if self.answers else Unknown(reason="hm")
        if isinstance(answer, BaseException):
            raise answer
        return answer


class WaryAnswers(Answers, Wary):
    """The same, where a repeat is not harmless."""


class ShakyStore(Store):
    """Refuses to write as it is told."""

    #: What the next writes raise; None lets one pass. After the last one every write passes.
    refusals: list[Exception | None]
    #: Set by a crash.
    dead: bool = False

    @contextmanager
    def write(self, *, by_user: bool = False) -> Iterator[Connection]:
        if self.dead:
            raise Crash
        refusals = self.__dict__.setdefault("refusals", [])
        if refusals and (refusal := refusals.pop(0)):
            raise refusal
        with super().write(by_user=by_user) as tx:
            yield tx


@dataclass
class Stage:
    """What lives for the time of one process."""

    world: World
    store: ShakyStore
    dispatcher: Dispatcher
    recovery: Recovery
    #: How often each was told.
    freed: list[None] = field(default_factory=list)
    lost: list[None] = field(default_factory=list)

    async def ring(self) -> int:
        """Ring, and wait until everything that was begun has ended."""
        begun = await self.dispatcher.ring()
        await self.idle()
        return begun

    async def idle(self) -> None:
        """Wait until everything that was begun has ended."""
        while self.dispatcher._running:
            await asyncio.wait(self.dispatcher._running)
            await asyncio.sleep(0)
        if self.store.dead:
            raise Crash

    async def begun(self, network: FakeNetwork, calls: int = 1) -> None:
        """Wait until a network was asked so often to publish."""
        await until(lambda: len(network.seen) >= calls)


async def until(happened: Callable[[], bool]) -> None:
    """Let the others work until something has happened."""
    while not happened():  # noqa: ASYNC110 - the code under test tells nobody
        await asyncio.sleep(0)


def live(
    world: World,
    script: Callable[[Stage], Awaitable[T]],
    *,
    crash_at: str | None = None,
    slots: int = 10,
    refusals: list[Exception | None] | None = None,
) -> T:
    """Run a script as one process would, in an event loop of its own; it dies at the point that is named."""

    async def run() -> T:
        store = ShakyStore(world.app.places.database)
        store.refusals = list(refusals or [])

        def checkpoint(point: str) -> None:
            if point == crash_at:
                store.dead = True
                raise Crash

        thread = StoreThread(store)
        dispatcher = Dispatcher(
            world.ctx,
            thread,
            slots=slots,
            started_at=world.clock.now(),
            longest_gap=timedelta(seconds=30),
            checkpoint=checkpoint,
        )
        stage = Stage(world, store, dispatcher, Recovery(world.ctx, thread))
        dispatcher.on_free = lambda: stage.freed.append(None)
        dispatcher.on_lost = lambda: stage.lost.append(None)
        try:
            return await script(stage)
        finally:
            await dispatcher.drain(0)
            thread.close()
            store.close()

    return asyncio.run(run())


def ring(world: World, times: int = 1, *, after: float = 0) -> None:
    """Ring so often in one life, `after` seconds apart."""

    async def script(stage: Stage) -> None:
        for _ in range(times):
            await stage.ring()
            world.clock.advance(after)

    live(world, script)


def settle(world: World, times: int = 1, *, after: float = 0, begin: bool = False) -> None:
    """Look up what is unsure so often in one life, `after` seconds apart."""

    async def script(stage: Stage) -> None:
        if begin:
            await stage.recovery.begin()
        for _ in range(times):
            await stage.recovery.settle()
            world.clock.advance(after)

    live(world, script)


def fate(world: World, post: Post) -> tuple[DeliveryState, Outcome | None, list[str | None]]:
    """Return the state and outcome of a post's only delivery, and how each of its tries ended."""
    (only,) = post.deliveries
    now = delivery_of(world.store, only.id)
    return now.state, now.outcome, [tried.result for tried in tries_of(world.store, only.id)]
