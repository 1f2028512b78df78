from __future__ import annotations

from typing import Any

import httpx
import pytest

from support.mastodon_entities import application, credential_account, instance, old_instance
from support.mastodon_spec import Api, api


_SERVER = "https://mastodon.example"
_POLL = {"options": ["a", "b"], "expires_in": 300, "multiple": False, "hide_totals": True}


def _faults(method: str, path: str, **how: Any) -> list[str]:
    request = httpx.Request(method, f"{_SERVER}/api/{path}", **how)
    return api().request_faults(request, request.read())


def _file(**data: str) -> dict[str, Any]:
    return {"files": {"file": ("cat.png", b"\x89PNG\r\n\x1a\n\x00\xff", "image/png")}, "data": data}


@pytest.mark.parametrize(
    ("method", "path", "how"),
    [
        ("POST", "v1/statuses", {"json": {"status": "a", "visibility": "unlisted", "sensitive": True}}),
        ("POST", "v1/statuses", {"json": {"status": "", "media_ids": ["1", "2"], "language": "pt"}}),
        ("POST", "v1/statuses", {"json": {"status": "a", "spoiler_text": "b", "poll": _POLL}}),
        ("POST", "v2/media", _file(description="A cat", focus="0.0,0.5")),
        ("GET", "v1/media/7", {}),
        (
            "GET",
            "v1/accounts/7/statuses",
            {"params": {"limit": "40", "exclude_reblogs": "true", "max_id": "9"}},
        ),
        ("GET", "v1/statuses/7/source", {}),
        ("DELETE", "v1/statuses/7", {}),
        ("GET", "v2/instance", {}),
    ],
)
def test_what_mastodon_takes_is_no_fault(method: str, path: str, how: dict[str, Any]) -> None:
    assert _faults(method, path, **how) == []


@pytest.mark.parametrize(
    ("method", "path", "how", "fault"),
    [
        ("POST", "v1/statuses", {"json": {"status": "a", "visibility": "secret"}}, "visibility is none of"),
        ("POST", "v1/statuses", {"json": {"status": "a", "spoiler": "b"}}, "$ has no spoiler"),
        ("POST", "v1/statuses", {"json": {"status": 7}}, "$.status is not of type string: 7"),
        (
            "POST",
            "v1/statuses",
            {"json": {"status": "a", "sensitive": "true"}},
            "sensitive is not of type boolean",
        ),
        ("POST", "v1/statuses", {"json": {"spoiler_text": "a"}}, "$.status is missing"),
        (
            "POST",
            "v1/statuses",
            {"json": {"status": "a", "media_ids": ["1"], "poll": _POLL}},
            "none of 3 forms",
        ),
        ("POST", "v1/statuses", {"json": {"status": "a", "media_ids": "1,2"}}, "none of 3 forms"),
        (
            "POST",
            "v1/statuses",
            {"json": {"status": "a", "poll": _POLL | {"expires_in": "1 d"}}},
            "none of 3 forms",
        ),
        ("POST", "v1/statuses", {"json": {"status": "a", "scheduled_at": "now"}}, "no date-time: 'now'"),
        ("POST", "v1/statuses", {"data": {"status": "a"}}, "the body is application/x-www-form-urlencoded"),
        ("POST", "v1/statuses", {}, "the body is missing, not application/json"),
        (
            "POST",
            "v1/statuses",
            {"json": {"status": "a"}, "params": {"key": "1"}},
            "there is no parameter key",
        ),
        ("POST", "v2/media", {"files": {"picture": b"1"}}, "$.file is missing"),
        ("POST", "v2/media", _file(alt="A cat"), "$ has no alt"),
        ("GET", "v1/media/7", {"content": b"x"}, "it takes no body"),
        (
            "GET",
            "v1/accounts/7/statuses",
            {"params": {"limit": "many"}},
            "limit is not of type integer: 'many'",
        ),
        ("GET", "v1/statuses/7/sauce", {}, "nothing takes GET /api/v1/statuses/7/sauce"),
        ("PATCH", "v1/statuses/7", {}, "nothing takes PATCH"),
    ],
)
def test_what_mastodon_does_not_take_is_named(
    method: str, path: str, how: dict[str, Any], fault: str
) -> None:
    assert fault in "; ".join(_faults(method, path, **how))


def test_the_scopes_of_a_call_are_those_of_the_description() -> None:
    assert api().scopes("POST", "/api/v1/statuses") == ["write:statuses"]
    assert api().scopes("GET", "/api/v1/accounts/verify_credentials") == ["profile", "read:accounts"]
    assert api().scopes("GET", "/api/v2/instance") == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("accounts/verify_credentials", credential_account(_SERVER)),
        ("apps/verify_credentials", application("Postbell", ["read"])),
    ],
)
def test_an_answer_that_lacks_something_is_named(path: str, said: dict[str, Any]) -> None:
    assert api().answer_faults("GET", f"/api/v1/{path}", 200, said) == []
    del said["id"]
    assert api().answer_faults("GET", f"/api/v1/{path}", 200, said) == ["$.id is missing"]


@pytest.mark.parametrize("path", ["/api/v1/instance", "/api/v2/instance"])
def test_an_answer_of_the_wrong_kind_is_named(path: str) -> None:
    made = old_instance if "v1" in path else instance
    faults = api().answer_faults("GET", path, 200, made("a.example", "4.6.4", {}))
    assert {fault.rpartition(".")[0] for fault in faults} == {"$.configuration"}
    assert api().answer_faults("GET", path, 207, {}) == [f"GET {path} never answers 207"]


def test_a_rule_that_the_checker_does_not_know_is_not_passed_over() -> None:
    schema = {"schema": {"type": "string", "pattern": "a"}, "name": "a", "in": "query"}
    document = {"components": {"schemas": {}}, "paths": {"/x": {"get": {"parameters": [schema]}}}}
    request = httpx.Request("GET", f"{_SERVER}/x?a=b")
    with pytest.raises(NotImplementedError, match=r"a: this checker does not know \['pattern'\]"):
        Api(document).request_faults(request, b"")
