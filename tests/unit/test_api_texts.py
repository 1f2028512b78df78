"""Half of a surrogate pair and a NUL are refused in everything that comes by the API, with their place."""

from __future__ import annotations

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
from support.api import ROUTES, UNSAFE, Asked, Known, configured
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
        *("[ann] text", "[ann] text", "[ann] comment", "[ann] title", "[ann] link", "ann.o"),
    ]
