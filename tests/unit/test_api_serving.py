"""Who takes a connection and does not ask is not waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from postbell.api.asgi import Asgi
from postbell.api.server import _bind
from postbell.api.serving import serve
from postbell.sections import Listen
from support.world import World, build_world


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("postbell.api.serving._HEAD_SECONDS", 0.2)
    with build_world(tmp_path) as made:
        yield made


async def _nothing() -> Asgi:
    raise AssertionError("nobody gets behind the wall here")


@asynccontextmanager
async def _open(world: World) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Serve, and connect to it."""
    listener, until = _bind(Listen(address="127.0.0.1", port=0)), asyncio.Event()
    serving = asyncio.create_task(
        serve(_nothing, lambda: world.app, listener, used=lambda _key: None, until=until)
    )
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    yield reader, writer
    writer.close()
    until.set()
    await serving


async def _heard(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the connection is closed; what is sent to a closed one resets it."""
    with suppress(ConnectionError):
        return await asyncio.wait_for(reader.read(), 30)
    return b""


def test_who_sends_a_head_a_byte_at_a_time_is_cut_off(world: World) -> None:
    async def send_slowly() -> tuple[bytes, int]:
        async with _open(world) as (reader, writer):
            hearing, sent = asyncio.create_task(_heard(reader)), 0
            for byte in b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 10_000:
                with suppress(ConnectionError):
                    writer.write(bytes([byte]))
                    await writer.drain()
                sent += 1
                if (await asyncio.wait([hearing], timeout=0.01))[0]:
                    break
            return await hearing, sent

    heard, sent = asyncio.run(send_slowly())
    assert heard == b""
    assert 1 < sent < 1000


def test_who_asks_in_time_is_answered_and_then_not_waited_for_without_end(world: World) -> None:
    async def ask_once() -> bytes:
        async with _open(world) as (reader, writer):
            writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return await _heard(reader)

    assert asyncio.run(ask_once()).endswith(b'{"status": "alive"}')


def test_who_says_nothing_at_all_is_cut_off(world: World) -> None:
    async def say_nothing() -> bytes:
        async with _open(world) as (reader, _writer):
            return await _heard(reader)

    assert asyncio.run(say_nothing()) == b""
