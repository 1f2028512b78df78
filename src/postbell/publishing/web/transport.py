"""HTTP/1.1 on asyncio's own connections, under httpx's words: the one way out of this machine.

It says for certain whether bytes of a request can have left, because it alone writes them; and it never sends
one a second time by itself. h11 (the parser under httpx) reads and writes the messages. Measured beside the
others: half the CPU of httpx's own transport, as little as aiohttp under httpx, and nothing more to import.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, cast

import h11
import httpx


#: Where a request's `extensions` say whether bytes of it can have left: False until the first is written.
LEFT = "left"

#: Seconds for which an idle connection is kept. After that the server may be about to close it, and a request
#: that meets the closing cannot be told from one that was accepted.
KEEP_ALIVE = 3.0
#: Seconds before the next of a host's addresses is tried as well (RFC 8305, 5).
_NEXT_ADDRESS = 0.25
#: Bytes of a request's body that are gathered before they are written.
_PART = 65_536
#: Bytes of an answer handed on at once: a compressed answer can grow a thousandfold before it is counted.
_SLICE = 4_096
#: The longest head of an answer that is read.
_MOST_HEAD = 100_000
_PORTS = {"http": 80, "https": 443}

#: Seconds for one of several addresses of a host, where they are tried one after another.
_PER_ADDRESS = 3.0

_Origin = tuple[str, str, int]
#: Returns the addresses of a host that may be connected to at a port, the first first. What it raises besides
#: OSError reaches the caller.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


def read_url(text: str) -> httpx.URL:
    """Read an address; raises httpx.InvalidURL, also for an international name that no name is written as."""
    url = httpx.URL(text)
    try:
        url.host  # noqa: B018 - httpx reads the name back when it makes a request, and breaks down then
    except ValueError:
        raise httpx.InvalidURL("there is no such name of a host") from None
    return url


class Connections(httpx.AsyncBaseTransport):
    """Connections to every server that is asked, one request at a time on each.

    Nothing waits for a connection: who finds no idle one opens one. There are as many as requests in flight.
    """

    def __init__(
        self,
        *,
        ca_file: str | None = None,
        keep_alive: float = KEEP_ALIVE,
        resolve: Resolve | None = None,
    ) -> None:
        self._ca_file = ca_file
        self._resolve = resolve
        self._keep_alive = keep_alive
        self._tls: ssl.SSLContext | None = None
        #: By server, the most recently used last.
        self._idle: dict[_Origin, list[_Connection]] = {}
        #: The one alarm for all of them, while there are any.
        self._alarm: asyncio.TimerHandle | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the answer when its head is there; the body comes as it is read.

        Sets `extensions[LEFT]` of the request. Raises httpx's errors, and nothing else but what is raised by
        a body that cannot be read.
        """
        request.extensions[LEFT] = False
        url = request.url
        # As it is sent. What `url.host` reads back is looked up by older rules, by which ß is ss.
        host = url.raw_host.decode("ascii")
        if url.scheme not in _PORTS or not host:
            raise httpx.UnsupportedProtocol("an address begins with http:// or https:// and a host's name")
        origin = (url.scheme, host, url.port or _PORTS[url.scheme])
        connection = self._take(origin) or await self._connect(origin)
        try:
            head = await connection.ask(request)
        except BaseException:
            connection.abort()
            raise
        body = _Body(self, origin, connection)
        return httpx.Response(head.status_code, headers=head.headers.raw_items(), stream=body)

    async def aclose(self) -> None:
        """Close every idle connection."""
        for origin in self._idle:
            while connection := self._take(origin):
                connection.abort()
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None
        await asyncio.sleep(0)  # lets the event loop close the sockets

    def keep(self, origin: _Origin, connection: _Connection) -> None:
        """Take a connection back after a whole answer."""
        if not connection.rest():
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        connection.expiry = loop.time() + self._keep_alive
        self._idle.setdefault(origin, []).append(connection)
        if self._alarm is None:
            self._alarm = loop.call_at(connection.expiry, self._expire)

    def _take(self, origin: _Origin) -> _Connection | None:
        waiting = self._idle.get(origin)
        while waiting:
            connection = waiting.pop()
            if connection.is_quiet():
                return connection
            connection.abort()
        return None

    def _expire(self) -> None:
        """Close what has been idle for long enough, and come again for the next."""
        loop = asyncio.get_running_loop()
        for waiting in self._idle.values():
            while waiting and waiting[0].expiry <= loop.time():
                waiting.pop(0).abort()
        nexts = [waiting[0].expiry for waiting in self._idle.values() if waiting]
        self._alarm = loop.call_at(min(nexts), self._expire) if nexts else None

    async def _connect(self, origin: _Origin) -> _Connection:
        scheme, host, port = origin
        how: dict[str, Any] = {"happy_eyeballs_delay": _NEXT_ADDRESS}
        try:
            if scheme == "https":
                how["ssl"] = self._verified()
            opening = asyncio.create_task(self._open(host, port, how))
            return (await asyncio.shield(opening))[1]
        except asyncio.CancelledError:
            # Not broken off: of several addresses that are tried at once, asyncio would forget an open one.
            opening.add_done_callback(_abandon)
            raise
        except (
            OSError,
            UnicodeError,
        ) as error:  # refused, no TLS, no such host, or a name that none can have
            raise httpx.ConnectError(str(error) or type(error).__name__) from error

    async def _open(self, host: str, port: int, how: dict[str, Any]) -> tuple[asyncio.Transport, _Connection]:
        loop = asyncio.get_running_loop()
        if self._resolve is None:
            return await loop.create_connection(_Connection, host, port, **how)
        *others, last = await self._resolve(host, port)
        if "ssl" in how:
            how["server_hostname"] = host
        for address in others:
            try:
                async with asyncio.timeout(_PER_ADDRESS):
                    return await loop.create_connection(_Connection, address, port, **how)
            except OSError:  # of which TimeoutError is one
                pass
        return await loop.create_connection(_Connection, last, port, **how)

    def _verified(self) -> ssl.SSLContext:
        if self._tls is None:
            tls = httpx.create_ssl_context(trust_env=False)
            tls.set_alpn_protocols(["http/1.1"])
            if self._ca_file:
                tls.load_verify_locations(self._ca_file)
            self._tls = tls
        return self._tls


