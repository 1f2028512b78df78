"""A strict receiver of webhooks: checks the signature over the exact bytes; takes each webhook-id once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

import httpx

from postbell.networks.webhook import network
from support.farside import FarSide, Public, Subject, Violation


_KEY = b"twenty-four bytes of key"
SECRET = "whsec_" + base64.b64encode(_KEY).decode()
URL = "https://hooks.example.com/in?from=postbell"
#: Seconds by which the sender's clock may be off (Standard Webhooks asks receivers to be this strict).
_TOLERANCE = 300

_EVENT = {"type", "timestamp", "data"}
_POST = {
    *("id", "post", "external_id", "account", "due_at", "text", "segments", "title", "link", "tags", "media")
}
_FILE = {"name", "mime", "sha256", "alt", "part", "width", "height", "data"}


@dataclass
class FakeWebhook(FarSide):
    """What it had, by webhook-id: the bytes that came, and what was answered."""

    had: dict[str, tuple[bytes, dict[str, Any]]] = field(default_factory=dict)
    posts: list[Public] = field(default_factory=list)

    def is_publishing(self, request: httpx.Request, body: bytes) -> bool:
        return bool(json.loads(body)["type"] != "ping")

    def is_deleting(self, request: httpx.Request) -> bool:
        return False

    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        name = self._check_headers(request, body)
        event = json.loads(body)
        _demand(set(event) == _EVENT, f"the event has {sorted(event)}")
        if event["type"] == "ping":
            _demand(event["data"] == {}, "a ping holds no post")
            return httpx.Response(204)
        if name in self.had:
            before, said = self.had[name]
            _demand(before == body, f"{name} came with other bytes than before")
            return httpx.Response(200, json=said)
        said = {"id": len(self.had) + 1, "url": f"https://example.com/posts/{len(self.had) + 1}"}
        self.had[name] = (body, said)
        self.posts.append(_read(event["data"], str(said["id"])))
        return httpx.Response(201, json=said)

    def _check_headers(self, request: httpx.Request, body: bytes) -> str:
        headers = request.headers
        _demand(request.method == "POST" and str(request.url) == URL, f"{request.method} {request.url}")
        _demand(headers["content-type"] == "application/json", "not announced as JSON")
        _demand(headers["x-token"] == "let me in", "the user's own header is missing")
        name, seconds = headers["webhook-id"], headers["webhook-timestamp"]
        _demand(headers["idempotency-key"] == name, "Idempotency-Key is not the webhook-id")
        late = abs(self.clock.now().timestamp() - int(seconds))
        _demand(late <= _TOLERANCE, f"the timestamp is {late} s off")
        mac = hmac.new(_KEY, f"{name}.{seconds}.".encode() + body, hashlib.sha256).digest()
        expected = f"v1,{base64.b64encode(mac).decode()}"
        _demand(hmac.compare_digest(headers["webhook-signature"], expected), "the signature is wrong")
        return str(name)

    def rate_limited(self) -> httpx.Response:
        return httpx.Response(429, headers={"retry-after": "120"})

    def unauthorized(self) -> httpx.Response:
        return httpx.Response(401, json={"error": "who are you?"})

    def public(self) -> list[Public]:
        return list(self.posts)


def _read(post: dict[str, Any], name: str) -> Public:
    _demand(set(post) == _POST, f"the post has {sorted(post)}")
    media = []
    for item in post["media"]:
        _demand(set(item) == _FILE, f"the file has {sorted(item)}")
        data = base64.b64decode(item["data"], validate=True)
        _demand(hashlib.sha256(data).hexdigest() == item["sha256"], "the hash is of other bytes")
        media.append((data, item["alt"]))
    return Public(id=name, text=post["text"], media=tuple(media))


def _demand(fulfilled: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence at every call
    if not fulfilled:
        raise Violation(otherwise)


SUBJECT = Subject(
    network=network,
    far_side=FakeWebhook,
    server=None,
    credentials={"url": URL, "secret": SECRET, "headers": "X-Token: let me in"},
    renews=False,
)
