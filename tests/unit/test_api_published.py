"""What programs can do with what is public."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from postbell.domain.access import Scope
from postbell.domain.post import Post
from postbell.testing import FakeNetwork
from support.api import Asked, configured, problem
from support.stage import ring
from support.world import add_post, build_world, post_of


class Fixed(FakeNetwork):
    """Neither takes away nor changes anything."""

    key: ClassVar[str] = "fixed"
    label: ClassVar[str] = "Fixed"
    deletes: ClassVar[bool] = False
    edit: ClassVar[Any] = None


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Asked]:
    settings = configured(requests_per_minute=0)
    with build_world(tmp_path, settings=settings, networks=[FakeNetwork(), Fixed()]) as world:
        yield Asked(world)


def published(api: Asked, *to: str, network: str = "fake") -> Post:
    post = add_post(api.world.store, to=to or ("ann",), network=network)
    ring(api.world)
    return post_of(api.world.store, post.id)


def ask(api: Asked, post: Post, what: str, asked: dict[str, Any] | None = None, **more: Any) -> Any:
    return api.ask("POST", f"/api/v1/posts/{post.id}/{what}", json=asked or {}, **more)


def refused(answer: Any, status: int) -> Any:
    assert answer.status_code == status, answer.text
    problem(answer)  # it has the form of one
    return answer.json()


def test_what_is_public_is_changed_and_what_it_said_is_listed(api: Asked) -> None:
    post = published(api, "ann", "bob")
    done = ask(api, post, "edit", {"text": "good evening", "title": None})
    assert (done.status_code, done.json()["text"]) == (200, "good evening")
    assert all(each["edit_at"] for each in done.json()["deliveries"])
    (before,) = api.ask("GET", f"/api/v1/posts/{post.id}/revisions").json()["revisions"]
    assert (before["text"], before["version"]) == ("hello", post.version)
    only = ask(api, post, "edit", {"text": "for bob", "accounts": ["bob"]}).json()
    assert (only["text"], only["overrides"]["bob"]["text"]) == ("good evening", "for bob")


def test_what_is_wrong_is_told_with_its_place(api: Asked) -> None:
    post = published(api)
    told = refused(ask(api, post, "edit", {"text": "x" * 501}), 422)
    assert told["problems"][0]["pointer"] == "/text"
    told = refused(ask(api, post, "edit", {"to": ["ann"]}), 422)
    assert told["problems"][0]["pointer"] == "/to"
    told = refused(ask(api, post, "edit", {"text": "x" * 501, "accounts": ["ann"]}), 422)
    assert told["problems"][0]["pointer"] == "/text"
    told = refused(ask(api, post, "edit", {"media": [{"sha256": "0" * 64}]}), 422)
    assert told["problems"][0]["pointer"] == "/media/0"
    refused(ask(api, post, "edit", {"text": "x", "accounts": ["eve"]}), 404)
    assert post_of(api.world.store, post.id) == post


def test_what_a_network_does_not_do_is_a_conflict(api: Asked) -> None:
    post = published(api, "kim", network="fixed")
    assert "Fixed changes nothing" in refused(ask(api, post, "edit", {"text": "x"}), 409)["detail"]
    assert "takes nothing back" in refused(ask(api, post, "unpublish"), 409)["detail"]
    draft = add_post(api.world.store, at=None)
    for what in ("edit", "unpublish"):
        refused(ask(api, draft, what), 409)


def test_what_is_public_is_taken_away(api: Asked) -> None:
    post = published(api, "ann", "bob")
    done = ask(api, post, "unpublish", {"account": "bob"}).json()
    assert [bool(each["delete_at"]) for each in done["deliveries"]] == [False, True]
    done = api.ask("POST", f"/api/v1/posts/{post.id}/unpublish").json()
    assert all(each["delete_at"] for each in done["deliveries"])
    refused(ask(api, post, "unpublish", {"account": "eve"}), 404)


@pytest.mark.parametrize("what", ["edit", "unpublish"])
def test_both_need_the_scope_publish_and_are_done_once(api: Asked, what: str) -> None:
    post = published(api)
    refused(ask(api, post, what, key=api.key(Scope.READ, Scope.WRITE)), 403)
    headers = {"Idempotency-Key": "once"}
    first = ask(api, post, what, {}, headers=headers)
    again = ask(api, post, what, {}, headers=headers)
    assert first.json() == again.json()
    stale = {"If-Match": '"old"'}
    refused(ask(api, post, what, {}, headers=stale), 412)
