"""As long as all is well another machine hears of it, and not when it is not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from postbell.sections import HealthSettings
from postbell.services.telling.pinging import Pinger
from support.world import World, add_post, build_world


URL = "https://ping.example/secret-uuid"


class Switch(httpx.AsyncBaseTransport):
    """Counts pings, and answers as it is told."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url}")
        if not self.status:
            raise httpx.ConnectError("nobody is there")
        return httpx.Response(self.status)


@pytest.fixture
def switch() -> Switch:
    return Switch()


@pytest.fixture
def world(tmp_path: Path, switch: Switch) -> Iterator[World]:
    with build_world(tmp_path, transport=switch) as made:
        yield made


def pinger(world: World, url: str | None = URL) -> Pinger:
    settings = HealthSettings(ping_url=SecretStr(url) if url else None)
    return Pinger(world.ctx, settings, elapsed=lambda: world.clock.now().timestamp())


def wanted(world: World, made: Pinger) -> bool:
    with world.store.read() as tx:
        return made.wanted(tx)


def test_it_is_asked_when_its_time_has_come(world: World, switch: Switch) -> None:
    made = pinger(world)
    assert wanted(world, made)
    asyncio.run(made.ping())
    assert switch.asked == [f"POST {URL}"]
    assert not wanted(world, made)
    world.clock.advance(timedelta(seconds=61))
    assert wanted(world, made)


def test_it_is_not_asked_while_something_is_overdue(world: World) -> None:
    made = pinger(world)
    add_post(world.store, at=world.clock.now())
    world.clock.advance(timedelta(minutes=4))
    assert wanted(world, made)
    world.clock.advance(timedelta(minutes=2))
    assert not wanted(world, made)


def test_without_an_address_nobody_is_asked(world: World, switch: Switch) -> None:
    made = pinger(world, None)
    assert not wanted(world, made)
    asyncio.run(made.ping())
    assert switch.asked == []


@pytest.mark.parametrize("status", [0, 404, 500])
def test_a_ping_that_is_not_taken_is_logged_once_without_its_address(
    world: World, switch: Switch, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    made, switch.status = pinger(world), status
    for _ in range(3):
        asyncio.run(made.ping())
    switch.status = 204
    asyncio.run(made.ping())
    said = "".join(capsys.readouterr())
    assert said.count("ping_not_taken") == 1
    assert said.count("ping_taken_again") == 1
    assert "secret-uuid" not in said + repr(made.settings)
