"""Where redirects may lead, and what is read of an answer."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import Sequence

import httpx
import pytest

from postbell.errors import NotFetched
from postbell.publishing.web.outside import Fetched, Outside
from support.sockets import Handler, answering, read_request, server
from support.web import OPEN, PAGE, fetch, fetched, outside, refusal


# Redirects


def _redirecting(*locations: str, status: int = 302) -> Handler:
    """Send on, from one location to the next, then answer with a page."""
    left = list(locations)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        location = left.pop(0) if left else None
        moved = f"HTTP/1.1 {status} x\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n".encode()
        writer.write(moved if location else PAGE)
        await writer.drain()

    return handle


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(status: int) -> None:
    assert fetched(_redirecting("/b#c", status=status), "/a").url.endswith("/b")


def test_redirects_are_followed_five_times() -> None:
    assert fetched(_redirecting(*"12345")).body == b"Hello"
    assert refusal(_redirecting(*"123456")) == "it was redirected more than 5 times"


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://page.example/",
        "http://127.0.0.2/",
        "//127.0.0.2/",
        "http://0x7f.2/",
        "http://alice:secret@page.example/",
        "http://169.254.169.254/",
        "http://[::1]:22/",
        "http://[",
        "http://page.example:99999999/",
        "http://page.example:b/",
    ],
)
def test_a_redirect_leads_nowhere_that_an_address_must_not(location: str) -> None:
    async def look_up(host: str, port: int) -> Sequence[str]:
        return [OPEN] if host == "page.example" else [host]

    async def go() -> Fetched:
        async with server(_redirecting(location)) as url:
            return await fetch(outside(look_up), url.replace(OPEN, "page.example"))

    with pytest.raises(NotFetched):
        asyncio.run(go())


def test_a_redirect_that_names_no_address_cannot_be_followed() -> None:
    said = answering(b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n")
    assert refusal(said) == "page.example answered 302"


# What comes back


def _page(head: str, body: bytes, *, status: int = 200) -> Handler:
    return answering(
        f"HTTP/1.1 {status} x\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body,
    )


def test_a_page_has_its_type_and_how_it_is_written() -> None:
    page = fetched(_page("content-type: TEXT/HTML; Charset=ISO-8859-1\r\n", b"hi"))
    assert (page.mime, page.charset, page.body) == ("text/html", "iso-8859-1", b"hi")


@pytest.mark.parametrize("status", [201, 204, 304, 404, 500])
def test_any_other_status_is_no_page(status: int) -> None:
    answer = answering(f"HTTP/1.1 {status} x\r\ncontent-type: text/html\r\n\r\n".encode())
    assert refusal(answer) == f"page.example answered {status}"


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("content-type: image/svg+xml\r\n", "it is image/svg+xml, not text/html"),
        ("content-type: nonsense\r\n", "it is text/plain, not text/html"),
        ("", "it is text/plain, not text/html"),
    ],
)
def test_another_type_is_refused_before_it_is_read(head: str, told: str) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(f"HTTP/1.1 200 x\r\n{head}content-length: 1000000\r\n\r\n".encode())
        await asyncio.Event().wait()  # of the body nothing ever comes

    assert refusal(handle) == told


def test_what_is_too_long_is_refused_or_cut() -> None:
    long = _page("content-type: text/html\r\n", b"x" * 100_000)
    assert refusal(long) == "it is longer than 1,000 bytes"
    assert fetched(long, cut=True).body == b"x" * 1000


def test_what_never_ends_is_left() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 x\r\ncontent-type: text/html\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    assert refusal(handle) == "it is longer than 1,000 bytes"


def test_what_grows_when_it_is_unpacked_is_counted_as_it_grows() -> None:
    head = "content-type: text/html\r\ncontent-encoding: gzip\r\n"
    assert refusal(_page(head, gzip.compress(bytes(50_000_000)))) == "it is longer than 1,000 bytes"
    assert fetched(_page(head, gzip.compress(b"hello"))).body == b"hello"


def test_what_is_badly_packed_cannot_be_read() -> None:
    head = "content-type: text/html\r\ncontent-encoding: gzip\r\n"
    assert refusal(_page(head, b"hello")).startswith("it could not be read: ")


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\ncontent-ty", b"SSH-2.0-OpenSSH_9.6\r\n"])
def test_what_is_no_answer_cannot_be_read(said: bytes) -> None:
    assert refusal(answering(said)).startswith("it could not be read: ")


async def _silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await asyncio.Event().wait()


async def _drop_by_drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 x\r\ncontent-type: text/html\r\n\r\n")
    while True:
        writer.write(b"x")
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("handler", [_silent, _drop_by_drop])
def test_what_takes_too_long_is_left(handler: Handler) -> None:
    assert refusal(handler, deadline=0.1) == "it was not there within 0.1 seconds"


def test_a_server_that_does_not_listen_cannot_be_read() -> None:
    with socket.socket() as free:
        free.bind((OPEN, 0))
        url = f"http://page.example:{free.getsockname()[1]}/"
        with pytest.raises(NotFetched, match="it could not be read: "):
            asyncio.run(fetch(outside(), url))


def test_tests_may_give_a_transport_of_their_own() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, html=str(request.url))

    way = Outside(transport=httpx.MockTransport(answer))
    assert asyncio.run(fetch(way, "https://page.example/a")).body == b"https://page.example/a"
