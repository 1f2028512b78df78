"""Programs give single accounts times of their own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.access import Scope
from support.api import Asked, configured, problem
from support.world import START, add_account, build_world, claim


FIRST, SECOND, THIRD = "2026-11-24T08:00:00Z", "2026-11-24T18:00:00Z", "2026-11-25T18:00:00Z"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Asked]:
    with build_world(tmp_path, settings=configured(requests_per_minute=0)) as world:
        for name in ("ann", "bob"):
            add_account(world.store, name)
        yield Asked(world)


def write(api: Asked, **asked: Any) -> Any:
    return api.ask("POST", "/api/v1/posts", json={"text": "hello", "to": ["ann", "bob"]} | asked)


def patch(api: Asked, post_id: str, **asked: Any) -> Any:
    return api.ask("PATCH", f"/api/v1/posts/{post_id}", json=asked)


def due(told: dict[str, Any]) -> dict[str, str]:
    return {each["account"]: each["due_at"] for each in told["deliveries"]}


def test_each_account_may_have_a_time_of_its_own(api: Asked) -> None:
    made = write(api, at=SECOND, times={"ann": "2026-11-24T09:00:00+01:00"}).json()
    assert due(made) == {"ann": FIRST, "bob": SECOND}
    assert (made["state"], made["at"]) == ("scheduled", FIRST)
    all_own = write(api, text="2", zone="Europe/Berlin", times={"ann": "2026-11-24T09:00:00", "bob": THIRD})
    assert due(all_own.json()) == {"ann": FIRST, "bob": THIRD}
    assert (all_own.json()["local"], all_own.json()["zone"]) == ("2026-11-24T09:00:00", "Europe/Berlin")


def test_a_time_may_name_its_zone(api: Asked) -> None:
    tokyo = {"bob": "2026-11-25T03:00:00[Asia/Tokyo]"}
    made = write(api, at=FIRST, times=tokyo).json()
    assert due(made) == {"ann": FIRST, "bob": SECOND}
    assert [each["zone"] for each in made["deliveries"]] == [None, "Asia/Tokyo"]
    other = write(api, text="2", at=FIRST, times={"bob": f"{SECOND}[Asia/Tokyo]"}).json()
    assert due(other) == due(made)
    wrong = write(api, text="3", at=FIRST, times={"bob": f"{SECOND}[Nowhere]"})
    assert [each["pointer"] for each in wrong.json()["problems"]] == ["/times/bob"]


def test_a_draft_has_dates_for_each_account_and_is_found_there(api: Asked) -> None:
    made = write(api, at=SECOND, times={"bob": THIRD}, draft=True).json()
    assert (made["state"], due(made)) == ("draft", {"ann": SECOND, "bob": THIRD})
    agenda = api.ask("GET", "/api/v1/agenda?since=2026-11-25T00:00:00Z&until=2026-11-26T00:00:00Z").json()
    assert [(each["account"], each["at"], each["draft"]) for each in agenda["coming"]] == [
        ("bob", THIRD, True)
    ]
    scheduled = patch(api, made["id"], times={"bob": FIRST}).json()
    assert (scheduled["state"], due(scheduled)) == ("scheduled", {"ann": SECOND, "bob": FIRST})


def test_one_is_published_at_once_and_the_other_later(api: Asked) -> None:
    made = write(api, at=SECOND, times={"ann": "now"}).json()
    assert due(made) == {"ann": made["at"], "bob": SECOND}
    other = write(api, text="2", publish_now=True, times={"bob": SECOND}).json()
    assert due(other) == {"ann": made["at"], "bob": SECOND}


@pytest.mark.parametrize(
    ("times", "pointers"),
    [
        ({"ann": "2001-01-01T00:00:00Z", "bob": "tomorrow"}, ["/times/ann", "/times/bob"]),
        ({"ann": "2026-11-24T09:00:00"}, ["/times/ann"]),
        ({"a/b~c": FIRST, "cat": SECOND}, ["/times/a~1b~0c", "/times/cat"]),
        ({"mastodon": FIRST}, ["/times/mastodon"]),
        ({"ann": 1}, ["/times/ann"]),
        ({"ann": "2026-11-26T00:00:00Z"}, ["/not_after"]),
    ],
    ids=str,
)
def test_every_time_that_is_no_good_is_told_with_its_place(
    api: Asked, times: dict[str, Any], pointers: list[str]
) -> None:
    answer = write(api, at=SECOND, times=times, not_after=THIRD)
    assert problem(answer) == (422, "invalid")
    assert [each["pointer"] for each in answer.json()["problems"]] == pointers
    assert api.ask("GET", "/api/v1/posts").json()["posts"] == []


def test_an_account_without_a_time_is_told(api: Asked) -> None:
    answer = write(api, times={"bob": FIRST})
    (told,) = answer.json()["problems"]
    assert (told["pointer"], told["account"]) == ("/at", "ann")
    judged = api.ask(
        "POST", "/api/v1/posts/validate", json={"text": "x", "to": ["ann"], "times": {"cat": FIRST}}
    )
    assert [each["pointer"] for each in judged.json()["problems"]] == ["/times/cat", "/at"]


def test_of_many_posts_each_place_is_told(api: Asked) -> None:
    posts = [
        {"text": "x", "to": ["ann"], "times": {"ann": FIRST}},
        {"text": "y", "to": ["ann"], "times": {"ann": "never"}},
    ]
    answer = api.ask("POST", "/api/v1/posts/batch", json={"posts": posts})
    assert [each["pointer"] for each in answer.json()["problems"]] == ["/posts/1/times/ann"]


def test_a_hundred_accounts_have_a_hundred_times(api: Asked) -> None:
    names = [f"ann{number}" for number in range(100)]
    for name in names:
        add_account(api.world.store, name)
    times = {
        name: f"{START + timedelta(days=1, minutes=number):%Y-%m-%dT%H:%M:%SZ}"
        for number, name in enumerate(names)
    }
    made = write(api, to=names, times=times)
    assert due(made.json()) == times
    assert problem(write(api, times=times | {"ann": FIRST})) == (422, "invalid")


def test_a_preview_tells_the_time_of_each_account(api: Asked) -> None:
    asked = {"text": "hello", "to": ["ann", "bob"], "at": SECOND, "times": {"ann": FIRST}}
    told = api.ask("POST", "/api/v1/posts/preview", json=asked).json()["previews"]
    assert [(each["account"], each["at"]) for each in told] == [("ann", FIRST), ("bob", SECOND)]


GAP, TWICE = "2099-03-29T02:30:00", "2099-10-25T02:30:00"
MOVED = "02:30 does not exist on that day in Europe/Berlin; moved to 03:30."
FIRST_OF_TWO = "02:30 comes twice on that day in Europe/Berlin; this is the first."


def test_it_is_told_where_the_clocks_have_moved_a_time_or_show_it_twice(api: Asked) -> None:
    made = write(api, at=GAP, zone="Europe/Berlin", times={"bob": f"{TWICE}[Europe/Berlin]"}).json()
    assert made["notes"] == [MOVED, f"bob: {FIRST_OF_TWO}"]
    assert due(made) == {"ann": "2099-03-29T01:30:00Z", "bob": "2099-10-25T00:30:00Z"}
    assert patch(api, made["id"], at=TWICE, zone="Europe/Berlin").json()["notes"] == [FIRST_OF_TWO]
    assert patch(api, made["id"], text="hello again").json()["notes"] == []
    posts = [{"text": "one", "to": ["ann"], "at": GAP, "zone": "Europe/Berlin"}, {"text": "two"}]
    many = api.ask("POST", "/api/v1/posts/batch", json={"posts": posts}).json()["posts"]
    assert [each["notes"] for each in many] == [[MOVED], []]


def test_the_same_is_told_before_anything_is_stored(api: Asked) -> None:
    asked: dict[str, Any] = {"text": "hello", "to": ["ann", "bob"], "at": GAP, "zone": "Europe/Berlin"}
    judged = api.ask("POST", "/api/v1/posts/validate", json=asked).json()
    assert [(each["where"], each["message"]) for each in judged["warnings"]] == [("at", MOVED)]
    asked["times"] = {"bob": FIRST}
    shown = api.ask("POST", "/api/v1/posts/preview", json=asked).json()["previews"]
    assert [[each["message"] for each in one["warnings"]] for one in shown] == [[MOVED], []]


def test_who_names_an_instant_is_told_nothing_of_clocks(api: Asked) -> None:
    assert write(api, at="2099-10-25T00:30:00Z").json()["notes"] == []
    assert write(api, text="2", at="2099-10-25T00:30:00Z", zone="Europe/Berlin").json()["notes"] == [
        FIRST_OF_TWO
    ]


def test_times_alone_leave_the_others_where_they_are_and_a_time_is_for_all(api: Asked) -> None:
    post = write(api, at=SECOND).json()["id"]
    assert due(patch(api, post, times={"bob": THIRD}).json()) == {"ann": SECOND, "bob": THIRD}
    assert due(patch(api, post, text="other").json()) == {"ann": SECOND, "bob": THIRD}
    moved = patch(api, post, at=FIRST).json()
    assert set(due(moved).values()) == {FIRST}
    assert [each["where"] for each in moved["problems"]] == ["time"]
    assert problem(patch(api, post, draft=True, times={"bob": THIRD})) == (422, "invalid")


def test_while_one_has_it_the_other_is_moved_and_the_state_is_true(api: Asked) -> None:
    post = write(api, publish_now=True, times={"bob": SECOND}).json()["id"]
    claim(api.world.store)
    found = api.ask("GET", f"/api/v1/posts/{post}")
    assert (found.json()["state"], found.json()["outcome"]) == ("processing", None)
    moved = patch(api, post, times={"bob": THIRD}, overrides={"bob": {"text": "for bob"}})
    assert (moved.status_code, due(moved.json())["bob"]) == (200, THIRD)
    assert moved.headers["etag"] != found.headers["etag"]
    assert moved.json()["overrides"]["bob"]["text"] == "for bob"
    assert problem(patch(api, post, times={"ann": THIRD})) == (409, "conflict")
    assert problem(patch(api, post, text="other")) == (409, "illegal_transition")
    way = f"`PATCH /api/v1/posts/{post}` with `times` moves it, with `overrides` rewords it."
    assert patch(api, post, text="other").json()["detail"].endswith(f" to which it is still to come {way}")
    assert problem(api.ask("DELETE", f"/api/v1/posts/{post}")) == (409, "conflict")


def test_a_time_for_an_account_takes_the_scope_publish(api: Asked) -> None:
    writer = api.key(Scope.WRITE)
    asked = {"text": "hello", "to": ["ann"], "times": {"ann": FIRST}}
    assert problem(api.ask("POST", "/api/v1/posts", json=asked, key=writer))[0] == 403
    made = api.ask("POST", "/api/v1/posts", json=asked | {"draft": True}, key=writer)
    assert made.status_code == 201
    answer = api.ask(
        "PATCH", f"/api/v1/posts/{made.json()['id']}", json={"times": {"ann": FIRST}}, key=writer
    )
    assert problem(answer)[0] == 403


def test_a_series_has_no_times_for_single_accounts(api: Asked) -> None:
    asked = {
        "text": "hello",
        "to": ["ann"],
        "repeat": {"repeat": "daily", "times": ["09:00"]},
        "times": {"ann": FIRST},
    }
    answer = api.ask("POST", "/api/v1/series", json=asked)
    assert problem(answer) == (422, "invalid")
    assert [each["pointer"] for each in answer.json()["problems"]] == ["/times"]
