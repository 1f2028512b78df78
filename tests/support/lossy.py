"""A proxy that loses answers: the server did what was asked of it, and the client never hears of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit


_LONGEST_HEAD = 65_536


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a client asked for."""

    method: str
    #: The path with its query.
    target: str


@dataclass(kw_only=True)
class Trap:
    """Something that happens to the answers of matching requests, the first `times` of them."""

    method: str
    #: A piece of the path or its query.
    path: str
    times: int
    holds: bool
    #: Requests whose answers were caught: the server had answered them all.
    caught: list[Request] = field(default_factory=list)
    _loop: asyncio.AbstractEventLoop
    _answered: threading.Event = field(default_factory=threading.Event)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def wait(self, seconds: float = 30) -> Request:
        """Wait until the server has answered the first matching request, and return that request."""
        if not self._answered.wait(seconds):
            raise AssertionError(f"no {self.method} with {self.path!r} was answered within {seconds:.0f} s")
        return self.caught[0]

    def release(self) -> None:
        """Let held answers go on to whoever still waits for them."""
        self._loop.call_soon_threadsafe(self._released.set)

    def _catches(self, request: Request) -> bool:
        wanted = self.method == request.method and self.path in request.target
        return wanted and len(self.caught) < self.times


class LossyProxy:
    """A running proxy. One request per connection; answers pass through unchanged."""

    def __init__(self, upstream: str, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        place = urlsplit(upstream)
        self._upstream = (str(place.hostname), int(place.port or 80))
        self._traps: list[Trap] = []
        self._server: asyncio.Server | None = None
        #: Every request that was forwarded, in the order of arrival.
        self.requests: list[Request] = []
        #: The address to use in place of the server's.
        self.url = ""

    def lose(self, method: str, path: str, *, times: int = 1) -> Trap:
        """Drop the connection, without a byte, after the server has answered."""
        return self._set(method, path, times=times, holds=False)

    def hold(self, method: str, path: str, *, times: int = 1) -> Trap:
        """Keep the server's answer back until the trap is released or the proxy ends."""
        return self._set(method, path, times=times, holds=True)

    def count(self, method: str, path: str) -> int:
        """Return how many matching requests were forwarded."""
        return sum(each.method == method and path in each.target for each in list(self.requests))

    def _set(self, method: str, path: str, *, times: int, holds: bool) -> Trap:
        trap = Trap(method=method, path=path, times=times, holds=holds, _loop=self._loop)
        self._traps.append(trap)
        return trap

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_LONGEST_HEAD)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A client that goes away in the middle, or connects and says nothing, is what this proxy is for.
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._exchange(reader, writer)
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        request = Request(method=method, target=target)
        body = await _body(head, reader)
        self.requests.append(request)
        trap = next((each for each in self._traps if each._catches(request)), None)
        if trap:
            trap.caught.append(request)
        answer = await self._ask(head, body)
        if trap:
            trap._answered.set()
            if not trap.holds:
                return
            await trap._released.wait()
        writer.write(answer)
        await writer.drain()

    async def _ask(self, head: bytes, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*self._upstream)
        try:
            writer.write(_rewritten(head, "{}:{}".format(*self._upstream)) + body)
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()


@contextmanager
def lossy_proxy(upstream: str) -> Iterator[LossyProxy]:
    """Run a proxy in front of the server at `upstream` (http://host:port) in a thread of its own."""
    loop = asyncio.new_event_loop()
    proxy = LossyProxy(upstream, loop)
    loop.run_until_complete(proxy._start())
    thread = threading.Thread(target=loop.run_forever, name="lossy-proxy", daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(_stop(proxy), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _stop(proxy: LossyProxy) -> None:
    assert proxy._server
    proxy._server.close()
    open_now = asyncio.all_tasks() - {asyncio.current_task()}
    for task in open_now:
        task.cancel()
    await asyncio.gather(*open_now, return_exceptions=True)
    await asyncio.sleep(0)  # connections report their end in the loop's next round


async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    """Read the body as it was sent; the forwarded request keeps its framing."""
    fields = _fields(head)
    if "chunked" not in fields.get("transfer-encoding", ""):
        return await reader.readexactly(int(fields.get("content-length", 0)))
    body = b""
    while True:
        size = await reader.readuntil(b"\r\n")
        chunk = await reader.readexactly(int(size.split(b";")[0], 16) + 2)
        body += size + chunk
        if chunk == b"\r\n":
            return body


def _fields(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}


def _rewritten(head: bytes, host: str) -> bytes:
    """Ask the server for one answer and the end of the connection, which marks the answer's end."""
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    kept = [line for line in lines if line.partition(":")[0].lower() not in ("host", "connection")]
    return "\r\n".join([first, f"Host: {host}", "Connection: close", *kept, "", ""]).encode("latin-1")
