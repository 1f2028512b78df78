from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from postbell.testing import FakeClock
from support.fake_mastodon import HOST, SERVER, TOKEN, FakeMastodon
from support.farside import START, Violation


@pytest.fixture
def server() -> FakeMastodon:
    return FakeMastodon(FakeClock(START))


def _ask(server: FakeMastodon, method: str, path: str, **how: Any) -> httpx.Response:
    ours = {"authorization": f"Bearer {TOKEN}", "accept": "application/json"}
    headers = ours | how.pop("headers", {})
    request = httpx.Request(method, f"{SERVER}{path}", headers=headers, **how)
    return asyncio.run(server.handle_async_request(request))


def _post(server: FakeMastodon, key: str | None = None, **body: Any) -> httpx.Response:
    headers = {"idempotency-key": key} if key else {}
    return _ask(server, "POST", "/api/v1/statuses", json={"status": "Hello"} | body, headers=headers)


def test_the_stand_in_refuses_what_the_description_forbids(server: FakeMastodon) -> None:
    with pytest.raises(Violation, match=r"POST /api/v1/statuses: .*has no spoiler"):
        _post(server, spoiler="a")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"status": " "}, "can't be blank"),
        ({"status": "x" * 501}, "limit of 500"),
        ({"spoiler_text": "x" * 496}, "limit of 500"),
        ({"media_ids": ["7"]}, "not found"),
        ({"poll": {"options": ["a"], "expires_in": 300}}, "Poll"),
        ({"poll": {"options": ["a", "b"], "expires_in": 299}}, "Poll"),
        ({"poll": {"options": ["a", "a"], "expires_in": 300}}, "different"),
        ({"poll": {"options": ["a", "x" * 51], "expires_in": 300}}, "short"),
    ],
)
def test_the_stand_in_refuses_what_mastodon_refuses(
    server: FakeMastodon, body: dict[str, Any], reason: str
) -> None:
    answer = _post(server, **body)
    assert answer.status_code == 422
    assert reason in answer.json()["error"]
    assert server.public() == []


def test_the_stand_in_refuses_a_call_to_another_server(server: FakeMastodon) -> None:
    with pytest.raises(Violation, match="another server"):
        asyncio.run(server.handle_async_request(httpx.Request("GET", f"http://{HOST}/api/v2/instance")))


def test_the_stand_in_refuses_a_token_where_it_does_not_belong(server: FakeMastodon) -> None:
    with pytest.raises(Violation, match="a token that it does not need"):
        _ask(server, "GET", "/nodeinfo/2.0")
    with pytest.raises(Violation, match="a token in an address"):
        _ask(server, "GET", f"/api/v2/instance?access_token={TOKEN}")


def test_the_stand_in_refuses_a_call_that_does_not_ask_for_json(server: FakeMastodon) -> None:
    with pytest.raises(Violation, match="with a page"):
        _ask(server, "GET", "/api/v2/instance", headers={"accept": "*/*"})


def test_the_stand_in_refuses_a_key_where_that_does_harm(server: FakeMastodon) -> None:
    server.kind = "pleroma"
    with pytest.raises(Violation, match="does harm on pleroma"):
        _post(server, "key")


def test_a_call_outside_the_scopes_is_refused(server: FakeMastodon) -> None:
    server.scopes = ["read", "write:media"]
    assert _post(server).status_code == 403
    server.scopes = ["write"]
    assert _post(server).status_code == 200


def test_a_known_key_is_answered_with_the_first_post_for_an_hour(server: FakeMastodon) -> None:
    first = _post(server, "key").json()["id"]
    server.clock.advance(3599)
    assert _post(server, "key", status="Another").json()["id"] == first
    server.clock.advance(1)
    assert _post(server, "key").json()["id"] != first
