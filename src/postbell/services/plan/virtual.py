"""The real engine on a virtual clock, with every network replaced by one that only says yes."""

from __future__ import annotations

import copy
import functools
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from postbell.clock import VirtualClock
from postbell.errors import Rejected
from postbell.publishing import parts
from postbell.publishing.protocol import Network, Outgoing, Progress, Receipt, at_server
from postbell.services.context import Context
from postbell.services.sending.dispatch import Dispatcher
from postbell.services.series.recur import grow
from postbell.store import queue
from postbell.store.backup import backup
from postbell.store.engine import Store
from postbell.store.thread import StoreThread


if TYPE_CHECKING:
    from postbell.publishing.web.http import Clients, Http


#: So often series make posts, libraries fill posting times, and what is overdue is looked for.
_TICK = timedelta(hours=6)
#: Seconds after which a try is broken off; none takes any time.
_LONG = 600.0


class Recorder:
    """A network that refuses what the real one would refuse by its limits, and takes everything else.

    It has what the real one has besides; without a client nothing of that reaches anybody.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    async def publish(self, outgoing: Outgoing, progress: Progress | None, http: Http) -> Receipt | Progress:
        """Say that it is public; raises Rejected for what is beyond the limits."""
        del progress, http
        account, content = outgoing.target.name, outgoing.content
        network = at_server(self._network, outgoing.target.session)
        problems = parts.problems(content, outgoing.options, network, account=account)
        # What an unchecked post comes to only the network knows.
        if found := [problem.message for problem in problems if problem.firm or not outgoing.unchecked]:
            raise Rejected("; ".join(found))
        return Receipt(id=outgoing.key)


@contextmanager
def virtual_context(ctx: Context, folder: Path, now: datetime) -> Iterator[Context]:
    """Yield a context on a copy of the database in `folder`, on a virtual clock.

    It reaches no network, and makes nothing of files.
    """
    path = folder / "postbell.db"
    backup(ctx.store.path, path)
    store = Store(path, durable=False)

    @functools.cache
    def network(key: str) -> Network:
        return cast("Network", Recorder(ctx.network(key)))

    # The files are the real ones, and to make one fit may take minutes.
    media = copy.copy(ctx.media)
    media.only_looks = True
    try:
        yield replace(
            ctx,
            store=store,
            media=media,
            clock=VirtualClock(now),
            random=random.Random(0),  # noqa: S311 - the same rehearsal twice says the same
            network=network,
            clients=_no_clients,
            ring=lambda: None,
        )
    finally:
        store.close()


def _no_clients() -> Clients:
    import httpx

    from postbell.publishing.web.http import Clients

    def refuse(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"a rehearsal asked {request.url}")

    return Clients(transport=httpx.MockTransport(refuse))


@dataclass(kw_only=True)
class Engine:
    """Lives through a span of virtual time, as a daemon would."""

    #: On a `VirtualClock`.
    ctx: Context
    #: How many deliveries may be under way at once.
    slots: int
    #: Is told now and then how late it is.
    progress: Callable[[datetime], None] = lambda _now: None
    _thread: StoreThread = field(init=False)

    def __post_init__(self) -> None:
        self._thread = StoreThread(self.ctx.store)

    async def run(self, until: datetime, outages: Sequence[tuple[datetime, datetime]] = ()) -> None:
        """Live until an instant; within the outages (sorted, each from and to) no daemon runs."""
        for begin, end in outages:
            await self._live(min(begin, until))
            self._clock.set(max(self._clock.now(), min(end, until)))
        await self._live(until)

    def close(self) -> None:
        """End the thread."""
        self._thread.close()

    @property
    def _clock(self) -> VirtualClock:
        return cast("VirtualClock", self.ctx.clock)

    async def _live(self, until: datetime) -> None:
        """Be one process, from now until an instant."""
        dispatcher = Dispatcher(
            self.ctx,
            self._thread,
            slots=self.slots,
            started_at=self.ctx.now(),
            longest_gap=timedelta.max / 4,  # the clock jumps from one thing to do to the next
        )
        tick = self.ctx.now()
        while (now := self.ctx.now()) < until:
            if now >= tick:
                await grow(self.ctx, self._thread)
                tick = now + _TICK
                self.progress(now)
            while await dispatcher.ring():
                await dispatcher.drain(_LONG)
            waiting = await self._thread.read(queue.next_due)
            times = [each.ready_at for each in waiting if each.ready_at > now]
            self._clock.set(min([*times, tick, until]))
