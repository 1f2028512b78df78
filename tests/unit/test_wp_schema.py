from __future__ import annotations

from typing import Any

import pytest

from support.wp_schema import Routes, routes


_POSTS = "/wp/v2/posts"


def _faults(method: str, path: str, **values: Any) -> list[str]:
    return routes().faults(method, path, values, typed=method == "POST")


@pytest.mark.parametrize(
    ("method", "path", "values"),
    [
        ("POST", _POSTS, {"title": {"raw": "A"}, "status": "draft", "categories": [1], "featured_media": 3}),
        ("POST", f"{_POSTS}/7", {"status": "publish", "slug": "", "date": None}),
        ("POST", "/wp/v2/tags", {"name": "News"}),
        ("GET", _POSTS, {"slug": "a,b", "status": "any", "context": "edit", "_fields": "id"}),
        ("GET", "/wp/v2/categories", {"per_page": "100", "search": "R&amp;D", "hide_empty": "true"}),
    ],
)
def test_what_wordpress_takes_is_no_fault(method: str, path: str, values: dict[str, Any]) -> None:
    assert _faults(method, path, **values) == []


@pytest.mark.parametrize(
    ("method", "path", "values", "fault"),
    [
        ("POST", _POSTS, {"tittle": "A"}, "does not know tittle"),
        ("POST", _POSTS, {"title": "A"}, "title is not of type object: 'A'"),
        ("POST", _POSTS, {"title": {"rendered": "A"}}, "title.rendered is set by the server alone"),
        ("POST", _POSTS, {"title": {"cooked": "A"}}, "title has no cooked"),
        ("POST", _POSTS, {"status": "public"}, "status is none of"),
        ("POST", _POSTS, {"categories": ["News"]}, "categories[0] is not of type integer: 'News'"),
        ("POST", _POSTS, {"featured_media": True}, "featured_media is not of type integer: True"),
        ("POST", _POSTS, {"date": "tomorrow"}, "date is no date-time: 'tomorrow'"),
        ("POST", _POSTS, {"date": 5}, "date is not of type string or null: 5"),
        ("POST", "/wp/v2/tags", {"slug": "news"}, "name is missing"),
        ("GET", _POSTS, {"per_page": "101"}, "per_page is out of bounds: 101"),
        ("GET", _POSTS, {"per_page": "many"}, "per_page is not of type integer: 'many'"),
        ("GET", _POSTS, {"status": "any,public"}, "status[1] is none of"),
        ("GET", "/wp/v2/pots", {}, "no route takes GET /wp/v2/pots"),
        ("PATCH", "/wp/v2/media", {}, "no route takes PATCH /wp/v2/media"),
    ],
)
def test_what_wordpress_does_not_take_is_named(
    method: str, path: str, values: dict[str, Any], fault: str
) -> None:
    (found,) = _faults(method, path, **values)
    assert fault in found


def test_a_rule_that_the_checker_does_not_know_is_not_passed_over() -> None:
    route = {"endpoints": [{"methods": ["POST"], "args": {"a": {"type": "string", "pattern": "b"}}}]}
    with pytest.raises(NotImplementedError, match=r"a: this checker does not know \['pattern'\]"):
        Routes({"routes": {"/x": route}}).faults("POST", "/x", {"a": "c"}, typed=True)
