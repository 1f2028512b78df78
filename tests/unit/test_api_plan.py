"""What is to come, pauses, labels, responses, notices and backups, asked for by programs."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from postbell.domain.access import Scope
from postbell.domain.notice import Notice, NoticeKind
from postbell.domain.states import DeliveryState
from postbell.store.metrics import add_reading
from postbell.store.notices import keep_notices
from support.api import UNSAFE, Asked, Known, configured, problem
from support.world import START, add_account, add_post, build_world, delivery_in, post_of


DAY = "since=2026-11-24T00:00:00Z&until=2026-11-25T00:00:00Z"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Asked]:
    with build_world(tmp_path, settings=configured(requests_per_minute=0)) as world:
        add_account(world.store, "ann")
        yield Asked(world)


def write(api: Asked, path: str, **asked: Any) -> dict[str, Any]:
    answer = api.ask("POST", f"/api/v1/{path}", json={"text": "Hello", "to": ["ann"]} | asked)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_what_comes_next_is_listed_with_what_series_will_make(api: Asked) -> None:
    series = write(api, "series", repeat={"repeat": "monthly", "days": [1], "times": ["08:00"]})["id"]
    post = write(api, "posts", text="Once", at="2026-11-24T09:00:00Z")["id"]
    told = api.ask("GET", "/api/v1/next?count=4").json()["coming"]
    assert [(each["at"], each["series"]) for each in told] == [
        ("2026-11-24T09:00:00Z", None),
        ("2026-12-01T08:00:00Z", series),
        ("2027-01-01T08:00:00Z", series),
        ("2027-02-01T08:00:00Z", series),
    ]
    assert (told[0]["post"], told[0]["account"], told[0]["text"]) == (post, "ann", "Once")
    assert told[-1]["post"] is None
    bounded = api.ask("GET", "/api/v1/next?until=2026-11-25T00:00:00Z").json()["coming"]
    assert [each["post"] for each in bounded] == [post]


def test_a_span_of_time_shows_dated_drafts_which_undated_ones_are_not_in(api: Asked) -> None:
    draft = write(api, "posts", at="2026-11-24T12:00:00Z", draft=True)["id"]
    write(api, "posts", text="An idea", to=[])
    post = write(api, "posts", text="Once", at="2026-11-24T09:00:00Z")["id"]
    told = api.ask("GET", f"/api/v1/agenda?{DAY}").json()["coming"]
    assert [(each["post"], each["draft"]) for each in told] == [(post, False), (draft, True)]


@pytest.mark.parametrize(
    "path",
    [
        "next?count=0",
        "next?until=soon",
        "agenda",
        "agenda?since=2026-11-24T00:00:00Z&until=2026-11-24T00:00:00Z",
        "agenda?since=2026-11-24T00:00:00Z&until=2027-12-24T00:00:00Z",
        "agenda?since=1969-01-01T00:00:00Z&until=1969-01-02T00:00:00Z",
        "agenda?since=2036-01-01T00:00:00Z&until=2036-01-02T00:00:00Z",
    ],
)
def test_a_span_that_is_none_or_has_no_bound_is_refused(api: Asked, path: str) -> None:
    assert problem(api.ask("GET", f"/api/v1/{path}")) == (422, "invalid")


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"until": "soon"}, "/until"),
        ({"until": "2027-11-24T00:00:00Z"}, "/until"),
        ({"until": "2026-11-24T00:00:00Z", "downtime": [["x", "2026-11-24T00:00:00Z"]]}, "/downtime"),
    ],
    ids=str,
)
def test_a_rehearsal_has_bounds(api: Asked, asked: dict[str, Any], pointer: str) -> None:
    answer = api.ask("POST", "/api/v1/rehearsal", json=asked)
    assert problem(answer) == (422, "invalid")
    assert [each["pointer"] for each in answer.json()["problems"]] == [pointer]


def test_all_kinds_of_things_are_paused_and_go_on(api: Asked) -> None:
    series = write(api, "series", repeat={"repeat": "daily", "times": ["10:00"]})["id"]
    write(api, "posts", text="Once", at="2026-11-24T09:00:00Z", labels=["news"])
    targets = [
        {"scope": "everything"},
        {"scope": "series", "name": series},
        {"scope": "label", "name": "news"},
        {"scope": "account", "name": "ann"},
    ]
    until = "2026-11-25T00:00:00Z"
    made = api.ask("POST", "/api/v1/pauses", json={"targets": targets, "until": until})
    assert made.status_code == 201
    assert [(each["scope"], each["waiting"]) for each in made.json()["paused"]] == [
        ("everything", 3),
        ("series", 2),
        ("label", 1),
        ("account", 3),
    ]
    listed = api.ask("GET", "/api/v1/pauses").json()["pauses"]
    assert [each["scope"] for each in listed] == ["everything", "label", "series", "account"]
    assert {each["until"] for each in listed} == {until}
    assert api.ask("GET", f"/api/v1/series/{series}").json()["paused"]["until"] == until
    assert api.ask("GET", "/api/v1/next?count=1").json()["coming"][0]["held"]
    gone = api.ask("POST", "/api/v1/pauses/resume", json={"targets": targets}).json()["resumed"]
    assert [each["was_paused"] for each in gone] == [True] * 4
    assert api.ask("GET", "/api/v1/pauses").json() == {"pauses": []}


@pytest.mark.parametrize(
    "target",
    [
        {"scope": "account", "name": "nobody"},
        {"scope": "series", "name": "zzzzzzzz"},
        {"scope": "label", "name": ""},
        {"scope": "everything", "name": "x"},
        {"scope": "nothing"},
    ],
    ids=str,
)
def test_what_there_is_not_cannot_be_paused(api: Asked, target: dict[str, str]) -> None:
    for path in ("pauses", "pauses/resume"):
        answer = api.ask("POST", f"/api/v1/{path}", json={"targets": [target]})
        assert problem(answer) == (422, "invalid")
        assert answer.json()["problems"][0]["pointer"].startswith("/targets")
    assert problem(api.ask("POST", "/api/v1/pauses", json={"targets": []})) == (422, "invalid")


@pytest.mark.parametrize("route", [each for each in UNSAFE if each.path.endswith("/resume")], ids=str)
def test_an_account_goes_on_for_a_key_that_opens_accounts_and_publish_by_every_route(
    api: Asked, route: Known
) -> None:
    path = route.path.replace("nobody", "ann")
    body: dict[str, Any] = (
        {} if "ann" in path else {"json": {"targets": [{"scope": "account", "name": "ann"}]}}
    )
    both = {Scope.ACCOUNTS, Scope.PUBLISH}
    for scopes in (both - {Scope.ACCOUNTS}, both - {Scope.PUBLISH}, set(Scope) - both - {Scope.ADMIN}):
        api.ask("POST", "/api/v1/accounts/ann/pause")
        answer = api.ask("POST", path, key=api.key(*scopes), **body)
        assert problem(answer) == (403, "scope"), scopes
        assert api.ask("GET", "/api/v1/accounts/ann").json()["paused_at"]
    assert api.ask("POST", path, key=api.key(*both), **body).status_code == 200
    assert api.ask("GET", "/api/v1/accounts/ann").json()["paused_at"] is None


@pytest.mark.parametrize("route", [each for each in UNSAFE if re.search("/pauses?$", each.path)], ids=str)
def test_a_pause_ends_sooner_only_for_a_key_that_opens_publish(api: Asked, route: Known) -> None:
    path = route.path.replace("nobody", "ann")
    target = {"targets": [{"scope": "account", "name": "ann"}]} if path.endswith("pauses") else {}
    pauser = api.key(Scope.WRITE, Scope.ACCOUNTS)
    known = api.ask("POST", path, key=pauser, json={**target, "until": "2026-12-01T00:00:00Z"})
    assert known.status_code in (200, 201), known.text
    for until in ("2026-12-02T00:00:00Z", None):
        longer = api.ask("POST", path, key=pauser, json={**target, "until": until})
        assert longer.status_code in (200, 201), longer.text
    sooner = {**target, "until": "2026-11-30T00:00:00Z"}
    assert problem(api.ask("POST", path, key=pauser, json=sooner)) == (403, "scope")
    key = api.key(Scope.WRITE, Scope.ACCOUNTS, Scope.PUBLISH)
    assert api.ask("POST", path, key=key, json=sooner).status_code in (200, 201)


def test_to_pause_an_account_needs_the_scope_for_accounts(api: Asked) -> None:
    asked = {"targets": [{"scope": "account", "name": "ann"}]}
    key = api.key(Scope.WRITE, Scope.PUBLISH)
    assert problem(api.ask("POST", "/api/v1/pauses", json=asked, key=key)) == (403, "scope")


def test_what_older_versions_took_as_labels_breaks_no_answer(api: Asked) -> None:
    post = write(api, "posts", labels=["news"])["id"]
    series = write(api, "series", repeat={"repeat": "yearly", "times": ["10:00"]}, labels=["cats"])["id"]
    bad = r'["\ud800", "a\u0000b", "\ud83d\udc08", 7, null, ["x"]]'
    with api.world.store.write() as tx:
        tx.execute(text("UPDATE post SET labels = :bad WHERE id = :id"), {"bad": bad, "id": post})
        tx.execute(text("UPDATE series SET labels = :bad WHERE id = :id"), {"bad": bad, "id": series})
    told = api.ask("GET", "/api/v1/labels")
    assert told.status_code == 200, told.text
    names = [each["name"] for each in told.json()["labels"]]
    assert {"\U0001f408", "a", "\ufffd" * 3} <= set(names)
    assert all(isinstance(name, str) for name in names)
    with api.world.store.write() as tx:
        tx.execute(text("UPDATE post SET labels = :bad WHERE id = :id"), {"bad": r'["\ud800"]', "id": post})
    assert api.ask("GET", f"/api/v1/posts/{post}").json()["labels"] == ["?"]


def test_labels_are_listed_with_what_has_them(api: Asked) -> None:
    write(api, "posts", labels=["cats", "news"])
    write(api, "posts", text="Once", at="2026-11-24T09:00:00Z", labels=["news"])
    write(api, "series", repeat={"repeat": "yearly", "times": ["10:00"]}, labels=["cats"])
    api.ask("POST", "/api/v1/pauses", json={"targets": [{"scope": "label", "name": "other"}]})
    told = {each.pop("name"): each for each in api.ask("GET", "/api/v1/labels").json()["labels"]}
    assert told == {
        "cats": {"posts": 2, "scheduled": 1, "series": 1, "paused": False},
        "news": {"posts": 2, "scheduled": 1, "series": 0, "paused": False},
        "other": {"posts": 0, "scheduled": 0, "series": 0, "paused": True},
    }


def test_responses_are_counted_and_what_networks_tell_is_read(api: Asked) -> None:
    delivery = delivery_in(api.world.store, DeliveryState.PROCESSED)
    with api.world.store.write() as tx:
        add_reading(tx, delivery.id, {"likes": 3, "replies": 1}, START)
    post, path = post_of(api.world.store, delivery.post_id), f"/api/v1/posts/{delivery.post_id}"
    assert api.ask("GET", f"{path}/readings").json()["readings"] == [
        {
            "post": post.id,
            "account": delivery.account,
            "read_at": "2026-11-23T09:00:00Z",
            "counts": {"likes": 3, "replies": 1},
        }
    ]
    told = api.ask("PUT", f"{path}/responses", json={"responses": 24}).json()
    assert told == {"post": post.id, "account": delivery.account, "responses": 24}
    (hour,) = api.ask("GET", "/api/v1/engagement").json()["hours"]
    assert (hour["account"], hour["mean"], hour["posts"]) == (delivery.account, 24, 1)
    draft = add_post(api.world.store, at=None).id
    answer = api.ask("PUT", f"/api/v1/posts/{draft}/responses", json={"responses": 1})
    assert problem(answer) == (409, "conflict")
    assert problem(api.ask("PUT", f"{path}/responses", json={"responses": -1})) == (422, "invalid")
    assert problem(api.ask("GET", "/api/v1/posts/zzzzzzzz/readings")) == (404, "not_found")


def test_notices_are_listed_the_newest_first(api: Asked) -> None:
    at = [START, START + timedelta(minutes=1)]
    said = [
        Notice(kind=NoticeKind.FAILED, subject=str(n), at=each, message=f"It failed {n}.")
        for n, each in enumerate(at)
    ]
    with api.world.store.write() as tx:
        keep_notices(tx, said)
    told = api.ask("GET", "/api/v1/notices?limit=1").json()["notices"]
    assert [(each["kind"], each["message"]) for each in told] == [("failed", "It failed 1.")]
    assert problem(api.ask("GET", "/api/v1/notices?limit=0")) == (422, "invalid")


def test_a_test_where_nobody_would_be_told_says_so(api: Asked) -> None:
    assert problem(api.ask("POST", "/api/v1/notices/test")) == (409, "bad_config")


def test_every_way_of_telling_is_tried(tmp_path: Path) -> None:
    settings = configured()
    notify = settings.notify.model_copy(update={"command": ("true",)})
    with build_world(tmp_path, settings=settings.model_copy(update={"notify": notify})) as world:
        told = Asked(world).ask("POST", "/api/v1/notices/test").json()
    assert told == {"ways": [{"way": "command", "told": True, "error": None}]}


def test_a_backup_is_made_and_listed_and_the_database_checked(api: Asked) -> None:
    add_post(api.world.store)
    assert api.ask("GET", "/api/v1/backups").json() == {"backups": []}
    made = api.ask("POST", "/api/v1/backups")
    assert made.status_code == 201
    told = made.json()
    assert told["rows"]["post"] == 1
    with sqlite3.connect(api.world.app.places.backups / told["name"]) as copy:
        assert copy.execute("SELECT count(*) FROM post").fetchone() == (1,)
    copy.close()
    assert api.ask("GET", "/api/v1/backups").json()["backups"] == [
        {"name": told["name"], "size": told["size"]}
    ]
    assert api.ask("POST", "/api/v1/backups/check").json() == {
        "path": str(api.world.app.places.database),
        "sound": True,
        "problems": [],
    }
    assert problem(api.ask("GET", "/api/v1/backups", key=api.key(Scope.READ))) == (403, "scope")
