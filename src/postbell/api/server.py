"""The place at which the HTTP API is asked, in the loop of the daemon.

What serves it, and what answers, is loaded when somebody asks: a daemon that nobody asks needs neither.
"""

from __future__ import annotations

import asyncio
import importlib
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from postbell.app import App
from postbell.domain.access import Key
from postbell.errors import PostbellError
from postbell.sections import Listen, parse_listen
from postbell.services.accounts import keys
from postbell.services.media.filming import Films
from postbell.services.media.ingest import Ingests
from postbell.services.telling.troubles import Troubles
from postbell.store.keys import use_key
from postbell.store.thread import StoreThread


if TYPE_CHECKING:
    from postbell.api.asgi import Asgi
    from postbell.api.feed import Feed

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
    _listener: socket.socket | None = None
    _serving: asyncio.Task[None] | None = None
    _path: Path | None = None

    def __post_init__(self) -> None:
        self._stop = asyncio.Event()
        self._inner: Asgi | None = None
        self._feed: Feed | None = None
        self._making = asyncio.Lock()
        self._ingests = Ingests(lambda: (self.app.ctx, self.app.settings.media))
        self._films = Films(lambda: self.app.ctx)
        self._working: list[asyncio.Task[None]] = []
        self._notes: set[asyncio.Task[None]] = set()
        self._noted: dict[int, Any] = {}

    async def open(self) -> None:
        """Begin to answer, where the configuration says, unless that is done already.

        What keeps it from that is told to the user, and nothing is raised.
        """
        place = parse_listen(self.app.settings.api.listen)
        if place is None or self._listener:
            return
        log = structlog.get_logger()
        try:
            await self._require_key(place)
            self._listener = listener = _bind(place)
        except (OSError, PostbellError) as error:
            told, mend = _not_open(place, error)
            log.warning("api_not_opened", reason=told, mend=mend)
            self.troubles.begin(_API, told, mend)
            return
        self._path = Path(place.path) if place.path else None
        asyncio.get_running_loop().add_reader(listener, self._begin)
        self._working = [asyncio.create_task(each.work()) for each in (self._ingests, self._films)]
        self.troubles.end(_API, f"The HTTP API is open at {place}.")
        log.info("api_opened", at=str(_address_of(place, listener)))

    async def close(self) -> None:
        """Let answers under way end, for a few seconds, and open no more."""
        if self._feed:
            self._feed.close()
        self._stop.set()
        if self._serving:
            with suppress(asyncio.CancelledError):
                await self._serving
        elif self._listener:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)
        if self._path:
            self._path.unlink(missing_ok=True)
        if self._notes:
            await asyncio.wait(self._notes)

    def _begin(self) -> None:
        """Serve, from the first connection on."""
        assert self._listener
        asyncio.get_running_loop().remove_reader(self._listener)
        self._serving = asyncio.create_task(self._serve(self._listener))

    async def _serve(self, listener: socket.socket) -> None:
        serving = await asyncio.to_thread(importlib.import_module, "postbell.api.serving")
        await serving.serve(self._application, lambda: self.app, listener, used=self._note, until=self._stop)

    async def _require_key(self, place: Listen) -> None:
        if not place.is_loopback and not await asyncio.to_thread(keys.list_keys, self.app.ctx):
            raise PostbellError(keys.NO_KEY)

    async def _application(self) -> Asgi:
        """Return what answers; to import it takes half a second, so that is done where somebody asks."""
        async with self._making:
            if self._inner is None:
                loop = asyncio.get_running_loop()

                def wake() -> None:
                    for each in (self._ingests, self._films):
                        loop.call_soon_threadsafe(each.wake)

                self._inner = await asyncio.to_thread(self._make, wake)
        return self._inner

    def _make(self, wake: Callable[[], None]) -> Asgi:
        from postbell.api.application import build
        from postbell.api.feed import Feed

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
        return (
            told,
            "Name another place as `api.listen` in the configuration, or none, and restart the daemon.",
        )
    return told, keys.MAKE_KEY


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
