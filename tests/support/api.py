"""The HTTP API around a world: asked in this process, through the wall, as a program would ask it.

    with build_world(tmp_path) as world:
        api = Asked(world)
        answer = api.ask("GET", "/api/v1/posts")            # with a key that opens everything
        answer = api.ask("GET", "/api/v1/posts", key=api.key(Scope.READ))
        answer = api.ask("GET", "/api/v1/posts", key=None)  # with none

`ROUTES` are all routes that there are, each with the scope that it needs; a new one is in it by being served.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel

from postbell.api.application import build, resources
from postbell.api.asgi import Asgi
from postbell.api.commands import in_words_of_the_api
from postbell.api.consents import Consents
from postbell.api.feed import Feed
from postbell.api.headers import HEADERS
from postbell.api.resource import SAFE
from postbell.api.wall import Wall
from postbell.app import App
from postbell.domain.access import Scope
from postbell.sections import ApiSettings
from postbell.services.accounts.keys import add_key
from postbell.settings import Settings
from support.canaries import WATCH
from support.world import HURRIED, World


#: What stands for the parts of a path.
_SAMPLES = {"id": "zzzzzzzz", "name": "nobody", "key": "nowhere", "sha256": "0" * 64, "consent": "x" * 22}
_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Known:
    """A route."""

    method: str
    path: str
    needs: Scope

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@functools.cache
def _served() -> list[APIRoute]:
    return [
        route for resource in resources() for route in resource.router.routes if isinstance(route, APIRoute)
    ]


def _routes() -> list[Known]:
    found = []
    for route in _served():
        path = route.path_format
        for name, sample in _SAMPLES.items():
            path = path.replace(f"{{{name}}}", sample)
        assert "{" not in path, f"{path}: give tests.support.api a sample for it"
        needs = Scope((route.openapi_extra or {})["x-scope"])
        found += [Known(method=method, path=path, needs=needs) for method in route.methods or ()]
    return found


ROUTES = _routes()
UNSAFE = [route for route in ROUTES if route.method not in SAFE]
#: The codes of refusals whose body is not sent, because HEAD was asked: what such a status means everywhere.
_UNSEEN = {
    401: "no_key",
    403: "scope",
    404: "not_found",
    412: "tus_version",
    421: "unknown_host",
    429: "too_often",
}


@dataclass
class Asked:
    """The API of a world."""

    world: World
    wall: Wall = field(init=False)
    _all: str | None = None

    def __post_init__(self) -> None:
        self.wall = Wall(self._inner, lambda: self.world.app)

    def key(self, *scopes: Scope, expires_at: datetime | None = None) -> str:
        """Make a key."""
        name = f"key-{next(_numbers)}"
        return add_key(self.world.ctx, name=name, scopes=scopes, expires_at=expires_at)[1]

    def ask(
        self,
        method: str,
        path: str,
        *,
        key: str | None = "",
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """Ask once; unless another one, or none, is given, with a key that opens everything."""
        if key == "":
            self._all = self._all or self.key(Scope.ADMIN)
            key = self._all
        given = (
            {"Host": "localhost"} | ({"Authorization": f"Bearer {key}"} if key else {}) | dict(headers or {})
        )

        self._take_over()

        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(cast("Any", self.wall))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await client.request(method, path, headers=given, **more)

        answer = asyncio.run(once())
        WATCH.look_at_answer(f"{method} {path}", f"{answer.headers}\n{answer.text}")
        _require_described(answer)
        _require_own_words(answer)
        return answer

    def stop_clock(self, at: float = 0) -> None:
        """Let it always be `at` seconds for what counts who asks how often."""
        for pace in (self.wall._callers, self.wall._strangers):
            pace.clock = lambda: at

    def served(self) -> Wall:
        """Return what others ask in its place, until another world is asked."""
        self._take_over()
        return self.wall

    async def _inner(self) -> Asgi:
        return cast("Asgi", application())

    def _take_over(self) -> None:
        """Let the one application answer for this world: to make it takes longer than most tests."""
        state = application().state
        if state.world is not self.world:
            state.world, state.postbell = self.world, lambda: self.world.app
            state.under_way, state.feed, state.meters = set(), Feed(state.postbell), None
            state.ways, state.consents = {}, Consents()


@functools.cache
def application() -> FastAPI:
    """Return the one application, which answers for the world that asked last."""
    made = cast("FastAPI", build(_nobody))
    made.state.world = None
    return made


def _nobody() -> App:
    raise AssertionError("no world was put in place")


def _require_described(answer: httpx.Response) -> None:
    """Fail for an answer that is not what the contract says of it."""
    method, path = answer.request.method, answer.request.url.path
    for route in _served():
        if method in (route.methods or ()) and route.path_regex.match(path):
            assert answer.status_code in {route.status_code, *route.responses}, answer.text
            _require_headers(answer, route)
            if answer.status_code == route.status_code and route.response_model:
                told = route.response_model.model_validate(answer.json(), strict=False)
                assert _undescribed(told) == [], f"{method} {path}"
            return


def _require_headers(answer: httpx.Response, route: APIRoute) -> None:
    """Fail for an answer that has a header of which the contract says nothing there."""
    if route.include_in_schema:
        operation = application().state.contract["paths"][route.path_format][answer.request.method.lower()]
        described = operation["responses"][str(answer.status_code)].get("headers", {})
        sent = {name for name in HEADERS if name in answer.headers}
        assert sent <= described.keys(), f"{operation['operationId']} {answer.status_code}"


def _require_own_words(answer: httpx.Response) -> None:
    """Fail for a refusal that gives advice in the words of the command line."""
    if answer.status_code >= 400 and answer.request.method != "HEAD":
        told = answer.json()
        for text in (told["detail"], *(each["message"] for each in told["problems"])):
            assert in_words_of_the_api(text) == text


def _undescribed(value: object) -> list[str]:
    """Return the members of an answer that its model says nothing of."""
    if isinstance(value, list):
        return [name for each in value for name in _undescribed(each)]
    if isinstance(value, dict):
        return _undescribed(list(value.values()))
    if not isinstance(value, BaseModel):
        return []
    inner = [getattr(value, name) for name in type(value).model_fields]
    return [*(value.model_extra or {}), *_undescribed(inner)]


def configured(**api: Any) -> Settings:
    """Return the settings of a world whose API is configured so."""
    return HURRIED.model_copy(update={"api": ApiSettings(**api)})


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the code of a refusal, which must be told as a problem document."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    if answer.request.method == "HEAD":
        return answer.status_code, _UNSEEN[answer.status_code]
    told = answer.json()
    assert told["status"] == answer.status_code
    assert told["detail"]
    return answer.status_code, told["code"]


def served_paths() -> list[tuple[str, str]]:
    """Return the method and the path, as the document has it, of every route."""
    return [(method, route.path_format) for route in _served() for method in route.methods or ()]
