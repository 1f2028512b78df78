"""The tower behind a network that does not exist."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import httpx

from postbell.publishing.registry import get
from support.farside import FarSide, Public, Subject, TooMuch, Violation


TOKEN = "ding-dong-7"
SERVER = "https://tower.example"


@dataclass
class FakeChime(FarSide):
    """What was rung, by its key."""

    posts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def is_publishing(self, request: httpx.Request, body: bytes) -> bool:
        return request.method == "PUT"

    def is_deleting(self, request: httpx.Request) -> bool:
        return request.method == "DELETE"

    def rate_limited(self) -> httpx.Response:
        return httpx.Response(429, headers={"retry-after": "120"})

    def unauthorized(self) -> httpx.Response:
        return httpx.Response(401)

    def public(self) -> list[Public]:
        return [
            Public(
                id=key,
                text=post["text"],
                media=tuple((base64.b64decode(item["data"]), item["alt"]) for item in post["media"]),
            )
            for key, post in self.posts.items()
        ]

    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        if not str(request.url).startswith(f"{SERVER}/"):
            raise Violation(f"a call to another server: {request.url}")
        if request.headers["authorization"] != f"Bearer {TOKEN}":
            return self.unauthorized()
        kind, _, key = request.url.path.removeprefix("/").partition("/")
        if kind == "tower":
            return httpx.Response(200, json={"keeper": "quasimodo"})
        if request.method == "PUT":
            if len(json.loads(body)["text"]) > 200:
                raise TooMuch("a text of more than 200 characters")
            self.posts.setdefault(key, json.loads(body))
        if key not in self.posts:
            return httpx.Response(404)
        if request.method == "DELETE":
            del self.posts[key]
        return httpx.Response(200, json={"id": key, "url": f"{SERVER}/{key}"})


SUBJECT = Subject(
    network=get("chime"),
    far_side=FakeChime,
    server=SERVER,
    credentials={"token": TOKEN},
    too_long="x" * 201,
    renews=False,
)
