"""How posts end, as programs see it: on their own account, on all together, and not before their time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.states import DeliveryState
from postbell.services.sending.commenting import MOST_TRIES
from postbell.testing import FakeNetwork, Mode
from support.api import Asked, configured, problem
from support.commenting import network_of, published, speak
from support.stage import Stage, Wary, live, ring
from support.world import add_account, build_world, delivery_in, post_of


LATER = "2026-11-25T09:00:00Z"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Asked]:
    settings = configured(requests_per_minute=0)
    with build_world(tmp_path, settings=settings, networks=[FakeNetwork(), Wary()]) as world:
        add_account(world.store, "ann")
        add_account(world.store, "will", network="wary")
        yield Asked(world)


def write(api: Asked, **asked: Any) -> str:
    answer = api.ask("POST", "/api/v1/posts", json={"text": "hello", "to": ["ann", "will"]} | asked)
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["id"]
    return made


def read(api: Asked, post: str) -> Any:
    return api.ask("GET", f"/api/v1/posts/{post}").json()


def each(told: Any, *names: str) -> dict[str, tuple[Any, ...]]:
    """Return what is told of the deliveries of a post, by account."""
    return {delivery["account"]: tuple(delivery[name] for name in names) for delivery in told["deliveries"]}


def public(api: Asked) -> list[str]:
    """Return what is public at the networks."""
    return [post.content.text for key in ("fake", "wary") for post in network_of(api.world, key).posts]


def test_a_dated_draft_is_only_a_reminder_whatever_the_time(api: Asked) -> None:
    post = write(api, at=LATER, draft=True)
    for _ in range(3):
        api.world.clock.advance(86_400)
        ring(api.world)
        assert (read(api, post)["state"], read(api, post)["at"]) == ("draft", LATER)
    assert public(api) == []


def test_a_scheduled_post_waits_for_its_time_and_no_longer(api: Asked) -> None:
    post = write(api, at=LATER)
    api.world.clock.advance(2 * 86_400 - 1)
    ring(api.world)
    assert (read(api, post)["state"], public(api)) == ("scheduled", [])
    api.world.clock.advance(1)
    ring(api.world)
    told = read(api, post)
    assert (told["state"], told["outcome"], public(api)) == ("processed", "published", ["hello", "hello"])
    assert each(told, "late_seconds") == {"ann": (None,), "will": (None,)}


def test_it_is_processing_until_it_has_ended_on_all_accounts(api: Asked) -> None:
    post = write(api)
    assert read(api, post)["state"] == "draft"
    assert api.ask("POST", f"/api/v1/posts/{post}/publish").json()["state"] == "scheduled"
    slow = network_of(api.world, "wary")
    slow.modes = [Mode.WAIT]

    async def script(stage: Stage) -> Any:
        await stage.dispatcher.ring()
        await stage.begun(slow)
        told = await asyncio.to_thread(read, api, post)
        while told["deliveries"][0]["outcome"] is None:  # what came of the other one is being recorded
            told = await asyncio.to_thread(read, api, post)
        slow.gate.set()
        await stage.idle()
        return told

    told = live(api.world, script)
    assert (told["state"], told["outcome"]) == ("processing", None)
    assert each(told, "state", "outcome") == {"ann": ("processed", "published"), "will": ("processing", None)}
    told = read(api, post)
    assert (told["state"], told["outcome"]) == ("processed", "published")


def test_what_one_account_refuses_is_partial_and_told_of_that_account(api: Asked) -> None:
    network_of(api.world).modes = [Mode.REJECT]
    post = write(api, publish_now=True)
    ring(api.world)
    told = read(api, post)
    assert (told["state"], told["outcome"]) == ("processed", "partial")
    assert each(told, "outcome", "message") == {
        "ann": ("failed", "asked to reject"),
        "will": ("published", None),
    }
    assert [found["id"] for found in api.ask("GET", "/api/v1/posts?outcome=partial").json()["posts"]] == [
        post
    ]
    assert api.ask("POST", f"/api/v1/posts/{post}/retry").json()["state"] == "processing"
    ring(api.world)
    told = read(api, post)
    assert (told["state"], told["outcome"]) == ("processed", "published")
    assert public(api) == ["hello", "hello"]
    tried = api.ask("GET", f"/api/v1/posts/{post}/attempts").json()["attempts"]
    assert sorted((found["account"], found["result"]) for found in tried) == [
        *(("ann", "published"), ("ann", "rejected"), ("will", "published"))
    ]


def test_what_all_accounts_refuse_has_failed(api: Asked) -> None:
    for key in ("fake", "wary"):
        network_of(api.world, key).modes = [Mode.REJECT]
    post = write(api, publish_now=True)
    ring(api.world)
    told = read(api, post)
    assert (told["state"], told["outcome"]) == ("processed", "failed")
    assert each(told, "outcome", "message") == dict.fromkeys(("ann", "will"), ("failed", "asked to reject"))
    answer = api.ask("POST", f"/api/v1/posts/{post}/retry", json={"account": "will"})
    assert each(answer.json(), "state") == {"ann": ("processed",), "will": ("scheduled",)}
    ring(api.world)
    assert (read(api, post)["outcome"], public(api)) == ("partial", ["hello"])


def test_a_first_comment_that_fails_is_a_warning_and_the_post_stays_published(api: Asked) -> None:
    post = published(api.world, *[Mode.REJECT] * MOST_TRIES)
    speak(api.world, MOST_TRIES + 1, after=3600)
    told = read(api, post.id)
    assert told["outcome"] == "published"
    (warning,) = told["deliveries"][0]["warnings"]
    assert warning.startswith("The first comment was not published: ")
    (comment,) = api.ask("GET", f"/api/v1/posts/{post.id}/comments").json()["comments"]
    assert (comment["account"], comment["state"]) == ("ann", "failed")
    assert public(api) == ["hello"]


def test_what_is_being_published_is_neither_changed_nor_taken_back(api: Asked) -> None:
    post = post_of(api.world.store, delivery_in(api.world.store, DeliveryState.PROCESSING).post_id)
    path = f"/api/v1/posts/{post.id}"
    for method, where, body in (
        *(
            ("PATCH", path, {"text": "other"}),
            ("PATCH", path, {"at": LATER}),
            ("PATCH", path, {"draft": True}),
        ),
        *(("DELETE", path, None), ("POST", f"{path}/cancel", None)),
    ):
        assert problem(api.ask(method, where, json=body))[0] == 409, f"{method} {where} {body}"
        assert post_of(api.world.store, post.id) == post
    assert read(api, post.id)["state"] == "processing"


def test_an_account_keeps_its_least_gap_between_two_posts(api: Asked) -> None:
    assert api.ask("PATCH", "/api/v1/accounts/ann", json={"min_gap_seconds": 3600}).status_code == 200
    first, second = (write(api, text=text, to=["ann"], publish_now=True) for text in ("one", "two"))
    ring(api.world)
    assert [read(api, post)["state"] for post in (first, second)] == ["processed", "scheduled"]
    api.world.clock.advance(3599)
    ring(api.world)
    assert public(api) == ["one"]
    api.world.clock.advance(1)
    ring(api.world)
    told = read(api, second)
    assert (told["state"], public(api)) == ("processed", ["one", "two"])
    assert told["deliveries"][0]["late_seconds"] == timedelta(hours=1).total_seconds()
    assert told["deliveries"][0]["late_reason"] == "the account keeps 1 h between two posts"
