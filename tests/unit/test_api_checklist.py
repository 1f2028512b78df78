"""Programs that know other services find here what they had there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support import pictures
from support.api import Asked, configured, problem
from support.checklist import CHECKLIST, ITEMS
from support.repeating import give_slots
from support.world import add_account, build_world


TESTS = Path(__file__).parents[1]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Asked]:
    with build_world(tmp_path, settings=configured(requests_per_minute=0)) as world:
        add_account(world.store, "ann")
        add_account(world.store, "tusk", network="mastodon", server="https://tusk.invalid")
        yield Asked(world)


def write(api: Asked, **asked: Any) -> Any:
    return api.ask("POST", "/api/v1/posts", json={"text": "hello", "to": ["ann"]} | asked)


def written() -> set[str]:
    """Return the names of the tests at the HTTP API, as the table has them."""
    found = set()
    for path in (*TESTS.glob("unit/test_api_*.py"), *TESTS.glob("integration/test_api_*.py")):
        functions = (node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef))
        found |= {
            f"{path.stem.removeprefix('test_api_')}::{each.name.removeprefix('test_')}"
            for each in functions
            if each.name.startswith("test_")
        }
    return found


def test_every_item_is_shown_or_says_why_it_is_not() -> None:
    wanted = {f"{letter}{number}" for letter, count in ITEMS.items() for number in range(1, count + 1)}
    assert CHECKLIST.keys() == wanted
    for name, item in CHECKLIST.items():
        assert item.says, name
        assert bool(item.shown) != bool(item.lacks), name
        assert not (item.lacks and item.but), name


def test_the_tests_that_show_items_are_there() -> None:
    shown = {test for item in CHECKLIST.values() for test in item.shown}
    assert shown - written() == set()


def test_an_idea_has_no_account(api: Asked) -> None:
    made = write(api, to=[]).json()
    assert (made["state"], made["deliveries"], made["at"]) == ("draft", [], None)


def test_the_best_moment_of_a_range_is_chosen(api: Asked) -> None:
    between = {"between": "2026-11-24T08:00:00Z", "until": "2026-11-25T20:00:00Z", "seed": 1}
    (delivery,) = write(api, auto=between).json()["deliveries"]
    assert between["between"] <= delivery["due_at"] <= between["until"]
    assert (delivery["placed_by"], bool(delivery["placed_why"])) == ("auto", True)


def test_a_post_takes_the_very_next_place_in_the_queue(api: Asked) -> None:
    give_slots(api.world, "ann", "10:00", "18:00")
    first = write(api, queue="free").json()
    second = write(api, text="other", queue="next").json()
    assert second["moved"] == [first["id"]]
    assert second["at"] == first["at"]
    assert write(api, text="last", queue="last").json()["at"] == "2026-11-24T10:00:00Z"


def test_a_series_comes_on_days_of_the_week(api: Asked) -> None:
    rule = {
        "repeat": "weekly",
        "interval": 2,
        "days_of_week": [0, 4],
        "times": ["09:00"],
        "timezone": "Europe/Berlin",
        "start_date": "2026-11-23",
        "end_date": "2027-01-31",
    }
    asked = {"text": "hello", "to": ["ann"], "repeat": rule}
    series = api.ask("POST", "/api/v1/series", json=asked).json()["id"]
    told = api.ask("GET", f"/api/v1/series/{series}/next?count=3").json()["next"]
    assert [each["at"] for each in told] == [
        "2026-11-27T08:00:00Z",
        "2026-12-07T08:00:00Z",
        "2026-12-11T08:00:00Z",
    ]


def test_the_same_again_is_refused_unless_it_is_wanted(api: Asked) -> None:
    at = "2026-11-24T09:00:00Z"
    first = write(api, at=at).json()["id"]
    again = write(api, at="2026-11-24T10:00:00Z")
    assert problem(again) == (422, "invalid")
    assert first in again.json()["detail"]
    assert write(api, at="2026-11-24T10:00:00Z", allow_duplicate=True).status_code == 201


def test_a_post_is_for_up_to_a_hundred_accounts(api: Asked) -> None:
    names = [f"ann{number}" for number in range(100)]
    for name in names:
        add_account(api.world.store, name)
    made = write(api, to=names, at="2026-11-24T09:00:00Z")
    assert len(made.json()["deliveries"]) == 100
    assert problem(write(api, to=[*names, "ann"])) == (422, "invalid")


def test_options_of_a_network_are_checked_before_anything_is_stored(api: Asked) -> None:
    options = {"visibility": "private", "language": "de"}
    asked = {"to": ["tusk"], "overrides": {"mastodon": {"options": options}}}
    assert write(api, **asked).json()["overrides"]["mastodon"]["options"] == options
    for key, wrong in (("visibility", "friends"), ("visibilty", "private")):
        answer = write(
            api, to=["tusk"], at="2026-11-24T09:00:00Z", overrides={"tusk": {"options": {key: wrong}}}
        )
        assert problem(answer) == (422, "invalid")
        pointers = {each["pointer"] for each in answer.json()["problems"]}
        assert f"/overrides/tusk/options/{key}" in pointers, answer.text


def test_an_unchecked_post_is_stored_and_its_network_decides(api: Asked) -> None:
    said = {"tusk": {"options": {"visibilty": "private"}}}
    asked = {"to": ["tusk"], "text": "x" * 501, "at": "2026-11-24T09:00:00Z", "overrides": said}
    assert problem(write(api, **asked)) == (422, "invalid")
    made = write(api, **asked, unchecked=True).json()
    assert (made["state"], made["unchecked"], made["overrides"]["tusk"]["options"]) == (
        *("scheduled", True),
        {"visibilty": "private"},
    )
    assert [(each["where"], each["message"].partition("Unchecked: ")[2]) for each in made["problems"]] == [
        ("overrides.tusk.options.visibilty", "it is left out."),
        ("text", "Mastodon decides."),
    ]
    path = f"/api/v1/posts/{made['id']}"
    assert problem(api.ask("PATCH", path, json={"unchecked": False})) == (422, "invalid")
    assert api.ask("PATCH", path, json={"text": "y" * 501}).json()["unchecked"]
    wrong = {"tusk": {"options": {"visibility": "friends"}}}
    assert problem(write(api, **{**asked, "overrides": wrong}, unchecked=True)) == (422, "invalid")


def test_an_unchecked_post_is_validated_and_previewed_like_it_is_stored(api: Asked) -> None:
    asked = {"to": ["tusk"], "text": "x" * 501, "at": "2026-11-24T09:00:00Z", "unchecked": True}
    (shown,) = api.ask("POST", "/api/v1/posts/preview", json=asked).json()["previews"]
    assert (shown["problems"], [each["where"] for each in shown["warnings"]]) == ([], ["text"])
    assert "x" * 501 in str(shown["calls"])
    checked = api.ask("POST", "/api/v1/posts/validate", json=asked).json()
    assert checked["valid"], checked


def test_to_validate_tells_each_problem_as_to_write_does(api: Asked) -> None:
    wrong = {"tusk": {"options": {"visibility": "friends"}}}
    asked = {"text": "hello", "to": ["tusk"], "at": "2026-11-24T09:00:00Z", "overrides": wrong}
    checked = api.ask("POST", "/api/v1/posts/validate", json=asked).json()
    assert checked["problems"] == api.ask("POST", "/api/v1/posts", json=asked).json()["problems"]
    assert [each["where"] for each in checked["problems"]] == ["overrides.tusk.options.visibility"]


def test_a_series_is_always_checked(api: Asked) -> None:
    asked = {
        "text": "hello",
        "to": ["ann"],
        "unchecked": True,
        "repeat": {"repeat": "daily", "times": ["09:00"]},
    }
    assert problem(api.ask("POST", "/api/v1/series", json=asked)) == (422, "invalid")


def test_a_poll_is_an_option_of_its_network(api: Asked) -> None:
    poll = {"poll": ["yes", "no"], "poll_expires_in": 3600}
    asked = {"to": ["tusk"], "text": "Well?", "overrides": {"tusk": {"options": poll}}}
    previews = api.ask("POST", "/api/v1/posts/preview", json=asked).json()["previews"]
    assert previews[0]["problems"] == []
    assert "yes" in str(previews[0]["calls"])


def test_a_first_comment_goes_with_a_post(api: Asked) -> None:
    comment = {"text": "More below", "after_seconds": timedelta(minutes=5).total_seconds()}
    made = write(api, to=["tusk"], comment=comment).json()
    assert made["comment"] == comment
    changed = api.ask("PATCH", f"/api/v1/posts/{made['id']}", json={"comment": None}).json()
    assert changed["comment"] is None


def test_a_first_comment_shows_files_of_its_own(api: Asked) -> None:
    sent = [("file", ("bell.png", pictures.png(), "image/png"))]
    name = api.ask("POST", "/api/v1/media", files=sent).json()["media"][0]["sha256"]
    media = [{"sha256": name, "alt": "A bell", "part": 0}]
    asked = {"to": ["tusk"], "comment": {"text": "More below"}, "media": media}
    made = write(api, **asked).json()
    assert [(each["part"], each["alt"]) for each in made["media"]] == [(0, "A bell")]
    previews = api.ask("POST", "/api/v1/posts/preview", json={"text": "hello", **asked}).json()["previews"]
    assert [call["url"].rpartition("/api/")[2] for call in previews[0]["calls"]] == [
        *("v1/statuses", "v2/media", "v1/statuses")
    ]
    other = {"part": 0, "sha256": name, "alt": "A tower"}
    path = f"/api/v1/posts/{made['id']}"
    changed = api.ask("PATCH", path, json={"media": [other, {"sha256": name, "alt": "Above"}]}).json()
    assert [each["part"] for each in changed["media"]] == [0, 1]
    gone = api.ask("PATCH", path, json={"comment": None}).json()
    assert [each["alt"] for each in gone["media"]] == ["Above"]
    assert problem(write(api, to=["tusk"], media=media)) == (422, "invalid")


def test_a_network_that_takes_no_files_in_comments_says_so(api: Asked) -> None:
    shown = {
        each["key"]: each["comment_files"] for each in api.ask("GET", "/api/v1/networks").json()["networks"]
    }
    assert [key for key, does in shown.items() if does] == ["bluesky", "mastodon", "threads"]
