"""Hooks, by the HTTP API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from postbell.domain.access import Scope
from postbell.store.tables.api import answer as answer_table
from support.api import Asked, problem
from support.hooks import tell
from support.receiver import Receiver
from support.world import World, add_post, build_world


HOOKS = "/api/v1/hooks"
WISH = {"name": "n8n", "url": "https://hooks.example.org/a", "events": ["post.*"]}


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def world(tmp_path: Path, receiver: Receiver) -> Iterator[World]:
    with build_world(tmp_path, transport=receiver) as made:
        yield made


def add(api: Asked, receiver: Receiver, **more: Any) -> str:
    answer = api.ask("POST", HOOKS, json=WISH | more)
    assert (answer.status_code, answer.headers["location"]) == (201, f"{HOOKS}/n8n")
    secret = receiver.secrets["/a"] = answer.json()["secret"]
    return str(secret)


def test_a_hook_is_added_read_and_removed(world: World, receiver: Receiver) -> None:
    api = Asked(world)
    secret = add(api, receiver)
    for path in (HOOKS, f"{HOOKS}/n8n"):
        assert secret not in api.ask("GET", path).text
    (seen,) = api.ask("GET", HOOKS).json()["hooks"]
    assert (seen["name"], seen["events"], seen["waiting"]) == ("n8n", ["post.*"], 0)
    assert api.ask("GET", f"{HOOKS}/n8n").json()["url"] == WISH["url"]
    assert api.ask("DELETE", f"{HOOKS}/n8n").status_code == 204
    assert problem(api.ask("GET", f"{HOOKS}/n8n")) == (404, "not_found")


def test_what_it_was_told_is_in_its_log(world: World, receiver: Receiver) -> None:
    api = Asked(world)
    add(api, receiver)
    add_post(world.store)
    tell(world)
    newest, oldest = api.ask("GET", f"{HOOKS}/n8n/log").json()["calls"]
    assert (newest["type"], newest["state"], newest["status"]) == ("post.scheduled", "taken", 204)
    assert oldest["type"] == "post.added"
    assert len(api.ask("GET", f"{HOOKS}/n8n/log?limit=1").json()["calls"]) == 1


def test_a_test_tells_how_it_went(world: World, receiver: Receiver) -> None:
    api = Asked(world)
    add(api, receiver)
    taken = api.ask("POST", f"{HOOKS}/n8n/test").json()
    assert (taken["hook"], taken["taken"], taken["status"], taken["error"]) == ("n8n", True, 204, None)
    receiver.answers["/a"] = [500]
    assert api.ask("POST", f"{HOOKS}/n8n/test").json()["error"] == "it answered 500"


def test_a_secret_is_told_once_even_to_who_asks_again(world: World, receiver: Receiver) -> None:
    api = Asked(world)
    again = {"Idempotency-Key": "one"}
    first = api.ask("POST", HOOKS, json=WISH, headers=again)
    second = api.ask("POST", HOOKS, json=WISH, headers=again)
    secret = first.json()["secret"]
    assert secret.startswith("whsec_")
    assert (second.status_code, second.json()["secret"], second.json()["name"]) == (201, None, "n8n")
    rotated = api.ask("POST", f"{HOOKS}/n8n/rotate", headers={"Idempotency-Key": "two"}).json()["secret"]
    assert rotated not in (None, secret)
    with world.store.read() as tx:
        kept = json.dumps(list(tx.execute(select(answer_table.c.body)).scalars()))
    assert secret not in kept
    assert rotated not in kept
    receiver.secrets["/a"] = rotated
    assert api.ask("POST", f"{HOOKS}/n8n/test").json()["taken"]


def test_everything_that_is_wrong_is_told_with_its_place(world: World) -> None:
    answer = Asked(world).ask(
        "POST", HOOKS, json={"name": "a b", "url": "http://10.0.0.1/", "events": ["none"]}
    )
    assert problem(answer) == (422, "invalid")
    assert {each["pointer"] for each in answer.json()["problems"]} == {"/name", "/url", "/events"}


def test_names_are_unique(world: World, receiver: Receiver) -> None:
    api = Asked(world)
    add(api, receiver)
    assert problem(api.ask("POST", HOOKS, json=WISH)) == (409, "conflict")


def test_addresses_may_hold_secrets_so_only_admins_see_them(world: World) -> None:
    api = Asked(world)
    key = api.key(Scope.READ, Scope.WRITE, Scope.PUBLISH, Scope.ACCOUNTS)
    assert problem(api.ask("GET", HOOKS, key=key)) == (403, "scope")
