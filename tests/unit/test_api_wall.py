"""What keeps strangers out, on every route that there is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postbell.api.wall import LONGEST_BODY, is_known
from postbell.domain.access import Scope, opens
from postbell.services.accounts.keys import revoke_key
from postbell.services.media.public_media import PATH
from support.api import ROUTES, UNSAFE, Asked, Known, configured, problem
from support.world import START, build_world


BAD_HOSTS = (
    "evil.example",
    "evil.example:2355",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evillocalhost",
    "localhost.",
    "postbell.example.org.",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "127.1",
    "::1",
    "[::1",
    "[evil.example]",
    "[127.0.0.1]",
    "localhost:port",
    "localhost:123456",
    "user@localhost",
    "localhost/evil",
    "localhost evil.example",
    "*",
)
GOOD_HOSTS = (
    "localhost",
    "LOCALHOST:2355",
    "bell.localhost",
    "127.0.0.1",
    "127.0.0.1:2355",
    "192.168.1.7:80",
    "[::1]",
    "[::1]:2355",
    "postbell.example.org",
    "Postbell.Example.org:443",
)
FOREIGN = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": "nonsense"},
    {"Origin": "http://evil.example"},
    {"Origin": "http://localhost:8000"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "null"},
    {"Origin": "http://[localhost"},
    {"Origin": ""},
)
OWN: tuple[dict[str, str], ...] = (
    {},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
    {"Origin": "http://localhost"},
    {"Origin": "HTTPS://LOCALHOST"},
)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    settings = configured(hosts=("postbell.example.org",), requests_per_minute=0)
    with build_world(tmp_path_factory.mktemp("wall"), settings=settings) as world:
        yield Asked(world)


#: What is in no list of routes: that it lives, files behind signed addresses, and what there is to ask.
_BESIDE = [
    Known(method="GET", path=path, needs=Scope.READ)
    for path in ("/livez", f"{PATH}x.png", "/api/v1/openapi.json")
]


def asked(route: Known) -> dict[str, Any]:
    """Return a body for a route that takes one."""
    return {} if route.method in ("GET", "DELETE") else {"json": {}}


@pytest.mark.parametrize("route", [*ROUTES, *_BESIDE], ids=str)
def test_a_name_that_nobody_has_declared_is_refused_on_every_route(api: Asked, route: Known) -> None:
    for host in BAD_HOSTS:
        answer = api.ask(route.method, route.path, headers={"Host": host}, **asked(route))
        assert problem(answer) == (421, "unknown_host"), host


@pytest.mark.parametrize("host", GOOD_HOSTS)
def test_addresses_localhost_and_declared_names_are_answered(api: Asked, host: str) -> None:
    assert is_known(host, ["postbell.example.org"])
    assert api.ask("GET", "/livez", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("route", UNSAFE, ids=str)
def test_a_page_of_another_site_changes_nothing_on_any_route(api: Asked, route: Known) -> None:
    for headers in FOREIGN:
        answer = api.ask(route.method, route.path, headers=headers, **asked(route))
        assert problem(answer) == (403, "cross_site"), headers
    for headers in OWN:
        assert api.ask(route.method, route.path, headers=headers, **asked(route)).status_code != 403, headers


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_nothing_is_answered_without_a_valid_key_on_any_route(api: Asked, route: Known) -> None:
    expired = api.key(Scope.ADMIN, expires_at=START)
    good = api.key(Scope.ADMIN)
    wrong = (None, expired, "postbell_nonsense", good[:-1], good + "x", "x" * 500)
    for key in wrong:
        answer = api.ask(route.method, route.path, key=key, **asked(route))
        assert answer.status_code in (401, 429), key
        assert problem(answer)[1] in ("no_key", "wrong_key", "too_often")
    for given in (f"Basic {good}", good, f"Bearer  {good}, Bearer {good}"):
        answer = api.ask(route.method, route.path, key=None, headers={"Authorization": given}, **asked(route))
        assert answer.status_code in (401, 429)
    for header in ("X-Api-Key", "Cookie"):
        answer = api.ask(route.method, route.path, key=None, headers={header: good}, **asked(route))
        assert answer.status_code in (401, 429)


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_a_key_opens_what_its_scopes_say_on_every_route(api: Asked, route: Known) -> None:
    others = [scope for scope in Scope if not opens([scope], route.needs)]
    answer = api.ask(route.method, route.path, key=api.key(*others), **asked(route))
    assert problem(answer) == (403, "scope")
    for scope in (route.needs, Scope.ADMIN):
        answer = api.ask(route.method, route.path, key=api.key(scope), **asked(route))
        assert answer.status_code not in (401, 403), answer.text


def test_a_key_that_was_revoked_opens_nothing_at_once(tmp_path: Path) -> None:
    with build_world(tmp_path) as world:
        api = Asked(world)
        key = api.key(Scope.READ)
        assert api.ask("GET", "/api/v1/posts", key=key).status_code == 200
        revoke_key(world.ctx, _name_of(api))
        assert problem(api.ask("GET", "/api/v1/posts", key=key)) == (401, "wrong_key")


def test_who_sends_no_key_is_told_how_and_who_sends_a_wrong_one_why_it_may_be_wrong(tmp_path: Path) -> None:
    with build_world(tmp_path) as world:
        api = Asked(world)
        missing = api.ask("GET", "/api/v1/posts", key=None)
        assert problem(missing) == (401, "no_key")
        assert "Make one" in missing.json()["detail"]
        expired = api.key(Scope.ADMIN, expires_at=START)
        for given in ("Bearer postbell_nonsense", f"Bearer {expired}", "Basic YTpi"):
            answer = api.ask("GET", "/api/v1/posts", key=None, headers={"Authorization": given})
            assert problem(answer) == (401, "wrong_key"), given
            assert "mistyped, was revoked, or has expired" in answer.json()["detail"], given


def test_a_key_opens_nothing_from_when_it_expires(tmp_path: Path) -> None:
    with build_world(tmp_path) as world:
        api = Asked(world)
        key = api.key(Scope.READ, expires_at=START + timedelta(hours=1))
        assert api.ask("GET", "/api/v1/posts", key=key).status_code == 200
        world.clock.advance(timedelta(hours=1))
        assert problem(api.ask("GET", "/api/v1/posts", key=key)) == (401, "wrong_key")


def test_livez_is_answered_to_everybody_and_says_nothing_else(api: Asked) -> None:
    answer = api.ask("GET", "/livez", key=None)
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})
    assert api.ask("HEAD", "/livez", key=None).content == b""
    assert problem(api.ask("POST", "/livez", key=None)) == (405, "method_not_allowed")


def test_every_answer_tells_browsers_to_keep_their_hands_off(api: Asked) -> None:
    for answer in (api.ask("GET", "/livez"), api.ask("GET", "/nothing"), api.ask("GET", "/api/v1/posts")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["date"] == "Mon, 23 Nov 2026 09:00:00 GMT"
        assert "access-control-allow-origin" not in answer.headers
        assert "server" not in answer.headers


def test_who_asks_too_often_waits_and_others_do_not(tmp_path: Path) -> None:
    settings = configured(requests_per_minute=3)
    with build_world(tmp_path, settings=settings) as world:
        api = Asked(world)
        often, other = api.key(Scope.READ), api.key(Scope.READ)
        for _ in range(3):
            assert api.ask("GET", "/api/v1/posts", key=often).status_code == 200
        answer = api.ask("GET", "/api/v1/posts", key=often)
        assert problem(answer) == (429, "too_often")
        assert 1 <= int(answer.headers["retry-after"]) <= 20
        assert api.ask("GET", "/api/v1/posts", key=other).status_code == 200


def test_who_tries_out_keys_waits_and_who_has_one_does_not(tmp_path: Path) -> None:
    with build_world(tmp_path) as world:
        api = Asked(world)
        api.stop_clock()
        wrong = [api.ask("GET", "/api/v1/posts", key=f"postbell_{n}") for n in range(32)]
        assert [answer.status_code for answer in wrong] == [401] * 30 + [429] * 2
        assert (problem(wrong[-1]), wrong[-1].headers["retry-after"]) == ((429, "too_often"), "2")
        for without in ({"key": None}, {"key": None, "headers": {"Authorization": "Basic x"}}):
            assert problem(api.ask("GET", "/api/v1/posts", **without)) == (429, "too_often")
        assert api.ask("GET", "/api/v1/posts").status_code == 200
        api.stop_clock(2)
        later = [api.ask("GET", "/api/v1/posts", key="postbell_x").status_code for _ in range(2)]
        assert later == [401, 429]


def test_a_body_that_is_too_long_is_refused_declared_or_not(api: Asked) -> None:
    headers = {"Content-Type": "application/json"}
    long = b" " * (LONGEST_BODY + 1)
    answer = api.ask("POST", "/api/v1/posts", content=long, headers=headers)
    assert problem(answer) == (413, "too_long")
    assert answer.headers["connection"] == "close"

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(LONGEST_BODY // 100_000 + 1):
            yield b" " * 100_000

    assert problem(api.ask("POST", "/api/v1/posts", content=parts(), headers=headers)) == (413, "too_long")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/v1/posts", "GET, POST"),
        ("/api/v1/posts/zzzzzzzz", "DELETE, GET, PATCH"),
        ("/api/v1/posts/batch", "POST"),
        ("/readyz", "GET"),
    ],
)
def test_what_a_path_allows_is_told_of_all_its_routes(api: Asked, path: str, allowed: str) -> None:
    for method in ("PUT", "OPTIONS", "HEAD"):
        answer = api.ask(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize("length", [b"\xb2", b"9" * 5000, b"-1", b"1 2"])
def test_a_length_that_is_none_is_refused(api: Asked, length: Any) -> None:
    answer = api.ask("POST", "/api/v1/posts", headers={"Content-Length": length}, content=b"{}")
    assert problem(answer) == (413, "too_long")


def test_what_is_no_json_is_told_as_what_it_is(api: Asked) -> None:
    json = {"Content-Type": "application/json"}
    assert problem(api.ask("POST", "/api/v1/posts", content=b"{", headers=json)) == (400, "malformed")
    assert problem(api.ask("POST", "/api/v1/posts", content=b'"\xff"', headers=json)) == (400, "malformed")
    text = {"Content-Type": "text/plain"}
    assert problem(api.ask("POST", "/api/v1/posts", content=b"{}", headers=text)) == (415, "media_type")
    assert problem(api.ask("POST", "/api/v1/posts", content=b"{}")) == (415, "media_type")
    assert problem(api.ask("POST", "/api/v1/posts")) == (422, "invalid")


def _name_of(api: Asked) -> str:
    from postbell.services.accounts.keys import list_keys

    return max(list_keys(api.world.ctx), key=lambda key: key.id).name


@pytest.mark.parametrize("path", ["/readyz?a=1", "/api/v1/status?=1", "/api/v1/posts?nope=1&limit=1"])
def test_a_parameter_that_there_is_not_is_refused(api: Asked, path: str) -> None:
    answer = api.ask("GET", path)
    assert problem(answer) == (422, "invalid")
    assert len(answer.json()["problems"]) == 1
