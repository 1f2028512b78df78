"""What no request may hold is refused wherever it stands: characters, years, cursors that nobody made."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.content import Content, Override
from postbell.errors import Invalid
from postbell.services.posts.compose import add_post
from postbell.services.posts.plainness import check_plain
from postbell.services.posts.wanted import Terms, Wanted
from support.api import _SAMPLES, ROUTES, UNSAFE, Asked, Known, configured
from support.api_bodies import body_with, contract, places_in
from support.world import add_account, build_world


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Asked]:
    with build_world(tmp_path, settings=configured(requests_per_minute=0)) as world:
        add_account(world.store, "ann")
        yield Asked(world)


def send(api: Asked, path: str, body: str | bytes, method: str = "POST") -> Any:
    return api.ask(method, path, content=body, headers={"content-type": "application/json"})


def pointers(answer: Any) -> list[str | None]:
    return [each["pointer"] for each in answer.json()["problems"]]


@pytest.mark.parametrize("bad", ["\ud800", "a\udfffb", "a\0b"])
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"labels": ["news", "BAD"]}, "/labels/1"),
        ({"text": "BAD"}, "/text"),
        ({"segments": ["BAD"]}, "/segments/0"),
        ({"at": "BAD"}, "/at"),
        ({"overrides": {"ann": {"options": {"a": ["BAD"]}}}}, "/overrides/ann/options/a/0"),
    ],
)
def test_such_a_text_is_refused_where_it_stands(api: Asked, bad: str, body: Any, pointer: str) -> None:
    answer = send(api, "/api/v1/posts", json.dumps(body).replace("BAD", json.dumps(bad)[1:-1]))
    assert (answer.status_code, pointers(answer)) == (422, [pointer])


def test_all_are_told_at_once_names_of_members_too(api: Asked) -> None:
    body = '{"text": "\\ud800", "times": {"\\udfff/": "now"}, "labels": ["\\u0000"]}'
    answer = send(api, "/api/v1/posts", body)
    assert pointers(answer) == ["/text", "/times/\\udfff~1", "/labels/0"]


def test_bytes_that_hide_one_are_no_json_or_refused(api: Asked) -> None:
    for body in (b'{"text": "\xed\xa0\x80"}', '{"text": "\ud800"}'.encode("utf-16", "surrogatepass")):
        assert send(api, "/api/v1/posts", body).status_code in (400, 422)


def test_a_body_as_deep_as_it_likes_is_refused(api: Asked) -> None:
    assert send(api, "/api/v1/posts", "[" * 200_000).status_code == 400
    deep = '{"overrides": {"ann": {"options": {"a": ' + "[" * 400 + '"\\ud800"' + "]" * 400 + "}}}}"
    assert send(api, "/api/v1/posts", deep).status_code == 422


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_a_nul_in_the_query_is_refused_everywhere(api: Asked, route: Known) -> None:
    answer = api.ask(route.method, f"{route.path}?label=a%00b")
    assert 400 <= answer.status_code < 500


def forged(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


FAR = [
    *("9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00"),
    *("0001-01-01T00:00:00+14:00", "3000-01-02T12:00:00Z"),
]
FORGED = [
    forged("[" * 5_000),
    forged('["0001-01-01T00:00:00+23:59","x"]'),
    forged('[null,"\ud800"]'),
    *(forged(f"{at} x") for at in ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-11-23")),
    *(forged(text) for text in (" ", "x", " \ud800", " \0", " " + "x" * 300)),
    *("%%%", "\u00e9", "a"),
]


def _queries() -> Iterator[Any]:
    for path, methods in contract()["paths"].items():
        for method, operation in methods.items():
            names = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
            if names:
                yield pytest.param(method.upper(), path, names, id=f"{method} {path}")


@pytest.mark.parametrize(("method", "path", "names"), list(_queries()))
def test_no_query_breaks_a_route(api: Asked, method: str, path: str, names: list[str]) -> None:
    for name, sample in _SAMPLES.items():
        path = path.replace(f"{{{name}}}", sample)
    for name in names:
        for value in ("a\0b", *FAR, *FORGED):
            given = {each: value if each == name or each in ("since", "until") else "1" for each in names}
            for query in ({name: value}, given):
                assert api.ask(method, path, params=query).status_code < 500, query


def _bodies() -> Iterator[Any]:
    for path, methods in contract()["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if body:
                places = [place for place, _ in places_in(body["schema"], {"string"})]
                yield pytest.param(method.upper(), path, places, id=f"{method} {path}")


@pytest.mark.parametrize(("method", "path", "places"), list(_bodies()))
def test_at_no_place_of_a_body_is_such_a_text_taken(
    api: Asked, method: str, path: str, places: list[tuple[str, ...]]
) -> None:
    for name, sample in _SAMPLES.items():
        path = path.replace(f"{{{name}}}", sample)
    for place in places:
        pointer = "".join(f"/{0 if name == '*' else name}" for name in place)
        for value in ("\ud800", "a\0b"):
            answer = send(api, path, json.dumps(body_with(place, value)), method)
            assert (answer.status_code, pointers(answer)) == (422, [pointer])
        for value in FAR:
            assert send(api, path, json.dumps(body_with(place, value)), method).status_code < 500


@pytest.mark.parametrize("path", ["/api/v1/posts", "/api/v1/media"])
@pytest.mark.parametrize("cursor", FORGED)
def test_a_forged_cursor_is_told_to_be_none(api: Asked, path: str, cursor: str) -> None:
    answer = api.ask("GET", path, params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


@pytest.mark.parametrize("at", FAR)
@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"at": "FAR", "late_limit_seconds": 3e9}, "/at"),
        ({"at": "2026-11-24T18:00:00Z", "not_after": "FAR"}, "/not_after"),
        ({"auto": {"between": "2026-11-24T18:00:00Z", "until": "FAR"}}, "/auto/until"),
        ({"auto": {"between": "FAR", "until": "FAR"}}, "/auto/between"),
        ({"times": {"ann": "FAR"}}, "/times/ann"),
    ],
)
def test_a_time_beyond_the_years_that_are_taken_is_refused(
    api: Asked, at: str, more: dict[str, Any], pointer: str
) -> None:
    body = json.dumps({"text": "a", "to": ["ann"]} | more).replace("FAR", at)
    answer = send(api, "/api/v1/posts", body)
    assert answer.status_code == 422
    assert pointer in pointers(answer)
    assert "1970 to 2999" in answer.json()["detail"]


def test_a_span_at_the_end_of_the_calendar_is_refused(api: Asked) -> None:
    span = {"since": "9999-12-01T00:00:00Z", "until": "9999-12-31T23:59:59Z"}
    assert api.ask("GET", "/api/v1/agenda", params=span).status_code == 422


def test_the_last_time_that_is_taken_can_be_read_with_the_longest_spans(api: Asked) -> None:
    longest = 100 * 366 * 86_400
    spans = {"late_limit_seconds": longest, "delete_after_seconds": longest}
    comment = {"text": "b", "after_seconds": longest}
    more = {"at": "2999-12-31T12:00:00Z", **spans, "comment": comment}
    made = api.ask("POST", "/api/v1/posts", json={"text": "a", "to": ["ann"]} | more)
    assert made.status_code in (201, 422), made.text
    assert api.ask("GET", "/api/v1/posts").status_code == 200


@pytest.mark.parametrize("route", UNSAFE, ids=str)
def test_no_route_takes_one_in_its_body(api: Asked, route: Known) -> None:
    for body in ('{"x": "\\ud800"}', '{"\\ud800": 1}', '"\\u0000"', '["\\udfff"]'):
        answer = send(api, route.path, body, route.method)
        assert answer.status_code < 500, answer.text  # some read no body


def test_a_nul_in_the_path_is_refused(api: Asked) -> None:
    assert api.ask("GET", "/api/v1/accounts/a%00b").status_code in (404, 422)


def test_what_is_no_label_is_refused_for_posts_series_and_pauses(api: Asked) -> None:
    bad = ["ok", "", "a\nb", "x" * 101]
    post = api.ask("POST", "/api/v1/posts", json={"text": "a", "to": ["ann"], "labels": bad})
    assert (post.status_code, pointers(post)) == (422, ["/labels/1", "/labels/2", "/labels/3"])
    series = {"text": "a", "to": ["ann"], "repeat": {"repeat": "daily", "times": ["10:00"]}, "labels": bad}
    told = api.ask("POST", "/api/v1/series", json=series)
    assert told.status_code == 422
    assert {"/labels/1", "/labels/2", "/labels/3"} <= set(pointers(told))
    made = api.ask("POST", "/api/v1/posts", json={"text": "a", "to": ["ann"], "labels": ["ok"]}).json()
    changed = api.ask("PATCH", f"/api/v1/posts/{made['id']}", json={"labels": ["a\nb"]})
    assert (changed.status_code, pointers(changed)) == (422, ["/labels/0"])
    assert api.ask("GET", "/api/v1/labels").json()["labels"][0]["name"] == "ok"


def test_what_comes_another_way_is_refused_by_the_services(api: Asked) -> None:
    wanted = Wanted(text="a\0", to=("ann",), terms=Terms(labels=("a\0b",)))
    with pytest.raises(Invalid) as refused:
        add_post(api.world.ctx, wanted)
    assert {problem.where for problem in refused.value.problems} == {"text", "label 1"}


def test_every_text_of_a_post_is_looked_at() -> None:
    bad = "\ud800"
    said = Override(text=bad, segments=(bad,), comment=bad, title=bad, link=bad, options={"o": [{"x": bad}]})
    told = check_plain(Content(text=bad, segments=(bad,), title=bad, link=bad), {"ann": said}, (bad,))
    assert [each.where for each in told] == [
        *("text", "part 2", "--title", "--link", "variant 1"),
        *("[ann] text", "[ann] part 2", "[ann] comment", "[ann] title", "[ann] link", "ann.o"),
    ]
