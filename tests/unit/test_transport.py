"""The transport on real connections: what is used again, what is never sent twice, what it can read."""

from __future__ import annotations

import asyncio
import gzip
import io
import random
import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from postbell.errors import PublishError, Rejected, Unsure
from postbell.publishing.web.answer import Answer
from postbell.publishing.web.http import Clients, Http
from postbell.publishing.web.transport import LEFT, Connections
from postbell.testing import FakeClock
from support.asking import NOW, ask, http_over
from support.sockets import Handler, answering, read_request, server, tls_in


NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"

Said = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Answers every request with success and counts; `after` follows each answer."""

    def __init__(self, after: Said | None = None) -> None:
        self.connections = 0
        self.requests = 0
        self.ended = asyncio.Event()
        self._after = after

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                await read_request(reader)
                self.requests += 1
                writer.write(NO_CONTENT)
                if self._after:
                    await self._after(reader, writer)
        except asyncio.IncompleteReadError:
            self.ended.set()


@asynccontextmanager
async def asking(**how: Any) -> AsyncIterator[Http]:
    connections = Connections(**how)
    try:
        yield Http(Clients(transport=connections), FakeClock(NOW))
    finally:
        await connections.aclose()


def answer_of(handler: Handler, **how: Any) -> Answer | PublishError:
    async def go() -> Answer | PublishError:
        async with server(handler, host=how.pop("host", "127.0.0.1")) as url:
            return await ask(http_over(deadline=10), url, **how)

    return asyncio.run(go())


# What is used again


@pytest.mark.parametrize("safe", [False, True], ids=["http", "https"])
def test_a_connection_is_used_again_and_has_one_request_at_a_time(tmp_path: Path, safe: bool) -> None:  # noqa: FBT001
    context, ca_file = tls_in(tmp_path)
    counts: list[int] = []

    async def go() -> None:
        far_side = Server()
        async with server(far_side, context if safe else None) as url, asking(ca_file=ca_file) as http:
            for _ in range(3):
                await http.request("GET", url)
            counts.append(far_side.connections)
            await asyncio.gather(*(http.request("GET", url) for _ in range(2)))
            counts.append(far_side.connections)

    asyncio.run(go())
    assert counts == [1, 2]


def test_an_idle_connection_is_closed_before_a_server_would() -> None:
    async def go() -> int:
        far_side = Server()
        async with server(far_side) as url, asking(keep_alive=0.01) as http:
            await http.request("GET", url)
            await far_side.ended.wait()
            await http.request("GET", url)
            return far_side.connections

    assert asyncio.run(go()) == 2


def test_every_idle_connection_is_closed_whichever_server_it_leads_to() -> None:
    async def go() -> list[int]:
        near, far = Server(), Server()
        async with server(near) as first, server(far) as second, asking(keep_alive=0.05) as http:
            await http.request("GET", first)
            await http.request("GET", second)  # while the other one rests
            await near.ended.wait()
            await far.ended.wait()
            return [each.connections for each in (near, far)]

    assert asyncio.run(asyncio.wait_for(go(), 10)) == [1, 1]


def test_a_connection_that_is_busy_again_is_not_closed_at_the_end_of_its_rest() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for seconds in (0, 0.1):
            await read_request(reader)
            await asyncio.sleep(seconds)
            writer.write(NO_CONTENT)

    async def go() -> list[int]:
        async with server(handle) as url, asking(keep_alive=0.05) as http:
            return [(await http.request("POST", url, publishes=True)).status for _ in range(2)]

    assert asyncio.run(go()) == [204, 204]


def _closing(listener: socket.socket, closed: threading.Event, last: bytes) -> None:
    for _ in range(2):
        connection = listener.accept()[0]
        connection.recv(65_536)
        connection.sendall(NO_CONTENT + last)
        connection.close()
        closed.set()


@pytest.mark.parametrize("last", [b"", b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n"])
def test_a_connection_that_was_closed_meanwhile_is_seen_and_not_used(last: bytes) -> None:
    closed = threading.Event()

    async def go() -> None:
        async with asking() as http:
            await http.request("POST", url, publishes=True)
            # Without a turn of the event loop: only the socket itself knows.
            assert closed.wait(10)
            await http.request("POST", url, publishes=True)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=_closing, args=(listener, closed, last))
        thread.start()
        asyncio.run(go())
        thread.join()


@pytest.mark.parametrize("last", [b"", b"unasked"])
def test_a_connection_whose_end_the_event_loop_saw_is_not_used(last: bytes) -> None:
    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(last)
        if not last:
            writer.close()

    async def go() -> int:
        far_side = Server(close)
        async with server(far_side) as url, asking() as http:
            await http.request("GET", url)
            for _ in range(20):
                await asyncio.sleep(0.001)
            await http.request("POST", url, publishes=True)
            return far_side.connections

    assert asyncio.run(go()) == 2


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
def test_a_request_whose_connection_breaks_is_not_sent_again(method: str) -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        far_side.requests += 1
        writer.close()
        await asyncio.Event().wait()

    async def go() -> Answer | PublishError:
        async with server(far_side) as url, asking() as http:
            await http.request("GET", url)
            return await ask(http, url, method=method)

    far_side = Server(break_off)
    assert type(asyncio.run(go())) is Unsure
    assert far_side.requests == 2


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\n\r\n{}",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n" + gzip.compress(b"{}"),
    ],
    ids=["close", "HTTP/1.0", "interim", "chunked", "gzip"],
)
def test_every_form_of_an_answer_is_read(said: bytes) -> None:
    answer = answer_of(answering(said))
    assert isinstance(answer, Answer)
    assert answer.body == b"{}"


def test_an_address_of_the_newer_kind_is_reached() -> None:
    answer = answer_of(answering(NO_CONTENT), host="::1")
    assert isinstance(answer, Answer)


@pytest.mark.parametrize("host", ["faß.example", "xn--fa-hia.example"])
def test_an_international_name_is_looked_up_as_it_is_sent(host: str) -> None:
    looked_up: list[str] = []

    async def resolve(name: str, _port: int) -> list[str]:
        looked_up.append(name)
        return ["127.0.0.1"]

    async def go() -> Answer | PublishError:
        async with server(answering(NO_CONTENT)) as url, asking(resolve=resolve) as http:
            return await ask(http, url.replace("127.0.0.1", host))

    answer = asyncio.run(go())
    assert isinstance(answer, Answer)
    assert (answer.status, looked_up) == (204, ["xn--fa-hia.example"])


# What is said


def test_the_request_goes_out_as_it_was_given() -> None:
    got: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await read_request(reader))
        writer.write(NO_CONTENT)

    answer_of(handle, params={"q": "a b"}, headers={"X-Own": "1"}, json={})
    first, *headers, _, body = got[0].split(b"\r\n")
    assert (first, body) == (b"POST /?q=a+b HTTP/1.1", b"{}")
    assert {b"X-Own: 1", b"Content-Type: application/json", b"Content-Length: 2"} <= set(headers)


def test_a_header_that_http_cannot_carry_is_refused_without_being_shown() -> None:
    error = answer_of(answering(NO_CONTENT), headers={"x-key": "top\nsecret"})
    assert type(error) is Rejected
    assert "secret" not in str(error)


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield bytes(100_000)


async def _too_large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n")
    await asyncio.Event().wait()


def test_an_answer_before_the_body_is_sent_is_heard() -> None:
    error = answer_of(_too_large, content=_endless())
    assert type(error) is Rejected
    assert "answered 413" in str(error)


def test_a_large_body_goes_out_as_fast_as_it_is_read() -> None:
    sizes: list[int] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sizes.append(len(await read_request(reader)))
        writer.write(NO_CONTENT)

    answer = answer_of(handle, files={"file": io.BytesIO(bytes(20_000_000))})
    assert isinstance(answer, Answer)
    assert sizes[0] > 20_000_000


def test_a_server_that_breaks_off_while_a_body_is_sent_may_have_it() -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    assert type(answer_of(close, content=_endless())) is Unsure


def test_a_head_without_end_is_not_read_to_its_end() -> None:
    assert type(answer_of(answering(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 50_000))) is Unsure


def test_a_small_answer_that_would_grow_is_not_unpacked_to_its_end() -> None:
    packed = gzip.compress(bytes(100_000_000))
    said = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed)
    assert "longer than" in str(answer_of(answering(said + packed)))


# Whether anything left


def test_a_transport_says_of_a_cancelled_request_whether_it_left(tmp_path: Path) -> None:
    async def left(url: str) -> object:
        request = httpx.Request("POST", url)
        async with asking() as http:
            asked = http._clients.transport.handle_async_request(request)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asked, 0.2)
        return request.extensions[LEFT]

    async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async def go() -> tuple[object, object]:
        async with server(silence) as url:
            return await left(url), await left(url.replace("http:", "https:"))

    assert asyncio.run(go()) == (True, False)


@pytest.mark.parametrize("refused", [False, True])
def test_a_connection_that_comes_too_late_for_its_request_is_closed(refused: bool) -> None:  # noqa: FBT001
    async def go() -> None:
        closed = asyncio.Event()

        async def handle(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            assert await reader.read() == b""
            closed.set()

        async with server(handle) as url, asking() as http:
            asked = asyncio.create_task(http.request("GET", "http://127.0.0.1:1" if refused else url))
            await asyncio.sleep(0)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            if not refused:
                await closed.wait()

    asyncio.run(go())


class Moody:
    """Writes down every request that it has whole; ends connections wherever it likes to."""

    def __init__(self, chance: random.Random) -> None:
        self.had: Counter[str] = Counter()
        self._chance = chance

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while self._chance.random() > 0.05:
            try:
                request = await read_request(reader)
            except asyncio.IncompleteReadError:
                return
            self.had[request.partition(b"x-key: ")[2].split(b"\r\n")[0].decode()] += 1
            mood = self._chance.random()
            if mood < 0.1:
                await asyncio.sleep(0.03)
            if mood < 0.2:
                writer.transport.abort()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n" + (b"half" if mood < 0.9 else b"ha"))
            if mood > 0.8:
                return


def test_what_never_left_was_never_received_and_nothing_is_received_twice() -> None:
    """Of every ending, at any moment: by the deadline, by cancelling, by the server."""
    chance = random.Random(4)
    far_side, endings = Moody(chance), dict[str, str]()

    async def ask_once(http: Http, url: str, key: str) -> None:
        how: dict[str, Any] = {"headers": {"x-key": key}, "content": bytes(chance.choice((10, 300_000)))}
        try:
            await http.request("PUT", url, publishes=True, deadline=chance.choice((0.002, 0.02, 1)), **how)
            endings[key] = "answered"
        except (PublishError, asyncio.CancelledError) as ending:
            endings[key] = type(ending).__name__

    async def work(http: Http, url: str, keys: Iterator[int]) -> None:
        for key in keys:
            asked = asyncio.create_task(ask_once(http, url, str(key)))
            if key % 10 == 0:
                await asyncio.wait([asked], timeout=chance.random() / 100)
                asked.cancel()
            await asyncio.wait([asked])

    async def go() -> None:
        async with server(far_side) as url, asking(keep_alive=0.02) as http:
            keys = iter(range(600))
            await asyncio.gather(*(work(http, url, keys) for _ in range(12)))

    asyncio.run(go())
    assert set(far_side.had.values()) == {1}
    assert {endings.get(key) for key in far_side.had} <= {"answered", "Unsure", "CancelledError"}
    assert {"answered", "Unsure", "Unavailable"} <= set(endings.values())