class _Connection(asyncio.Protocol):
    """One connection and what h11 knows of it."""

    #: When its rest ends, by the event loop's clock; there once it was idle.
    expiry: float

    def __init__(self) -> None:
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD)
        self._news: asyncio.Future[None] | None = None
        self._full = False
        self._lost = False
        self._error: Exception | None = None

    # What the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._h11.receive_data(data)
        self._stir()

    def connection_lost(self, error: Exception | None) -> None:
        self._lost, self._error = True, error
        if error is None:
            self._h11.receive_data(b"")  # an answer of no stated length ends here
        self._stir()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._stir()

    def _stir(self) -> None:
        if self._news and not self._news.done():
            self._news.set_result(None)

    # What the transport asks

    async def ask(self, request: httpx.Request) -> h11.Response:
        """Write a request and return the head of its answer, which may come before all is written."""
        assert isinstance(request.stream, httpx.AsyncByteStream)
        head = request.method, request.url.raw_path, request.headers.raw
        try:
            out = self._h11.send(h11.Request(method=head[0], target=head[1], headers=head[2])) or b""
            async for part in request.stream:
                out += self._h11.send(h11.Data(data=part)) or b""
                if len(out) >= _PART:
                    self._write(out, request)
                    out = b""
                    if self._full and (early := await self._head(or_room=True)):
                        return early
            out += self._h11.send(h11.EndOfMessage()) or b""
        except h11.LocalProtocolError:
            # h11's own words quote the header, which may be a secret.
            raise httpx.LocalProtocolError("the request cannot be written as HTTP") from None
        self._write(out, request)
        answer = await self._head()
        assert answer
        return answer

    async def part(self) -> bytes | None:
        """Return the next part of the answer's body; None after the last one."""
        while (event := self._next()) is h11.NEED_DATA:
            await self._wait()
        return bytes(event.data) if isinstance(event, h11.Data) else None

    def rest(self) -> bool:
        """Make ready for the next request; whether there can be one."""
        if self._lost or self._h11.our_state is not h11.DONE or self._h11.their_state is not h11.DONE:
            return False
        self._h11.start_next_cycle()
        return True

    def is_quiet(self) -> bool:
        """Whether the server has neither closed nor said anything since the last answer."""
        if self._lost or self._h11.trailing_data != (b"", False):
            return False
        poll = select.poll()  # what the event loop has not yet looked at
        poll.register(self._transport.get_extra_info("socket"), select.POLLIN)
        return not poll.poll(0)

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _write(self, data: bytes, request: httpx.Request) -> None:
        request.extensions[LEFT] = True
        self._transport.write(data)

    async def _head(self, *, or_room: bool = False) -> h11.Response | None:
        """Return the head of the answer, past interim ones; None when there is room to write again."""
        while not isinstance(event := self._next(), h11.Response):
            if event is h11.NEED_DATA:
                if or_room and not self._full:
                    return None
                await self._wait()
        return event

    def _next(self) -> Any:
        try:
            event = self._h11.next_event()
        except h11.RemoteProtocolError as error:
            said = "the server closed the connection without a whole answer" if self._lost else str(error)
            raise httpx.RemoteProtocolError(said) from None
        if self._lost and event is h11.NEED_DATA:
            raise httpx.ReadError(str(self._error))
        return event

    async def _wait(self) -> None:
        self._news = asyncio.get_running_loop().create_future()
        await self._news


class _Body(httpx.AsyncByteStream):
    """The body of one answer. Read to its end, it gives the connection back; else closes it."""

    def __init__(self, connections: Connections, origin: _Origin, connection: _Connection) -> None:
        self._connections = connections
        self._origin = origin
        self._connection: _Connection | None = connection

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert self._connection
        while (data := await self._connection.part()) is not None:
            for start in range(0, len(data), _SLICE):
                yield data[start : start + _SLICE]
        connection, self._connection = self._connection, None
        self._connections.keep(self._origin, connection)

    async def aclose(self) -> None:
        if self._connection:
            self._connection.abort()
            self._connection = None


def _abandon(opening: asyncio.Task[tuple[asyncio.Transport, _Connection]]) -> None:
    """Close a connection that nobody waits for any more, once it is there."""
    if not opening.cancelled() and not opening.exception():
        opening.result()[1].abort()
