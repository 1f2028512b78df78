"""The place at which the HTTP API is asked, in the loop of the daemon: uvicorn, and the wall behind it."""

from __future__ import annotations

import asyncio
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import h11
import structlog
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from postbell.api.callers import peer_uid
from postbell.api.feed import Feed
from postbell.api.wall import Asgi, Wall
from postbell.app import App
from postbell.domain.access import Key
from postbell.errors import PostbellError
from postbell.sections import Listen, parse_listen
from postbell.services import keys
from postbell.services.ingest import Ingests
from postbell.services.troubles import Troubles
from postbell.store.keys import use_key
from postbell.store.thread import StoreThread


#: Seconds within which the head of a request must have come.
_HEAD_SECONDS = 10.0
#: A head that is longer is refused.
_LONGEST_HEAD = 32_768
#: So many connections at once.
_MOST_CONNECTIONS = 200
#: Seconds that answers under way are waited for at the end.
_FAREWELL = 5
#: That a key was used is written down this often.
_USED_EVERY = timedelta(minutes=1)
#: The name of the trouble.
_API = "api"


@dataclass(kw_only=True)
class Api:
    """The HTTP API of a daemon. Whatever becomes of it, posts are published."""

    #: Postbell, as it is configured now.
    app: App
    thread: StoreThread
    troubles: Troubles
    _server: _Server | None = None
    _serving: asyncio.Task[None] | None = None
    _path: Path | None = None

    def __post_init__(self) -> None:
        self._inner: Asgi | None = None
        self._feed: Feed | None = None
        self._making = asyncio.Lock()
        self._ingests = Ingests(lambda: (self.app.ctx, self.app.settings.media))
        self._working: asyncio.Task[None] | None = None
        self._notes: set[asyncio.Task[None]] = set()
        self._noted: dict[int, Any] = {}

    async def open(self) -> None:
        """Begin to answer, where the configuration says, unless that is done already.

        What keeps it from that is told to the user, and nothing is raised.
        """
        place = parse_listen(self.app.settings.api.listen)
        if place is None or self._serving:
            return
        log = structlog.get_logger()
        try:
            await self._require_key(place)
            listener = _bind(place)
        except (OSError, PostbellError) as error:
            told, mend = _not_open(place, error)
            log.warning("api_not_opened", reason=told)
            self.troubles.begin(_API, told, mend)
            return
        self._path = Path(place.path) if place.path else None
        self._server = _Server(_configured(Wall(self._application, lambda: self.app, used=self._note)))
        self._serving = asyncio.create_task(self._server.serve([listener]))
        self._working = asyncio.create_task(self._ingests.work())
        self.troubles.end(_API, f"The HTTP API is open at {place}.")
        log.info("api_opened", at=str(_address_of(place, listener)))

    async def close(self) -> None:
        """Let answers under way end, for a few seconds, and open no more."""
        if self._feed:
            self._feed.close()
        if self._server and self._serving:
            self._server.stop.set()
            with suppress(asyncio.CancelledError):
                await self._serving
        if self._working:
            self._working.cancel()
            await asyncio.wait([self._working])
        if self._path:
            self._path.unlink(missing_ok=True)
        if self._notes:
            await asyncio.wait(self._notes)

    async def _require_key(self, place: Listen) -> None:
        if not place.is_loopback and not await asyncio.to_thread(keys.list_keys, self.app.ctx):
            raise PostbellError("other machines would reach it, and there is no key yet")

    async def _application(self) -> Asgi:
        """Return what answers; to import it takes half a second, so that is done where somebody asks."""
        async with self._making:
            if self._inner is None:
                loop = asyncio.get_running_loop()

                def wake() -> None:
                    loop.call_soon_threadsafe(self._ingests.wake)

                self._inner = await asyncio.to_thread(self._make, wake)
        return self._inner

    def _make(self, wake: Callable[[], None]) -> Asgi:
        from postbell.api.application import build

        self._feed = Feed(lambda: self.app)
        return build(lambda: self.app, self._feed, wake=wake)

    def _note(self, key: Key) -> None:
        """Note that a key was used, soon, and seldom: an answer does not wait for that."""
        now = self.app.ctx.now()
        last = max((at for at in (self._noted.get(key.id), key.used_at) if at), default=None)
        if last is None or now - last >= _USED_EVERY:
            self._noted[key.id] = now
            task = asyncio.create_task(self._write_note(key.id))
            self._notes.add(task)
            task.add_done_callback(self._notes.discard)

    async def _write_note(self, key_id: int) -> None:
        with suppress(PostbellError):  # who has a use for it sees it a minute later
            await self.thread.write(use_key, key_id, self._noted[key_id])


def _not_open(place: Listen, error: Exception) -> tuple[str, str]:
    """Return in sentences why nothing is answered, and what to do."""
    reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    told = (
        f"The HTTP API is not open at {place}: {reason[0].lower()}{reason[1:]}. Posts are published anyway."
    )
    if isinstance(error, OSError):
        mend = "Name another place as `api.listen` in the configuration, or none, and restart the daemon."
    else:
        mend = (
            "Leave `api.listen` at 127.0.0.1 and put a reverse proxy with TLS in front, whose name is in "
            "`api.hosts`; or make a key with `postbell key add`, and restart the daemon."
        )
    return told, mend


def _bind(place: Listen) -> socket.socket:
    if not place.path:
        family = socket.AF_INET6 if ":" in place.address else socket.AF_INET
        listener = socket.create_server((place.address, place.port), family=family, backlog=100)
        # Connections inherit it. asyncio sees of these that they are streams, not that they are TCP, and
        # leaves it off; then what follows the head of an answer waits 40 ms for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    path = Path(place.path)
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        path.unlink()  # of a daemon that was killed; a running one holds the lock of the database
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(place.path)
        path.chmod(0o666)  # who asks is known by the system, not by the file
        listener.listen(100)
    except OSError:
        listener.close()
        raise
    return listener


def _address_of(place: Listen, listener: socket.socket) -> Listen:
    return place if place.path else Listen(address=place.address, port=listener.getsockname()[1])


def _configured(wall: Wall) -> uvicorn.Config:
    return uvicorn.Config(
        wall,
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


class _Server(uvicorn.Server):
    """A server that leaves signals to the daemon, and does not wake to look whether it shall end."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stop = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield

    async def main_loop(self) -> None:
        """Wait until it shall end."""
        await self.stop.wait()


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
