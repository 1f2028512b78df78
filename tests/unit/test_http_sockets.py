"""What is known after a failure on a real connection: how a lost post is told from one never sent."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from pathlib import Path
from typing import Any

import pytest

from postbell.errors import Unavailable, Unsure
from postbell.publishing.web.answer import Answer
from support.asking import ask, http_over
from support.sockets import Handler, answering, read_request, server, tls_in


async def reset_after_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    own = writer.get_extra_info("socket")
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def no_answer(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await asyncio.Event().wait()


async def no_reading(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.Event().wait()


async def greeting(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example.com ESMTP\r\n")
    await writer.drain()


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while True:
        writer.write(b".")
        await asyncio.sleep(0.005)


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
    "an answer cut between its parts": (
        answering(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
        {},
    ),
    "only an interim answer": (answering(b"HTTP/1.1 102 Processing\r\n\r\n"), {}),
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


def test_a_server_that_says_nothing_of_tls_is_unavailable() -> None:
    async def go() -> Any:
        async with server(no_reading) as url:
            return await ask(http_over(deadline=0.3), url.replace("http:", "https:"))

    error = asyncio.run(go())
    assert type(error) is Unavailable
    assert "could not be reached in time" in str(error)


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    return tls_in(tmp_path)


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
