"""Accounts, networks and the status, asked for by programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postbell.publishing import registry
from support.api import Asked, configured, problem
from support.world import START, account_of, add_account, add_post, build_world


CANARY = "canary-5f1d"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Asked]:
    with build_world(tmp_path, settings=configured(requests_per_minute=0)) as world:
        add_account(world.store, "ann")
        yield Asked(world)


def bluesky(**more: Any) -> dict[str, Any]:
    asked = {"name": "tusk", "network": "bluesky", "server": "https://sky.invalid", "verify": False}
    return asked | {"values": {"identifier": "tusk.test", "app_password": CANARY}} | more


def test_credentials_go_in_and_never_come_out(api: Asked) -> None:
    headers = {"Idempotency-Key": "connect"}
    made = api.ask("POST", "/api/v1/accounts", json=bluesky(), headers=headers)
    assert (made.status_code, made.headers["location"]) == (201, "/api/v1/accounts/tusk")
    assert made.json()["values"] == {"identifier": "tusk.test", "app_password": "***"}
    again = api.ask("POST", "/api/v1/accounts", json=bluesky(), headers=headers)
    listed, read = api.ask("GET", "/api/v1/accounts"), api.ask("GET", "/api/v1/accounts/tusk")
    renewed = api.ask("POST", "/api/v1/accounts/tusk/reconnect", json={"values": {}, "verify": False})
    wrong = api.ask("POST", "/api/v1/accounts", json=bluesky(name="tusk"))
    unknown = api.ask("POST", "/api/v1/accounts", json=bluesky(name="t2", values={"passwrd": CANARY}))
    assert problem(wrong) == (409, "conflict")
    assert problem(unknown) == (422, "invalid")
    for answer in (made, again, listed, read, renewed, wrong, unknown):
        assert CANARY not in answer.text
    stored = account_of(api.world.store, "tusk").credentials
    assert CANARY in str(stored)


@pytest.mark.parametrize(
    ("more", "status", "pointer"),
    [
        ({"name": "no spaces"}, 422, "/name"),
        ({"network": "mastodon", "values": {"access_token": "x"}, "server": None}, 422, "/server"),
        ({"values": {"identifier": "tusk.test"}}, 422, "/values/app_password"),
        ({"network": "nowhere"}, 404, None),
    ],
    ids=str,
)
def test_what_is_wrong_with_an_account_is_told_with_its_place(
    api: Asked, more: dict[str, Any], status: int, pointer: str | None
) -> None:
    answer = api.ask("POST", "/api/v1/accounts", json=bluesky(**more))
    assert answer.status_code == status
    assert [each["pointer"] for each in answer.json()["problems"]] == ([pointer] if pointer else [])


def test_an_account_is_verified_and_what_its_network_says_is_kept(api: Asked) -> None:
    told = api.ask("POST", "/api/v1/accounts/ann/verify").json()
    assert told == {"account": "ann", "handle": "@ann", "url": "memory://fake/ann", "notes": []}
    add_account(api.world.store, "bob", credentials={"token": "wrong"})
    assert problem(api.ask("POST", "/api/v1/accounts/bob/verify")) == (422, "unauthorized")
    assert api.ask("GET", "/api/v1/accounts/bob").json()["health"] == "unauthorized"
    renewed = api.ask("POST", "/api/v1/accounts/bob/reconnect", json={"values": {"token": "right"}}).json()
    assert (renewed["health"], renewed["verified"], renewed["handle"]) == ("ok", True, "@bob")


def test_an_account_is_paused_and_goes_on(api: Asked) -> None:
    add_post(api.world.store, at=START + timedelta(minutes=1))
    until = "2026-11-24T09:00:00Z"
    assert api.ask("POST", "/api/v1/accounts/ann/pause").json()["paused_until"] is None
    told = api.ask("POST", "/api/v1/accounts/ann/pause", json={"until": until}).json()
    assert told["paused_until"] == until
    past = api.ask("POST", "/api/v1/accounts/ann/pause", json={"until": "2020-01-01T00:00:00Z"})
    assert problem(past) == (422, "invalid")
    api.world.clock.advance(timedelta(minutes=2))
    told = api.ask("POST", "/api/v1/accounts/ann/resume").json()
    assert (told["was_paused"], told["late"], told["missed"], told["paused_at"]) == (True, 1, 0, None)
    assert problem(api.ask("POST", "/api/v1/accounts/nobody/pause")) == (404, "not_found")


def test_an_account_is_changed_and_forgotten(api: Asked) -> None:
    tag = api.ask("GET", "/api/v1/accounts/ann").headers["etag"]
    asked = {"name": "anna", "late_limit_seconds": 3600, "min_gap_seconds": 60}
    changed = api.ask("PATCH", "/api/v1/accounts/ann", json=asked, headers={"If-Match": tag}).json()
    assert {name: changed[name] for name in asked} == asked
    stale = api.ask("PATCH", "/api/v1/accounts/anna", json={}, headers={"If-Match": tag})
    assert problem(stale) == (412, "changed")
    lifted = api.ask("PATCH", "/api/v1/accounts/anna", json={"late_limit_seconds": None}).json()
    assert (lifted["late_limit_seconds"], lifted["min_gap_seconds"]) == (None, 60)
    adds = {"signature": "Ann", "utm": {"source": "{network}"}, "utm_sites": ["a.example"]}
    told = api.ask("PATCH", "/api/v1/accounts/anna", json=adds).json()
    assert {name: told[name] for name in adds} == adds | {"utm": {"utm_source": "{network}"}}
    told = api.ask("PATCH", "/api/v1/accounts/anna", json={"signature": None, "utm_sites": None}).json()
    assert (told["signature"], told["utm"], told["utm_sites"]) == (None, {"utm_source": "{network}"}, [])
    wrong = api.ask("PATCH", "/api/v1/accounts/anna", json={"utm": {"x": "y"}, "utm_sites": ["a b"]})
    assert [each["pointer"] for each in wrong.json()["problems"]] == ["/utm", "/utm_sites"]
    assert api.ask("PATCH", "/api/v1/accounts/anna", json={"utm": None}).json()["utm"] == {}
    post = add_post(api.world.store, to=("anna",)).id
    assert problem(api.ask("DELETE", "/api/v1/accounts/anna")) == (409, "conflict")
    api.ask("DELETE", f"/api/v1/posts/{post}")
    assert api.ask("DELETE", "/api/v1/accounts/anna").status_code == 204
    assert problem(api.ask("GET", "/api/v1/accounts/anna")) == (404, "not_found")


def test_networks_tell_limits_options_and_how_to_connect(api: Asked) -> None:
    told = api.ask("GET", "/api/v1/networks").json()["networks"]
    assert [each["key"] for each in told] == list(registry.keys())
    one = api.ask("GET", "/api/v1/networks/bluesky").json()
    assert one["options_schema"]["properties"]["langs"]["description"]
    assert one["credentials_schema"]["properties"]["app_password"]["format"] == "password"
    assert one["guide"]
    assert problem(api.ask("GET", "/api/v1/networks/nowhere")) == (404, "not_found")


def test_the_status_is_that_of_the_command(api: Asked) -> None:
    add_post(api.world.store, at=START - timedelta(hours=1))
    told = api.ask("GET", "/api/v1/status").json()
    assert told["overdue"] == {"count": 1, "oldest": "2026-11-23T08:00:00Z", "held": 0}
    assert told["next_due"][0]["account"] == "ann"


def test_quotas_are_set_lifted_and_given_back_to_the_network(api: Asked) -> None:
    def quotas(asked: Any) -> Any:
        answer = api.ask("PATCH", "/api/v1/accounts/ann", json={"quotas": asked})
        assert answer.status_code == 200, answer.text
        return answer.json()["quotas"]

    assert quotas({"day": 25}) == {"day": 25}
    assert quotas({"month": None}) == {"day": 25, "month": None}
    assert quotas(None) == {}
    for wrong in ({"week": 1}, {"day": 0}, {"day": "many"}):
        assert api.ask("PATCH", "/api/v1/accounts/ann", json={"quotas": wrong}).status_code == 422
