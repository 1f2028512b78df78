"""The token of a bot stands in the address of every call. It is seen nowhere else."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from postbell.domain.states import DeliveryState
from postbell.publishing.web.transport import Connections
from support.children import free_port
from support.fake_telegram import TOKEN, FakeTelegram, Refusal, daemon
from support.farside import FarSide
from support.stage import ring
from support.world import World, add_account, add_post, build_world, delivery_of, tries_of


class _Echo(FakeTelegram):
    """Refuses, and says what it was asked."""

    status = 400

    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        why = f"cannot {request.method} {request.url} nor {str(request.url).replace(':', '%3A')}"
        said = {"ok": False, "error_code": self.status, "description": why}
        return httpx.Response(self.status, json=said)


class _Page(_Echo):
    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        return httpx.Response(404, text=f"<html>{request.url} is not here</html>")


class _Redirect(_Echo):
    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        return httpx.Response(307, headers={"location": f"{request.url}/"})


class _Unauthorized(_Echo):
    status = 401


class _Broken(_Echo):
    status = 500


def _life(world: World, *, server: str | None = None) -> str:
    """Publish one post, and return everything that is written down of it, but for the account itself."""
    credentials = {"bot_token": TOKEN, "chat": "@bell_tower"}
    add_account(world.store, "ann", network="telegram", server=server, credentials=credentials)
    post = add_post(world.store, to=("ann",))
    (planned,) = post.deliveries
    ring(world)
    now = delivery_of(world.store, planned.id)
    assert now.state is not DeliveryState.PROCESSING
    tries = tries_of(world.store, planned.id)
    assert len(tries) == 1
    return f"{now} {tries}"


@pytest.mark.parametrize(
    "kind", [_Echo, _Page, _Redirect, _Unauthorized, _Broken], ids=lambda kind: kind.__name__
)
def test_an_attempt_and_the_log_do_not_hold_the_token(
    tmp_path: Path, kind: type[FarSide], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with build_world(tmp_path, networks=[]) as world:
        far_side = kind(world.clock)
    with capture_logs() as events, build_world(tmp_path, networks=[], transport=far_side) as world:
        written = _life(world)
    assert far_side.requests
    assert "telegram" in written.lower()
    assert TOKEN not in f"{written} {caplog.text} {json.dumps(events, default=str)}"


def test_a_server_that_cannot_be_reached_does_not_bring_the_token_to_light(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = f"http://127.0.0.1:{free_port()}"
    with (
        capture_logs() as events,
        build_world(tmp_path, networks=[], transport=Connections()) as world,
    ):
        written = _life(world, server=server)
    assert "could not be reached" in written
    assert TOKEN not in f"{written} {caplog.text} {json.dumps(events, default=str)}"


def test_a_warning_does_not_hold_the_token() -> None:
    here, far_side = daemon(options={"pin": True})
    far_side.refusals["pinChatMessage"] = [Refusal(400, f"no such thing: /bot{TOKEN}/pinChatMessage")]
    (warning,) = asyncio.run(here.publish()).warnings
    assert warning.endswith("no such thing: /bot***/pinChatMessage")
