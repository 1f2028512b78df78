"""What becomes of a request at which Postbell itself goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
from structlog.testing import capture_logs

from postbell.domain.access import Scope
from postbell.errors import Conflict
from postbell.store.engine import Store
from postbell.store.unit import Unit
from support.api import Asked
from support.world import World, add_post


def ask(api: Asked, path: str, **more: Any) -> httpx.Response:
    """Ask through the wall: no route describes an answer to a fault."""

    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(cast("Any", api.served()))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            key = {"Authorization": f"Bearer {api.key(Scope.ADMIN)}"}
            return await client.post(
                path, headers={"Host": "localhost", **key, "Idempotency-Key": "k"}, **more
            )

    return asyncio.run(once())


def test_a_fault_behind_a_write_takes_it_back_and_is_told_as_a_problem(world: World) -> None:
    api = Asked(world)
    with world.store.write() as tx:
        tx.exec_driver_sql("DROP TABLE answer")  # so what is answered cannot be kept
    with capture_logs() as logs:
        answer = ask(api, "/api/v1/posts", json={"text": "My private words"})
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.json()["code"] == "fault"
    assert api.ask("GET", "/api/v1/posts").json()["posts"] == []
    (told,) = [line for line in logs if line["event"] == "api_fault"]
    assert (told["kind"], told["path"]) == ("OperationalError", "/api/v1/posts")
    assert ".py:" in told["at"]
    assert "private" not in str(logs)


def store_and_raise(store: Store, error: Exception) -> None:
    with Unit(store) as unit:
        add_post(unit)
        raise error


@pytest.mark.parametrize(("error", "kept"), [(Conflict("no"), 1), (ValueError("no"), 0)])
def test_what_was_stored_before_a_refusal_stays_and_before_a_fault_does_not(
    world: World, error: Exception, kept: int
) -> None:
    with pytest.raises(type(error)):
        store_and_raise(world.store, error)
    with world.store.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM post").scalar_one() == kept


def test_nothing_is_read_of_what_is_sent_behind_the_end_of_a_file(world: World) -> None:
    api, read = Asked(world), list[int]()
    tus = {"Tus-Resumable": "1.0.0"}
    data = b"GIF89a\x01\x00\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
    made = api.ask("POST", "/api/v1/uploads", headers={**tus, "Upload-Length": str(len(data))})
    at = made.headers["location"]

    def part(offset: int, content: Any) -> httpx.Response:
        given = {**tus, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
        return api.ask("PATCH", at, headers=given, content=content)

    async def endless() -> AsyncIterator[bytes]:
        for number in range(1000):
            read.append(number)
            yield b"x" * 1000

    assert part(0, data).status_code == 204
    assert part(len(data), endless()).status_code == 413
    assert len(read) <= 2
