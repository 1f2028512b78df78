"""Series, asked for by programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.access import Scope
from postbell.services.series.series import load_series
from postbell.shapes.series import series_json
from support.api import Asked, configured, problem
from support.repeating import let_grow, made
from support.world import add_account, build_world


DAILY = {"repeat": "daily", "times": ["10:00"]}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Asked]:
    with build_world(tmp_path, settings=configured(requests_per_minute=0)) as world:
        add_account(world.store, "ann")
        yield Asked(world)


def write(api: Asked, **more: Any) -> dict[str, Any]:
    asked = {"text": "Good {day|night}", "to": ["ann"], "repeat": DAILY} | more
    answer = api.ask("POST", "/api/v1/series", json=asked)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def pointers(answer: Any) -> set[str | None]:
    return {each["pointer"] for each in answer.json()["problems"]}


def coming(api: Asked, series: str, count: int = 10) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.ask("GET", f"/api/v1/series/{series}/next?count={count}").json()["next"]
    return found


def test_a_series_is_read_as_it_was_told_and_its_posts_are_ordinary_ones(api: Asked) -> None:
    told = write(api, labels=["news"], variants=["Hello"], late_limit_seconds=60, delete_after_seconds=3600)
    stored = load_series(api.world.ctx, told["id"])
    read = api.ask("GET", f"/api/v1/series/{told['id']}")
    assert read.json() == series_json(stored, None)
    assert (told["rule"]["words"]["repeat"], told["labels"], told["made"]) == ("daily", ["news"], 60)
    assert told["posts"] == {"changed": [], "removed": [], "made": 0}
    seen = {"If-None-Match": read.headers["etag"]}
    assert api.ask("GET", f"/api/v1/series/{told['id']}", headers=seen).status_code == 304
    first = coming(api, told["id"])[0]
    assert (first["at"], first["slot"], first["state"]) == (
        "2026-11-23T10:00:00Z",
        "2026-11-23T10:00",
        "scheduled",
    )
    post = api.ask("GET", f"/api/v1/posts/{first['post']}").json()
    assert (post["series"], post["text"], post["labels"]) == (told["id"], first["text"], ["news"])


def test_a_piece_is_used_again_after_a_gap_or_fills_a_library(api: Asked) -> None:
    alone = write(api, repeat=None, recycle={"gap": "2 weeks", "start_date": "2026-11-24 09:00"})
    piece = write(api, repeat=None, recycle={"gap": "1 week", "library": "tips"})
    assert (alone["rule"]["kind"], alone["rule"]["rrule"]) == ("recycling", None)
    assert piece["library"] == "tips"
    assert [each["account"] for each in piece["problems"]] == ["ann"]
    listed = api.ask("GET", "/api/v1/series").json()["series"]
    assert [(each["id"], each["next_at"]) for each in listed] == [
        (alone["id"], "2026-11-24T09:00:00Z"),
        (piece["id"], None),
    ]


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"repeat": None}, "/repeat"),
        ({"repeat": {"repeat": "hourly", "times": ["9am"]}}, "/repeat/repeat"),
        ({"repeat": {"repeat": "daily", "times": ["noonish"]}}, "/repeat/times"),
        ({"repeat": {"rrule": "FREQ=SECONDLY"}}, "/repeat/rrule"),
        ({"repeat": {"cron": "* *"}}, "/repeat/cron"),
        ({"repeat": DAILY | {"timezone": "Europe/Nowhere"}}, "/repeat/timezone"),
        (
            {"repeat": DAILY | {"start_date": "2026-01-01", "end_date": "2026-01-02"}},
            "/repeat/end_date",
        ),
        ({"repeat": DAILY | {"evry": 2}}, "/repeat/evry"),
        ({"recycle": {"gap": "2 weeks"}}, "/recycle"),
        ({"repeat": None, "recycle": {"gap": "soon"}}, "/recycle/gap"),
        ({"repeat": None, "recycle": {"gap": "2 weeks", "expire_date": "x"}}, "/recycle/expire_date"),
        ({"to": ["nobody"]}, "/to"),
        ({"to": []}, "/to"),
        ({"text": "{one|two"}, "/text"),
        ({"variants": ["fine", "{one"]}, "/variants/1"),
        ({"segments": ["fine", "{one"]}, "/segments/1"),
        ({"media": [{"sha256": "0" * 64}]}, "/media/0"),
        ({"overrides": {"bob": {"text": "x"}}}, "/overrides/bob"),
        ({"external_id": "cms-4711"}, "/external_id"),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_with_its_place_and_nothing_is_stored(
    api: Asked, asked: dict[str, Any], where: str
) -> None:
    wish = {"text": "Hello", "to": ["ann"], "repeat": DAILY} | asked
    for path in ("/api/v1/series", "/api/v1/series/preview"):
        answer = api.ask("POST", path, json=wish)
        assert problem(answer) == (422, "invalid")
        assert where in pointers(answer), answer.text
    assert api.ask("GET", "/api/v1/series?ended=true").json() == {"series": []}


def test_a_preview_tells_the_next_posts_and_stores_nothing(api: Asked) -> None:
    asked = {"text": "Hello", "to": ["ann"], "repeat": DAILY}
    told = api.ask("POST", "/api/v1/series/preview", json=asked, key=api.key(Scope.READ)).json()
    assert (told["series"]["id"], told["series"]["text"]) == (None, "Hello")
    assert [each["at"] for each in told["next"]][:2] == ["2026-11-23T10:00:00Z", "2026-11-24T10:00:00Z"]
    assert made(api.world) == []


def test_a_change_reaches_the_posts_to_come_and_not_those_changed_by_hand(api: Asked) -> None:
    series = write(api, text="Hello", title="A title", labels=["a"], late_limit_seconds=60)
    first, second = coming(api, series["id"], 2)
    api.ask("PATCH", f"/api/v1/posts/{first['post']}", json={"text": "By hand"})
    api.ask("PATCH", f"/api/v1/series/{series['id']}", json={"comment": {"text": "And {you|she}?"}})
    assert api.ask("GET", f"/api/v1/series/{series['id']}").json()["comment"]["text"] == "And {you|she}?"
    change = {
        "text": "Changed",
        "comment": None,
        "title": None,
        "labels": ["b"],
        "late_limit_seconds": None,
        "to": ["ann"],
    }
    told = api.ask("PATCH", f"/api/v1/series/{series['id']}", json=change).json()
    assert (told["text"], told["comment"]) == ("Changed", None)
    assert (told["title"], told["labels"], told["late_limit_seconds"]) == (
        None,
        ["b"],
        None,
    )
    assert len(told["posts"]["changed"]) == 59
    texts = [each["text"] for each in coming(api, series["id"], 2)]
    assert texts == ["By hand", "Changed"]
    moved = api.ask(
        "PATCH", f"/api/v1/series/{series['id']}", json={"repeat": DAILY | {"times": ["11:00"]}}
    ).json()
    assert moved["rule"]["words"]["times"] == ["11:00"]
    assert coming(api, series["id"], 3)[1]["post"] == second["post"]


def test_a_rule_of_the_other_kind_is_a_new_series(api: Asked) -> None:
    series = write(api)["id"]
    answer = api.ask("PATCH", f"/api/v1/series/{series}", json={"recycle": {"gap": "1 week"}})
    assert problem(answer) == (422, "invalid")
    assert pointers(answer) == {"/recycle"}


def test_what_somebody_else_has_changed_is_not_changed_unseen(api: Asked) -> None:
    series = write(api)["id"]
    path = f"/api/v1/series/{series}"
    seen = {"If-Match": api.ask("GET", path).headers["etag"]}
    done = api.ask("PATCH", path, json={"title": "One"}, headers=seen)
    assert done.status_code == 200
    assert done.headers["etag"] == api.ask("GET", path).headers["etag"]
    for method, where, body in (("PATCH", path, {"title": "Two"}), ("POST", f"{path}/end", {})):
        assert problem(api.ask(method, where, json=body, headers=seen)) == (412, "changed")
    assert api.ask("GET", path).json()["title"] == "One"


def test_a_series_ends_and_its_posts_to_come_are_cancelled(api: Asked) -> None:
    series = write(api)["id"]
    first = coming(api, series, 1)[0]["post"]
    api.ask("PATCH", f"/api/v1/posts/{first}", json={"text": "By hand"})
    told = api.ask("POST", f"/api/v1/series/{series}/end").json()
    assert (told["state"], told["cancelled"]) == ("ended", 59)
    assert api.ask("GET", f"/api/v1/posts/{first}").json()["state"] == "scheduled"
    assert problem(api.ask("POST", f"/api/v1/series/{series}/end")) == (409, "conflict")
    assert problem(api.ask("PATCH", f"/api/v1/series/{series}", json={"title": "x"})) == (409, "conflict")
    assert api.ask("GET", "/api/v1/series").json() == {"series": []}
    assert len(api.ask("GET", "/api/v1/series?ended=true").json()["series"]) == 1
    other = write(api, text="Other")["id"]
    api.ask("PATCH", f"/api/v1/posts/{coming(api, other, 1)[0]['post']}", json={"text": "By hand too"})
    assert api.ask("POST", f"/api/v1/series/{other}/end", json={"touched": True}).json()["cancelled"] == 60


def test_one_time_is_skipped_and_taken_back(api: Asked) -> None:
    series = write(api, text="Hello")["id"]
    path, slot = f"/api/v1/series/{series}", {"slot": "2026-11-24T10:00"}
    skipped = api.ask("POST", f"{path}/skip", json=slot).json()
    assert (skipped["state"], skipped["slot"]) == ("cancelled", slot["slot"])
    let_grow(api.world)
    states = {each["slot"]: each["state"] for each in coming(api, series, 3)}
    assert states == {
        "2026-11-23T10:00": "scheduled",
        "2026-11-24T10:00": "cancelled",
        "2026-11-25T10:00": "scheduled",
    }
    back = api.ask("POST", f"{path}/unskip", json=slot).json()
    assert (back["state"], back["text"], back["turn"]) == ("scheduled", "Hello", skipped["turn"])
    assert [each["state"] for each in coming(api, series, 3)] == ["scheduled"] * 3
    assert problem(api.ask("POST", f"{path}/unskip", json=slot)) == (409, "conflict")


def test_a_time_beyond_what_is_made_is_skipped_too_and_stays_so(api: Asked) -> None:
    series = write(api)["id"]
    slot = "2027-02-01T10:00"
    api.ask("POST", f"/api/v1/series/{series}/skip", json={"slot": slot})
    api.world.clock.advance(timedelta(days=65))
    let_grow(api.world)
    of_slot = [post for post in made(api.world) if post.slot == slot]
    assert [post.state for post in of_slot] == ["cancelled"]


@pytest.mark.parametrize("slot", ["2026-11-24T10:01", "2026-11-22T10:00", "never"])
def test_a_time_at_which_it_does_not_come_cannot_be_skipped(api: Asked, slot: str) -> None:
    series = write(api)["id"]
    assert problem(api.ask("POST", f"/api/v1/series/{series}/skip", json={"slot": slot})) == (
        404,
        "not_found",
    )


def test_an_ended_series_and_a_piece_of_a_library_take_nothing_back(api: Asked) -> None:
    series, slot = write(api)["id"], {"slot": "2026-11-24T10:00"}
    api.ask("POST", f"/api/v1/series/{series}/skip", json=slot)
    api.ask("POST", f"/api/v1/series/{series}/end")
    assert problem(api.ask("POST", f"/api/v1/series/{series}/unskip", json=slot)) == (409, "conflict")
    piece = write(api, repeat=None, recycle={"gap": "1 week", "library": "tips"})["id"]
    assert problem(api.ask("POST", f"/api/v1/series/{piece}/skip", json=slot)) == (409, "conflict")


def test_to_let_a_series_publish_needs_the_scope_for_it(api: Asked) -> None:
    series = write(api)["id"]
    key = api.key(Scope.WRITE, Scope.READ)
    asked = {"text": "Hello", "to": ["ann"], "repeat": DAILY}
    assert problem(api.ask("POST", "/api/v1/series", json=asked, key=key)) == (403, "scope")
    assert problem(api.ask("PATCH", f"/api/v1/series/{series}", json={}, key=key)) == (403, "scope")
    assert api.ask("POST", f"/api/v1/series/{series}/end", key=key).status_code == 200


def test_a_series_is_named_by_its_whole_id(api: Asked) -> None:
    series = write(api)["id"]
    assert problem(api.ask("GET", f"/api/v1/series/{series[:-1]}")) == (404, "not_found")
    assert problem(api.ask("GET", "/api/v1/series/zzzzzzzz")) == (404, "not_found")
