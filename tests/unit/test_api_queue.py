"""Posting times and queues, asked for by programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.access import Scope
from support.api import Asked, configured, problem
from support.repeating import give_slots
from support.world import add_account, build_world


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Asked]:
    with build_world(tmp_path, settings=configured(requests_per_minute=0)) as world:
        add_account(world.store, "ann")
        yield Asked(world)


def queued(api: Asked, *texts: str) -> list[str]:
    wishes = [{"text": text, "to": ["ann"], "queue": "free"} for text in texts]
    answer = api.ask("POST", "/api/v1/posts/batch", json={"posts": wishes})
    return [each["id"] for each in answer.json()["posts"]]


def order(api: Asked) -> list[str]:
    seats = api.ask("GET", "/api/v1/accounts/ann/queue").json()["seats"]
    return [post["id"] for seat in seats for post in seat["posts"]]


def test_posting_times_are_read_and_replaced(api: Asked) -> None:
    path = "/api/v1/accounts/ann/slots"
    none: dict[str, Any] = {"account": "ann", "zone": None, "times": [], "days_off": [], "outside": []}
    assert api.ask("GET", path).json() == none
    asked = {"times": ["mon-fri 17:30,9am", "sat 11:00"], "zone": "Europe/Berlin", "days_off": ["2026-12-24"]}
    told = api.ask("PUT", path, json=asked)
    assert told.json() == {
        "account": "ann",
        "zone": "Europe/Berlin",
        "times": ["mon-fri 09:00,17:30", "sat 11:00"],
        "days_off": ["2026-12-24"],
        "outside": [],
    }
    again = api.ask("PUT", path, json={"times": ["daily 12:00"]}).json()
    assert (again["times"], again["zone"], again["days_off"]) == (
        ["daily 12:00"],
        "Europe/Berlin",
        ["2026-12-24"],
    )
    stale = {"If-Match": told.headers["etag"]}
    assert problem(api.ask("PUT", path, json={"times": []}, headers=stale)) == (412, "changed")
    assert api.ask("PUT", path, json={"times": [], "days_off": []}).json() == none


@pytest.mark.parametrize(
    ("asked", "pointers"),
    [
        ({"times": ["someday 9am"]}, ["/times"]),
        ({"times": ["mon 9am"], "zone": "Europe/Nowhere"}, ["/zone"]),
        ({"times": ["mon 9am"], "days_off": ["xmas"]}, ["/days_off"]),
        ({"times": ["mon 25:00"], "zone": "X", "days_off": ["2026-12-26..2026-12-24"]},
         ["/days_off", "/times", "/zone"]),
        ({"times": [], "zone": "Europe/Berlin"}, ["/times"]),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wrong_with_posting_times_is_told_with_its_place(
    api: Asked, asked: dict[str, Any], pointers: list[str]
) -> None:
    answer = api.ask("PUT", "/api/v1/accounts/ann/slots", json=asked)
    assert problem(answer) == (422, "invalid")
    assert sorted(each["pointer"] for each in answer.json()["problems"]) == pointers


def test_a_queue_tells_who_has_which_time_and_which_is_free(api: Asked) -> None:
    assert api.ask("GET", "/api/v1/accounts/ann/queue").json() == {
        "account": "ann",
        "zone": None,
        "seats": [],
        "next_free": None,
        "later": 0,
    }
    give_slots(api.world, "ann", "10:00", "18:00")
    first, second = queued(api, "one", "two")
    told = api.ask("GET", "/api/v1/accounts/ann/queue?count=3").json()
    assert [(seat["at"], [post["id"] for post in seat["posts"]]) for seat in told["seats"]] == [
        ("2026-11-23T10:00:00Z", [first]),
        ("2026-11-23T18:00:00Z", [second]),
        ("2026-11-24T10:00:00Z", []),
    ]
    assert (told["next_free"], told["later"], told["zone"]) == ("2026-11-24T10:00:00Z", 0, "UTC")
    assert api.ask("GET", "/api/v1/accounts/ann/queue?count=1").json()["later"] == 1


def test_what_is_queued_keeps_its_time_when_the_posting_times_change(api: Asked) -> None:
    give_slots(api.world, "ann", "10:00")
    (first,) = queued(api, "one")
    told = api.ask("PUT", "/api/v1/accounts/ann/slots", json={"times": ["daily 12:00"]}).json()
    assert told["outside"] == [first]


def test_a_queue_is_put_into_another_order(api: Asked) -> None:
    give_slots(api.world, "ann", "10:00", "18:00")
    one, two, three = queued(api, "one", "two", "three")
    moved = api.ask("POST", "/api/v1/accounts/ann/queue/reorder", json={"posts": [three]}).json()
    assert (moved["account"], set(moved["moved"])) == ("ann", {one, two, three})
    assert order(api) == [three, one, two]
    by_seed = api.ask("POST", "/api/v1/accounts/ann/queue/shuffle", json={"seed": 1}).json()["moved"]
    assert sorted(order(api)) == sorted([one, two, three])
    assert set(by_seed) <= {one, two, three}
    assert api.ask("POST", "/api/v1/accounts/ann/queue/shuffle").status_code == 200


def test_what_is_not_in_the_queue_is_told(api: Asked) -> None:
    give_slots(api.world, "ann", "10:00")
    answer = api.ask("POST", "/api/v1/accounts/ann/queue/reorder", json={"posts": ["zzzzzzzz"]})
    assert problem(answer) == (422, "invalid")
    assert "zzzzzzzz" in answer.json()["detail"]
    for path in ("slots", "queue"):
        assert problem(api.ask("GET", f"/api/v1/accounts/nobody/{path}")) == (404, "not_found")


def test_posting_times_and_orders_need_scopes_of_their_own(api: Asked) -> None:
    key = api.key(Scope.READ, Scope.WRITE)
    slots = api.ask("PUT", "/api/v1/accounts/ann/slots", json={"times": []}, key=key)
    moved = api.ask("POST", "/api/v1/accounts/ann/queue/shuffle", key=key)
    assert problem(slots) == problem(moved) == (403, "scope")
