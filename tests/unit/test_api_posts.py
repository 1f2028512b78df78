"""Posts, asked for by programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from postbell.domain.access import Scope
from postbell.domain.states import PostState
from postbell.shapes.posts import post_json
from postbell.store.keys import list_keys
from postbell.store.tables.core import post
from support.api import Asked, application, configured, problem
from support.world import START, add_account, add_post, build_world, post_of


LATER = "2026-11-24T18:00:00+01:00"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Asked]:
    with build_world(tmp_path, settings=configured(requests_per_minute=0)) as world:
        add_account(world.store, "ann")
        yield Asked(world)


def count(api: Asked) -> int:
    with api.world.store.read() as tx:
        return len(tx.execute(post.select()).all())


def write(api: Asked, **more: Any) -> dict[str, Any]:
    answer = api.ask("POST", "/api/v1/posts", json={"text": "hello", "to": ["ann"]} | more)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def pointers(answer: Any) -> list[str | None]:
    return [each["pointer"] for each in answer.json()["problems"]]


def test_a_post_without_a_time_is_a_draft_and_is_read_as_it_was_told(api: Asked) -> None:
    answer = api.ask("POST", "/api/v1/posts", json={"text": "hello", "to": ["ann"]})
    made = answer.json()
    assert (answer.status_code, made["state"], made["at"]) == (201, "draft", None)
    assert answer.headers["location"] == f"/api/v1/posts/{made['id']}"
    read = api.ask("GET", answer.headers["location"])
    assert read.json() == post_json(post_of(api.world.store, made["id"]))
    assert read.headers["etag"] == answer.headers["etag"]
    again = api.ask("GET", answer.headers["location"], headers={"If-None-Match": read.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_choice_that_only_a_series_makes_is_told(api: Asked) -> None:
    (told,) = write(api, text="Hi {a|b}")["problems"]
    assert (told["where"], told["account"]) == ("text", None)
    assert "only a series chooses" in told["message"]


def test_a_time_schedules_it_on_the_clocks_that_are_named(api: Asked) -> None:
    made = write(api, at=LATER)
    assert (made["state"], made["at"], made["local"]) == (
        "scheduled",
        "2026-11-24T17:00:00Z",
        "2026-11-24T17:00:00",
    )
    made = write(api, text="other", at="2026-11-24T18:00:00.123", zone="Europe/Berlin")
    assert (made["at"], made["local"], made["zone"]) == (
        "2026-11-24T17:00:00Z",
        "2026-11-24T18:00:00",
        "Europe/Berlin",
    )


def test_a_draft_may_have_a_date_and_never_fires(api: Asked) -> None:
    made = write(api, at=LATER, draft=True)
    assert (made["state"], made["at"]) == ("draft", "2026-11-24T17:00:00Z")


def test_publish_now_is_due_at_once(api: Asked) -> None:
    made = write(api, publish_now=True)
    assert (made["state"], made["at"]) == ("scheduled", "2026-11-23T09:00:00Z")


def test_a_text_that_is_too_long_for_an_account_may_become_a_thread(api: Asked) -> None:
    made = write(api, text="word " * 150, split="numbered")
    said = made["overrides"]["ann"]
    assert said["split"] == "numbered"
    assert [part[-4:] for part in (said["text"], *said["segments"])] == [" 1/2", " 2/2"]


def test_everything_that_can_be_said_of_a_post_arrives(api: Asked) -> None:
    asked = {
        "segments": ["and on", "and on"],
        "title": "A title",
        "link": "https://example.org/",
        "external_id": "cms-4711",
        "labels": ["news", "cats"],
        "late_limit_seconds": 3600,
        "not_after": "2026-12-01T00:00:00Z",
        "delete_after_seconds": 86400,
        "allow_duplicate": True,
        "bare": True,
        "unchecked": True,
        "overrides": {
            "ann": {"text": "for ann", "segments": ["so on"], "title": None, "link": None, "options": {}}
            | {"split": "no", "comment": "by ann", "added": None}
        },
        "comment": {"text": "By the way", "after_seconds": 300.0},
    }
    made = write(api, **asked)
    assert {name: made[name] for name in asked} == asked


def test_what_accounts_add_is_told_and_made_anew_whatever_is_told_back(api: Asked) -> None:
    api.ask("PATCH", "/api/v1/accounts/ann", json={"signature": "Ann"})
    made = write(api)
    assert made["overrides"]["ann"]["added"] == {"signature": "Ann", "utm": {}, "sites": []}
    other = {"overrides": {"ann": made["overrides"]["ann"] | {"added": {"signature": "Bob"}}}}
    told = api.ask("PATCH", f"/api/v1/posts/{made['id']}", json=other).json()
    assert told["overrides"] == made["overrides"]
    told = api.ask("PATCH", f"/api/v1/posts/{made['id']}", json={"bare": True}).json()
    assert (told["bare"], told["overrides"]) == (True, {})


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"to": ["nobody"]}, "/to"),
        ({"at": "2026-11-22T09:00:00Z"}, "/at"),
        ({"at": "2026-11-24T09:00:00"}, "/at"),
        ({"at": "tomorrow"}, "/at"),
        ({"at": LATER, "zone": "Europe/Nowhere"}, "/zone"),
        ({"at": LATER, "publish_now": True}, "/at"),
        ({"queue": "free"}, "/queue"),
        ({"queue": "free", "draft": True}, "/at"),
        ({"auto": {"between": "x", "until": LATER}}, "/auto/between"),
        ({"auto": {"between": LATER, "until": "2026-11-01T00:00:00Z"}}, "/auto/until"),
        ({"not_after": "2026-11-01T00:00:00Z"}, "/not_after"),
        ({"link": "nonsense"}, "/link"),
        ({"late_limit_seconds": -1}, "/late_limit_seconds"),
        ({"text": 7}, "/text"),
        ({"allow_duplicate": 0}, "/allow_duplicate"),
        ({"late_limit_seconds": "60"}, "/late_limit_seconds"),
        ({"txt": "x"}, "/txt"),
        ({"external_id": ""}, "/external_id"),
        ({"external_id": " "}, "/external_id"),
        ({"external_id": "a\nb"}, "/external_id"),
        ({"external_id": "x" * 256}, "/external_id"),
        ({"external_id": 4711}, "/external_id"),
        ({"overrides": {"bob": {"text": "x"}}}, "/overrides/bob"),
        ({"queue": "sometime"}, "/queue"),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_with_its_place_and_nothing_is_stored(
    api: Asked, asked: dict[str, Any], where: str
) -> None:
    answer = api.ask("POST", "/api/v1/posts", json={"text": "hello", "to": ["ann"]} | asked)
    assert problem(answer) == (422, "invalid")
    assert where in pointers(answer), answer.text
    assert count(api) == 0


def test_all_problems_are_told_at_once(api: Asked) -> None:
    answer = api.ask("POST", "/api/v1/posts", json={"to": ["nobody"], "at": "never", "link": "x"})
    assert {"/to", "/at", "/link"} <= set(pointers(answer))


def test_to_let_something_become_public_needs_its_own_scope(api: Asked) -> None:
    write_only = api.key(Scope.WRITE)
    for asked in ({"at": LATER}, {"publish_now": True}, {"queue": "free"}):
        answer = api.ask("POST", "/api/v1/posts", key=write_only, json={"text": "x", "to": ["ann"]} | asked)
        assert problem(answer) == (403, "scope")
    assert api.ask("POST", "/api/v1/posts", key=write_only, json={"text": "x"}).status_code == 201
    assert count(api) == 1


def test_many_are_stored_together_or_none(api: Asked) -> None:
    good, bad = {"text": "x", "to": ["ann"]}, {"text": "x", "to": ["nobody"]}
    answer = api.ask("POST", "/api/v1/posts/batch", json={"posts": [good, bad, bad | {"at": "x"}]})
    assert problem(answer) == (422, "invalid")
    assert pointers(answer) == ["/posts/1/to", "/posts/2/to", "/posts/2/at"]
    assert count(api) == 0
    answer = api.ask("POST", "/api/v1/posts/batch", json={"posts": [good, good | {"text": "y"}]})
    assert [each["text"] for each in answer.json()["posts"]] == ["x", "y"]
    assert count(api) == 2


def test_a_list_is_read_in_parts_without_gaps_or_repeats(api: Asked) -> None:
    made = [add_post(api.world.store, at=START + timedelta(minutes=n // 2)).id for n in range(5)]
    drafts = [add_post(api.world.store, at=None).id for _ in range(3)]
    seen: list[str] = []
    path: str | None = "/api/v1/posts?limit=3"
    while path:
        answer = api.ask("GET", path)
        seen += [each["id"] for each in answer.json()["posts"]]
        path = answer.links["next"]["url"] if "next" in answer.links else None
        assert (answer.json()["next"] is None) == (path is None)
    assert sorted(seen) == sorted(made + drafts)
    assert sorted(seen[:3]) == sorted(drafts)
    assert seen[3] == made[4]


def test_a_list_can_be_narrowed(api: Asked) -> None:
    draft = write(api, labels=["news"])["id"]
    timed = write(api, text="b", at=LATER)["id"]

    def ids(query: str) -> list[str]:
        return [each["id"] for each in api.ask("GET", f"/api/v1/posts?{query}").json()["posts"]]

    assert ids("state=draft") == [draft]
    assert ids("label=news") == [draft]
    assert ids("account=ann&since=2026-11-24T00:00:00Z") == [timed]
    assert ids("until=2026-11-24T00:00:00Z") == []
    assert ids("outcome=published") == []
    assert problem(api.ask("GET", "/api/v1/posts?account=nobody")) == (404, "not_found")


def test_posts_are_found_by_the_id_that_their_caller_gives_them(api: Asked) -> None:
    first = write(api, external_id="cms/47 11?")["id"]
    second = write(api, text="again", at=LATER, external_id="cms/47 11?")["id"]
    other = write(api, text="other", external_id="CMS/47 11?")["id"]
    assert write(api, text="nameless")["external_id"] is None

    def ids(name: str, more: str = "") -> list[str]:
        answer = api.ask("GET", f"/api/v1/posts?external_id={quote(name, safe='')}{more}")
        return [each["id"] for each in answer.json()["posts"]]

    assert ids("cms/47 11?") == [first, second]
    assert ids("cms/47 11?", "&state=scheduled") == [second]
    assert ids("cms/47 11?", "&limit=1") == [first]
    assert ids("CMS/47 11?") == [other]
    assert ids("cms") == ids("") == []


def test_a_webhook_is_handed_the_id_of_the_caller(api: Asked) -> None:
    add_account(api.world.store, "hook", network="webhook", credentials={"url": "https://example.org/hook"})
    asked = {"text": "hello", "to": ["hook"], "external_id": "cms-4711"}
    (preview,) = api.ask("POST", "/api/v1/posts/preview", json=asked).json()["previews"]
    assert preview["calls"][0]["body"]["data"]["external_id"] == "cms-4711"


def test_the_id_of_a_caller_is_changed_taken_away_and_kept(api: Asked) -> None:
    made = write(api, external_id="one")
    path = f"/api/v1/posts/{made['id']}"

    def patched(**asked: Any) -> Any:
        return api.ask("PATCH", path, json=asked).json()["external_id"]

    assert patched(text="other") == patched(at=LATER) == patched(draft=True) == "one"
    assert patched(external_id="two") == "two"
    assert patched(external_id=None) is None
    assert problem(api.ask("PATCH", path, json={"external_id": " "})) == (422, "invalid")


@pytest.mark.parametrize(
    "query", ["cursor=x", "cursor=bnVsbA", "limit=0", "limit=x", "state=x", "since=x", "nope=1"]
)
def test_a_question_that_makes_no_sense_is_refused(api: Asked, query: str) -> None:
    assert problem(api.ask("GET", f"/api/v1/posts?{query}")) == (422, "invalid")


def test_a_post_is_named_by_its_whole_id(api: Asked) -> None:
    made = write(api)["id"]
    for other in (made[:-1], f"{made}x", "validate", made.upper()):
        assert problem(api.ask("GET", f"/api/v1/posts/{other}"))[0] in (404, 405)
    assert problem(api.ask("GET", "/api/v1/posts/zzzzzzzz")) == (404, "not_found")


def test_a_wish_with_an_idempotency_key_is_carried_out_once(api: Asked) -> None:
    headers, wish = {"Idempotency-Key": "wish"}, {"text": "hello", "to": ["ann"]}
    first = api.ask("POST", "/api/v1/posts", json=wish, headers=headers)
    again = api.ask("POST", "/api/v1/posts", json=wish, headers=headers)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert {name: again.headers[name] for name in ("location", "etag", "content-type")} == {
        name: first.headers[name] for name in ("location", "etag", "content-type")
    }
    other = api.ask("POST", "/api/v1/posts", json=wish | {"text": "other"}, headers=headers)
    assert problem(other) == (422, "key_used")
    assert problem(api.ask("POST", "/api/v1/posts/batch", json=wish, headers=headers))[0] == 422
    assert count(api) == 1


def test_another_caller_may_use_the_same_idempotency_key(api: Asked) -> None:
    headers, wish = {"Idempotency-Key": "wish"}, {"text": "hello"}
    for key in (api.key(Scope.WRITE), api.key(Scope.WRITE)):
        assert api.ask("POST", "/api/v1/posts", key=key, json=wish, headers=headers).status_code == 201
    assert count(api) == 2


def test_an_idempotency_key_is_kept_for_a_day(api: Asked) -> None:
    headers, wish = {"Idempotency-Key": "wish"}, {"text": "hello"}
    api.ask("POST", "/api/v1/posts", json=wish, headers=headers)
    api.world.clock.advance(timedelta(hours=24))
    api.ask("POST", "/api/v1/posts", json=wish, headers=headers)
    assert count(api) == 1
    api.world.clock.advance(timedelta(seconds=1))
    api.ask("POST", "/api/v1/posts", json=wish, headers=headers)
    assert count(api) == 2


def test_what_was_refused_may_be_mended_and_asked_again_with_the_same_key(api: Asked) -> None:
    headers, wish = {"Idempotency-Key": "wish"}, {"text": "hello", "to": ["bob"]}
    assert api.ask("POST", "/api/v1/posts", json=wish, headers=headers).status_code == 422
    add_account(api.world.store, "bob")
    assert api.ask("POST", "/api/v1/posts", json=wish, headers=headers).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "two words"])
def test_a_bad_idempotency_key_is_refused(api: Asked, key: str) -> None:
    answer = api.ask("POST", "/api/v1/posts", json={"text": "x"}, headers={"Idempotency-Key": key})
    assert problem(answer) == (400, "malformed")
    assert count(api) == 0


def test_readyz_says_whether_posts_are_published(api: Asked) -> None:
    assert api.ask("GET", "/readyz").json() == {"ready": True}
    late = add_post(api.world.store, at=START - timedelta(minutes=6))
    assert late.state is PostState.SCHEDULED
    answer = api.ask("GET", "/readyz")
    assert problem(answer) == (503, "not_ready")
    assert answer.json()["detail"] == "Overdue: 1, the oldest since 2026-11-23T08:54:00Z."


def test_the_contract_is_served(api: Asked) -> None:
    told = api.ask("GET", "/api/v1/openapi.json").json()
    assert told["openapi"] == "3.1.0"
    create = told["paths"]["/api/v1/posts"]["post"]
    assert {"201", "400", "401", "403", "409", "413", "415", "421", "422", "429", "503", "507"} <= set(
        create["responses"]
    )
    assert create["x-scope"] == "write"


def test_a_wish_that_is_under_way_is_not_carried_out_twice(api: Asked) -> None:
    wish = {"text": "hello"}
    api.ask("POST", "/api/v1/posts", json=wish)
    under_way = application().state.under_way
    with api.world.store.read() as tx:
        (key,) = list_keys(tx)
    under_way.add((f"key:{key.id}", "wish"))
    answer = api.ask("POST", "/api/v1/posts", json=wish, headers={"Idempotency-Key": "wish"})
    assert problem(answer) == (409, "under_way")
    assert answer.headers["retry-after"] == "1"
    under_way.clear()
    assert api.ask("POST", "/api/v1/posts", json=wish, headers={"Idempotency-Key": "wish"}).status_code == 201
    assert under_way == set()
    assert count(api) == 2
