"""What reads requests and writes answers: uvicorn, as the daemon needs it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from postbell.api.asgi import Asgi
from postbell.api.callers import peer_uid
from postbell.api.wall import Wall
from postbell.app import App
from postbell.domain.access import Key


#: Seconds within which the head of a request must have come.
_HEAD_SECONDS = 10.0
#: A head that is longer is refused.
_LONGEST_HEAD = 32_768
#: So many connections at once.
_MOST_CONNECTIONS = 200
#: Seconds that answers under way are waited for at the end.
_FAREWELL = 5


async def serve(
    application: Callable[[], Awaitable[Asgi]],
    app: Callable[[], App],
    listener: socket.socket,
    *,
    used: Callable[[Key], None],
    until: asyncio.Event,
) -> None:
    """Answer whoever connects and passes the wall; see `Wall`.

    At the end answers under way are waited for, for a few seconds.
    """
    config = uvicorn.Config(
        Wall(application, app, used=used),
        http=_Protocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,  # ours is from the clock of Postbell
        proxy_headers=False,
        h11_max_incomplete_event_size=_LONGEST_HEAD,
        timeout_graceful_shutdown=_FAREWELL,
    )
    await _Server(config, until).serve([listener])


class _Server(uvicorn.Server):
    """A server that leaves signals to the daemon, and does not wake to look whether it shall end."""

    def __init__(self, config: uvicorn.Config, until: asyncio.Event) -> None:
        super().__init__(config)
        self._until = until

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield

    async def main_loop(self) -> None:
        """Wait until it shall end."""
        await self._until.wait()


class _Protocol(H11Protocol):
    """A connection: it knows who is at the other end of a unix socket, and does not wait for ever."""

    _slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        super().connection_made(transport)
        if len(self.connections) > _MOST_CONNECTIONS:
            transport.close()
        uid = peer_uid(transport.get_extra_info("socket"))
        self.app_state = {**self.app_state, "peer_uid": uid}
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take what comes."""
        super().data_received(data)
        self._wait_for_head()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        super().connection_lost(exc)
        self._unset_slow()

    def _wait_for_head(self) -> None:
        """Give the head of a request its time, from when it is waited for."""
        if self.conn.their_state is not h11.IDLE:
            self._unset_slow()
        elif self._slow is None:
            self._slow = self.loop.call_later(_HEAD_SECONDS, self.transport.close)

    def _unset_slow(self) -> None:
        if self._slow:
            self._slow.cancel()
            self._slow = None
