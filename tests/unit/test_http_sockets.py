"""What is known after a failure on a real connection: how a lost post is told from one never sent."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from postbell.errors import Unavailable, Unsure
from postbell.publishing.answer import Answer
from postbell.publishing.http import Clients, Http
from postbell.testing import FakeClock
from support.asking import NOW, ask, http_over


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

# Of a machine that there is not: made for these tests, for localhost alone, good until 2126.
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBZjCCAQ2gAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyNjAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMwSB92PoFJKyzbm
t7VEf9m/EujYKw/nX6QcI2OP0Cg9AWaBw/bjpHp9AxLgoKiVi0GiAMw63c4yCKsp
UoqxEs2jTjBMMBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAPBgNVHRMBAf8E
BTADAQH/MB0GA1UdDgQWBBRg/USsVEgsZfpLLjvinw2bwslOzjAKBggqhkjOPQQD
AgNHADBEAiBSL/S0KO6MNfwM2RBw2pSCbhPfkndzQyzZWllY9uY1VAIgA8Gorgiq
YZesVqTrvxFDLG8yaX5qWnFX8tnOQkbrWI4=
-----END CERTIFICATE-----
"""
PRIVATE_KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgNPf+lh9gTYXJ3oKi
Z6iuCUl/7iLaEKvLLYu4lFqeaBahRANCAATMEgfdj6BSSss25re1RH/ZvxLo2CsP
51+kHCNjj9AoPQFmgcP246R6fQMS4KColYtBogDMOt3OMgirKVKKsRLN
-----END PRIVATE KEY-----
"""


# What stands at the other end of a real socket


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.splitlines()
            if line.lower().startswith(b"content-length")
        ),
        0,
    )
    return head + await reader.readexactly(length)


def answering(data: bytes) -> Handler:
    """Read the request, say `data` and close."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _read_request(reader)
        writer.write(data)
        await writer.drain()

    return handle


async def reset_after_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _read_request(reader)
    own = writer.get_extra_info("socket")
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def no_answer(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await _read_request(reader)
    await asyncio.Event().wait()


async def no_reading(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.Event().wait()


async def greeting(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example.com ESMTP\r\n")
    await writer.drain()


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while True:
        writer.write(b".")
        await asyncio.sleep(0.005)


@asynccontextmanager
async def server(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve on a free port of 127.0.0.1; gives the address."""
    tasks = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        try:
            await handler(reader, writer)
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    running = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    port = running.sockets[0].getsockname()[1]
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    finally:
        running.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def asked(handler: Handler, *, publishes: bool, deadline: float = 10.0, **how: Any) -> Any:
    async def go() -> Any:
        async with server(handler) as url:
            return await ask(http_over(deadline=deadline), url, publishes=publishes, **how)

    return asyncio.run(go())


# Whether anything left


SENT: dict[str, tuple[Handler, dict[str, Any]]] = {
    "closed after the request": (answering(b""), {}),
    "reset after the request": (reset_after_request, {}),
    "half an answer": (answering(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf"), {}),
    "not HTTP": (answering(b"220 mail.example.com ESMTP\r\n"), {}),
    "no answer": (no_answer, {"deadline": 0.5}),
    "a large body is not read": (no_reading, {"deadline": 0.5, "content": bytes(20_000_000)}),
    "an answer without end": (dripping, {"deadline": 0.5}),
    "an answer that is no gzip": (
        answering(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nxyz"),
        {},
    ),
}


@pytest.mark.parametrize("case", SENT)
def test_a_publishing_call_that_left_and_got_no_whole_answer_is_unsure(case: str) -> None:
    handler, how = SENT[case]
    assert type(asked(handler, publishes=True, **how)) is Unsure


@pytest.mark.parametrize("case", SENT)
def test_another_call_without_a_whole_answer_is_unavailable(case: str) -> None:
    handler, how = SENT[case]
    assert type(asked(handler, publishes=False, **how)) is Unavailable


def test_a_refused_connection_is_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can take the port meanwhile
        error = asyncio.run(ask(http_over(), f"http://127.0.0.1:{taken.getsockname()[1]}"))
    assert type(error) is Unavailable
    assert "could not be reached" in str(error)


def test_an_unknown_host_is_unavailable() -> None:
    error = asyncio.run(ask(http_over(), "http://nowhere.invalid"))
    assert type(error) is Unavailable
    assert "nowhere.invalid could not be reached" in str(error)


def test_a_connection_that_takes_too_long_is_unavailable() -> None:
    async def go() -> Any:
        # Nobody accepts: the queue of one is full, and the system lets further connections wait.
        with socket.socket() as full, socket.socket() as first, socket.socket() as second:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for waiting in (first, second):
                waiting.setblocking(False)
                waiting.connect_ex(full.getsockname())
            url = f"http://127.0.0.1:{full.getsockname()[1]}"
            return await ask(http_over(deadline=0.2), url)

    error = asyncio.run(go())
    assert type(error) is Unavailable
    assert "could not be reached in time" in str(error)


def test_a_server_that_does_not_speak_tls_is_unavailable() -> None:
    async def go() -> Any:
        async with server(greeting) as url:
            return await ask(http_over(), url.replace("http:", "https:"))

    assert type(asyncio.run(go())) is Unavailable


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    """A server's TLS, and the file that says that it can be trusted."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_text(CERTIFICATE)
    key.write_text(PRIVATE_KEY)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, str(certificate)


def test_a_certificate_that_nobody_vouches_for_is_unavailable(tls: tuple[ssl.SSLContext, str]) -> None:
    async def go() -> Any:
        async with server(answering(b"HTTP/1.1 204 No Content\r\n\r\n"), tls[0]) as url:
            return await ask(http_over(), url)

    error = asyncio.run(go())
    assert type(error) is Unavailable
    assert "certificate verify failed" in str(error).lower()


def test_a_certificate_authority_of_one_s_own_is_trusted_if_named(tls: tuple[ssl.SSLContext, str]) -> None:
    async def go() -> Any:
        async with server(answering(b"HTTP/1.1 204 No Content\r\n\r\n"), tls[0]) as url:
            return await ask(http_over(ca_file=tls[1]), url)

    answer = asyncio.run(go())
    assert isinstance(answer, Answer)
    assert answer.status == 204


def test_a_missing_certificate_file_is_unavailable_because_nothing_left() -> None:
    error = asyncio.run(ask(http_over(ca_file="/nowhere/ca.pem"), "https://127.0.0.1:1"))
    assert type(error) is Unavailable


def test_a_deadline_of_one_request_replaces_the_usual_one() -> None:
    async def go() -> Any:
        async with server(no_answer) as url:
            return await ask(http_over(deadline=60), url, deadline=0.1)

    assert "did not answer in time" in str(asyncio.run(go()))


def test_connections_are_used_again_and_one_request_each() -> None:
    connections = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            try:
                await _read_request(reader)
            except asyncio.IncompleteReadError:
                return
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async def go() -> None:
        async with server(handle) as url:
            clients = Clients()
            http = Http(clients, FakeClock(NOW))
            for _ in range(3):
                await http.request("GET", url)
            await asyncio.gather(*(http.request("GET", url) for _ in range(2)))
            await clients.close()

    asyncio.run(go())
    assert connections == 2
