"""What programs can do with a post that is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postbell.api.changes import changes_of
from postbell.domain.access import Scope
from postbell.domain.post import Delivery
from postbell.domain.states import DeliveryState, Outcome, PostState
from postbell.services.posts.compose import add_post as compose
from postbell.services.posts.wanted import Changes, Wanted
from postbell.store import deliveries
from support.api import Asked, configured, problem
from support.pictures import png
from support.world import START, add_account, add_post, build_world, delivery_in, delivery_of, post_of


LATER = "2026-11-24T18:00:00Z"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Asked]:
    with build_world(tmp_path, settings=configured(requests_per_minute=0)) as world:
        add_account(world.store, "ann")
        yield Asked(world)


def draft(api: Asked, **more: Any) -> str:
    return add_post(api.world.store, at=None, **more).id


def patch(api: Asked, post_id: str, asked: dict[str, Any], **more: Any) -> Any:
    return api.ask("PATCH", f"/api/v1/posts/{post_id}", json=asked, **more)


def unsure(api: Asked) -> Delivery:
    return delivery_in(api.world.store, DeliveryState.UNSURE)


def test_a_change_leaves_alone_what_it_does_not_name_and_null_takes_away(api: Asked) -> None:
    made = api.ask(
        "POST",
        "/api/v1/posts",
        json={
            "text": "hello",
            "title": "A title",
            "link": "https://example.org/",
            "to": ["ann"],
            "labels": ["news"],
            "late_limit_seconds": 60,
            "not_after": LATER,
            "delete_after_seconds": 60,
            "overrides": {"ann": {"text": "for ann"}},
        },
    ).json()
    changed = patch(api, made["id"], {"text": "other"}).json()
    assert changed["text"] == "other"
    same = ("title", "link", "labels", "late_limit_seconds", "not_after", "delete_after_seconds", "overrides")
    assert {name: changed[name] for name in same} == {name: made[name] for name in same}
    gone: dict[str, Any] = dict.fromkeys(["title", "link", "late_limit_seconds", "not_after"])
    gone |= {"delete_after_seconds": None, "labels": [], "overrides": {"ann": None}, "allow_duplicate": True}
    changed = patch(api, made["id"], gone).json()
    assert {name: changed[name] for name in gone} == gone | {"overrides": {}}


def test_a_time_schedules_a_draft_and_draft_makes_it_one_again(api: Asked) -> None:
    post = draft(api)
    assert patch(api, post, {"at": LATER}).json()["state"] == "scheduled"
    back = patch(api, post, {"draft": True, "text": "not yet"}).json()
    assert (back["state"], back["text"], back["at"]) == ("draft", "not yet", "2026-11-24T18:00:00Z")
    assert patch(api, post, {"draft": True}).json()["state"] == "draft"
    assert patch(api, post, {}).json()["version"] == back["version"]


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"at": None}, "/at"),
        ({"at": LATER, "draft": True}, "/at"),
        ({"at": LATER, "queue": "free"}, "/at"),
        ({"to": ["nobody"]}, "/to"),
        ({"text": None}, "/text"),
        ({"media": [{"sha256": "0" * 64}]}, "/media/0"),
        ({"not_after": "x"}, "/not_after"),
    ],
    ids=str,
)
def test_a_change_that_cannot_be_made_is_told_and_nothing_is_changed(
    api: Asked, asked: dict[str, Any], where: str
) -> None:
    post = draft(api)
    answer = patch(api, post, asked)
    assert problem(answer) == (422, "invalid")
    assert where in [each["pointer"] for each in answer.json()["problems"]]
    assert post_of(api.world.store, post).version == 1


def test_what_somebody_else_has_changed_is_not_changed_again_unseen(api: Asked) -> None:
    post = draft(api)
    tag = api.ask("GET", f"/api/v1/posts/{post}").headers["etag"]
    changed = patch(api, post, {"text": "first"}, headers={"If-Match": tag})
    assert changed.status_code == 200
    for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/publish"), ("POST", "/cancel")):
        answer = api.ask(method, f"/api/v1/posts/{post}{path}", json={}, headers={"If-Match": tag})
        assert problem(answer) == (412, "changed"), method
    assert post_of(api.world.store, post).content.text == "first"
    newest = {"If-Match": f'"x", {changed.headers["etag"]}'}
    assert patch(api, post, {"text": "second"}, headers=newest).status_code == 200
    assert patch(api, post, {"text": "third"}, headers={"If-Match": "*"}).status_code == 200


@pytest.mark.parametrize("match", [None, "*", "seen"])
def test_who_was_overtaken_is_told_whether_to_ask_again_or_to_read_it_again(
    api: Asked, monkeypatch: pytest.MonkeyPatch, match: str | None
) -> None:
    post = draft(api)
    tag = api.ask("GET", f"/api/v1/posts/{post}").headers["etag"]

    def overtaken(*given: Any) -> Changes:
        monkeypatch.undo()
        assert patch(api, post, {"text": "first"}).status_code == 200
        return changes_of(*given)

    monkeypatch.setattr("postbell.api.routes.posts.changes_of", overtaken)
    headers = {} if match is None else {"If-Match": tag if match == "seen" else match}
    answer = patch(api, post, {"text": "second"}, headers=headers)
    wanted = ((412, "changed"), None) if match == "seen" else ((409, "stale"), "1")
    assert (problem(answer), answer.headers.get("retry-after")) == wanted
    assert post_of(api.world.store, post).content.text == "first"


def test_what_may_become_public_is_changed_with_its_own_scope(api: Asked) -> None:
    key = api.key(Scope.WRITE)
    timed = add_post(api.world.store, at=START + timedelta(days=1)).id
    assert problem(patch(api, timed, {"text": "x"}, key=key)) == (403, "scope")
    assert problem(patch(api, draft(api), {"at": LATER}, key=key)) == (403, "scope")
    assert patch(api, draft(api), {"text": "x"}, key=key).status_code == 200
    assert patch(api, timed, {"draft": True}, key=key).status_code == 200


def test_a_draft_is_published_now(api: Asked) -> None:
    post = draft(api)
    told = api.ask("POST", f"/api/v1/posts/{post}/publish").json()
    assert (told["state"], told["at"]) == ("scheduled", "2026-11-23T09:00:00Z")
    again = api.ask("POST", "/api/v1/posts", json={"text": "hello", "to": ["ann"]}).json()["id"]
    answer = api.ask("POST", f"/api/v1/posts/{again}/publish")
    assert problem(answer) == (422, "invalid")
    allowed = api.ask("POST", f"/api/v1/posts/{again}/publish", json={"allow_duplicate": True})
    assert allowed.status_code == 200


def test_a_post_is_cancelled_or_deleted_while_that_is_possible(api: Asked) -> None:
    post = add_post(api.world.store).id
    assert api.ask("POST", f"/api/v1/posts/{post}/cancel").json()["state"] == "cancelled"
    assert problem(api.ask("POST", f"/api/v1/posts/{post}/cancel")) == (409, "conflict")
    answer = api.ask("DELETE", f"/api/v1/posts/{post}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert problem(api.ask("DELETE", f"/api/v1/posts/{post}")) == (404, "not_found")
    published = delivery_in(api.world.store, DeliveryState.PROCESSED).post_id
    assert problem(api.ask("DELETE", f"/api/v1/posts/{published}")) == (409, "conflict")
    assert problem(patch(api, published, {"text": "x"})) == (409, "illegal_transition")


def test_what_failed_is_tried_again(api: Asked) -> None:
    failed = delivery_in(api.world.store, DeliveryState.PROCESSED, Outcome.FAILED)
    path = f"/api/v1/posts/{failed.post_id}/retry"
    assert problem(api.ask("POST", path, json={"account": "nobody"})) == (404, "not_found")
    assert api.ask("POST", path, json={"account": failed.account}).json()["state"] == "processing"
    assert problem(api.ask("POST", path)) == (409, "conflict")


def test_what_is_unsure_is_settled_as_somebody_has_seen_it(api: Asked) -> None:
    lost = unsure(api)
    path = f"/api/v1/posts/{lost.post_id}/settle"
    assert problem(api.ask("POST", path, json={"verdict": "published", "url": "nonsense"}))[0] == 422
    told = api.ask("POST", path, json={"verdict": "published", "url": "https://example.org/1"}).json()
    assert (told["outcome"], told["deliveries"][0]["url"]) == ("published", "https://example.org/1")
    assert problem(api.ask("POST", path, json={"verdict": "resend"})) == (409, "conflict")
    tried = api.ask("GET", f"/api/v1/posts/{lost.post_id}/attempts").json()["attempts"]
    assert [each["kind"] for each in tried] == ["publish", "settle"]


def test_a_wish_that_does_something_once_is_done_once(api: Asked) -> None:
    failed = delivery_in(api.world.store, DeliveryState.PROCESSED, Outcome.FAILED)
    headers, path = {"Idempotency-Key": "again"}, f"/api/v1/posts/{failed.post_id}/retry"
    first = api.ask("POST", path, headers=headers)
    assert first.status_code == 200
    assert api.ask("POST", path, headers=headers).content == first.content
    gone = {"Idempotency-Key": "gone"}
    post = draft(api)
    for _ in range(2):
        assert api.ask("DELETE", f"/api/v1/posts/{post}", headers=gone).status_code == 204


def test_to_validate_or_preview_stores_nothing(api: Asked) -> None:
    wish = {"text": "hello", "to": ["ann"], "at": LATER}
    assert api.ask("POST", "/api/v1/posts/validate", json=wish).json() == {
        "valid": True,
        "problems": [],
        "warnings": [],
        "moved": [],
    }
    judged = api.ask("POST", "/api/v1/posts/validate", json=wish | {"to": ["nobody"]}).json()
    assert (judged["valid"], judged["problems"][0]["pointer"]) == (False, "/to")
    (shown,) = api.ask("POST", "/api/v1/posts/preview", json=wish).json()["previews"]
    assert (shown["account"], shown["at"]) == ("ann", "2026-11-24T18:00:00Z")
    assert shown["calls"]
    assert api.ask("GET", "/api/v1/posts").json()["posts"] == []
    with api.world.store.write() as tx:  # nobody holds it
        assert deliveries.count_by_state(tx) == {}


def test_stored_files_are_used_by_their_hashes(api: Asked, tmp_path: Path) -> None:
    file = tmp_path / "cat.png"
    file.write_bytes(png())
    wanted = Wanted(text="x", to=("ann",), media=((file, "a cat"),))
    (stored,) = compose(api.world.ctx, wanted).post.content.media
    media = [{"sha256": stored.sha256, "alt": "the same cat"}, {"sha256": stored.sha256, "name": "twin.png"}]
    told = api.ask("POST", "/api/v1/posts", json={"text": "y", "to": ["ann"], "media": media}).json()
    assert [(each["name"], each["alt"]) for each in told["media"]] == [
        (f"{stored.sha256[:8]}.png", "the same cat"),
        ("twin.png", ""),
    ]
    assert patch(api, told["id"], {"media": []}).json()["media"] == []


def test_a_reader_waits_until_a_post_has_ended(api: Asked) -> None:
    post = add_post(api.world.store).id
    assert api.ask("GET", f"/api/v1/posts/{post}?wait=0.01").json()["outcome"] is None
    assert problem(api.ask("GET", "/api/v1/posts/zzzzzzzz?wait=0.01")) == (404, "not_found")
    assert problem(api.ask("GET", f"/api/v1/posts/{post}?wait=61")) == (422, "invalid")

    async def both() -> Any:
        reading = asyncio.to_thread(api.ask, "GET", f"/api/v1/posts/{post}?wait=30")
        ending = asyncio.to_thread(api.ask, "POST", f"/api/v1/posts/{post}/cancel")
        return await asyncio.gather(reading, ending)

    read, _cancelled = asyncio.run(both())
    assert read.json()["outcome"] == "cancelled"
    assert post_of(api.world.store, post).state is PostState.CANCELLED
    assert delivery_of(api.world.store, 1).outcome is Outcome.CANCELLED
