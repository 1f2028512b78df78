"""Mastodon behind the transport: one account on one server, which can be of another kind too.

Every request and every answer of its own is held against Mastodon's OpenAPI description; what a call needs of
scopes is taken from there. It refuses what Mastodon refuses, in its words, and raises Violation for what that
would let pass in silence: a token where it does not belong, an Idempotency-Key where that does harm.
"""

from __future__ import annotations

import itertools
import json
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import regex

from postbell.networks import mastodon
from postbell.testing import FakeClock
from support.farside import START, Daemon, FarSide, Public, Subject, Violation
from support.forms import read_form
from support.mastodon_entities import (
    ACCOUNT,
    TYPES,
    application,
    changed,
    configuration,
    credential_account,
    fresh_status,
    instance,
    instant,
    old_instance,
    poll,
)
from support.mastodon_spec import api


HOST = "mastodon.example"
SERVER = f"https://{HOST}"
TOKEN = "Zk3-vX9qTn7_Lr2wYc8bUe5sGd1fHj6aPm4oKi0tRxE"
#: What the guide asks for.
SCOPES = ["read:accounts", "read:search", "read:statuses", "write:media", "write:statuses"]
_KEPT = timedelta(hours=1)


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class FakeMastodon(FarSide):
    """One account on one server."""

    #: What nodeinfo calls the software; None where there is no nodeinfo.
    kind: str | None = "mastodon"
    version: str = "4.6.4"
    has_v2: bool = True
    #: What the server says that it takes; see `_configuration`.
    most: int = 500
    answers: int = 4
    link: int = 23
    scopes: list[str] = field(default_factory=lambda: list(SCOPES))
    token_works: bool = True
    token: str = TOKEN
    app: str = "Postbell"
    #: Public posts of a silenced account become unlisted.
    silenced: bool = False
    #: Whether it knows nothing of changes.
    edits_not: bool = False
    #: Whether a repeat with a known key is answered with 500, as by 4.6.0 to 4.6.2.
    replay_breaks: bool = False
    #: How often a file is looked at before it is ready; None: it never is, and is refused in the end.
    looks: int | None = 0
    #: Whether files that are ready are answered with 202 all the same, as by Pleroma.
    says_accepted: bool = False
    #: The version of its API, and the name of its parameter for quotes; others are passed over in silence.
    api_version: int = 11
    quotes: str = "quoted_status_id"
    #: The ids that posts of other servers have here, by their addresses; and the state of quotes of them.
    elsewhere: dict[str, str] = field(default_factory=dict)
    quote_state: str = "pending"
    #: The pictures that stand for videos, by the id of the video.
    looks_like: dict[str, bytes] = field(default_factory=dict)
    #: The newest last, as the server has them.
    statuses: list[dict[str, Any]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    #: By id: who may quote a post, as it was asked for.
    policies: dict[str, str | None] = field(default_factory=dict)
    #: By id: what is told of a file, its bytes, and how many more looks it needs.
    media: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    waits: dict[str, int | None] = field(default_factory=dict)
    #: By Idempotency-Key: the id of the status, and when it was made.
    keys: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(117_020_586_000_687_001))

    def is_publishing(self, request: httpx.Request, body: bytes) -> bool:
        return (request.method, request.url.path) == ("POST", "/api/v1/statuses")

    def is_deleting(self, request: httpx.Request) -> bool:
        return request.method == "DELETE" and request.url.path.startswith("/api/v1/statuses/")

    def is_editing(self, request: httpx.Request, body: bytes) -> bool:
        return request.method == "PUT" and request.url.path.startswith("/api/v1/statuses/")

    def rate_limited(self) -> httpx.Response:
        until = self.clock.now() + timedelta(seconds=120)
        headers = self._limits() | {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": instant(until, 6)}
        return httpx.Response(429, json={"error": "Too many requests"}, headers=headers)

    def unauthorized(self) -> httpx.Response:
        return httpx.Response(401, json={"error": "The access token was revoked"}, headers=self._limits())

    def public(self) -> list[Public]:
        return [
            Public(
                id=status["id"],
                text=self.texts[status["id"]],
                media=tuple(
                    (self.files[each["id"]], each["description"] or "")
                    for each in status["media_attachments"]
                ),
                answers=status["in_reply_to_id"],
            )
            for status in self.statuses
        ]

    def write(self, text: str, *, app: str | None = "Web", **more: Any) -> dict[str, Any]:
        """Post something that is none of ours."""
        by = {"name": app, "website": None} if app else None
        status = self._status(text, visibility="public") | {"application": by} | more
        self.statuses.append(status)
        return status

    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        path = request.url.path
        if (request.url.scheme, request.url.host) != ("https", HOST) or TOKEN in str(request.url):
            raise Violation(f"a call to another server, or a token in an address: {request.url}")
        if path.startswith(("/.well-known/", "/nodeinfo/")):
            return self._nodeinfo(request, path)
        if faults := api().request_faults(request, body):
            raise Violation(f"{request.method} {path}: {'; '.join(faults)}")
        if "application/json" not in request.headers["accept"]:
            raise Violation(f"{request.method} {path}: Pixelfed would answer a refusal with a page")
        try:
            self._authorize(request)
            status, said = self._serve(request, body)
        except Refusal as refusal:
            status, said = refusal.status, {"error": str(refusal)}
        faults = api().answer_faults(request.method, path, status, said)
        if faults and status not in (403, 404, 500):  # these come from anywhere
            raise AssertionError(f"the stand-in itself is wrong: {'; '.join(faults)}")
        return httpx.Response(status, json=said, headers=self._limits(), request=request)

    def _nodeinfo(self, request: httpx.Request, path: str) -> httpx.Response:
        if "authorization" in request.headers:
            raise Violation(f"{path} was sent a token that it does not need")
        if self.kind is None:
            return httpx.Response(404, text="<html>no such page</html>")
        if path == "/.well-known/nodeinfo":
            rel = "http://nodeinfo.diaspora.software/ns/schema/2.0"
            return httpx.Response(200, json={"links": [{"rel": rel, "href": f"{SERVER}/nodeinfo/2.0"}]})
        software = {"name": self.kind, "version": self.version}
        return httpx.Response(200, json={"version": "2.0", "software": software})

    def _authorize(self, request: httpx.Request) -> None:
        needs = api().scopes(request.method, request.url.path)
        if not needs and "instance" in request.url.path:
            return
        if request.headers.get("authorization") != f"Bearer {self.token}" or not self.token_works:
            raise Refusal(401, "The access token is invalid")
        allowed = {*needs, *(scope.partition(":")[0] for scope in needs)}
        if needs and not allowed & set(self.scopes):
            raise Refusal(403, "This action is outside the authorized scopes")

    def _serve(self, request: httpx.Request, body: bytes) -> tuple[int, Any]:
        method, path = request.method, request.url.path
        plain: dict[str, Callable[[], Any]] = {
            "/api/v1/accounts/verify_credentials": lambda: credential_account(SERVER),
            "/api/v1/apps/verify_credentials": self._application,
            "/api/v2/instance": self._instance,
            "/api/v1/instance": lambda: old_instance(HOST, self.version, self._configuration()),
            "/api/v2/search": lambda: self._search(request.url.params),
            f"/api/v1/accounts/{ACCOUNT}/statuses": lambda: self._list(request.url.params),
        }
        if path in plain:
            return 200, plain[path]()
        if path == "/api/v2/media":
            return self._upload(request)
        if path == "/api/v1/statuses":
            return 200, self._create(request.headers.get("idempotency-key"), json.loads(body))
        kind, number = path.removeprefix("/api/v1/").removesuffix("/source").split("/")
        if kind == "media":
            return self._look(number)
        status = next((each for each in self.statuses if each["id"] == number), None)
        if kind != "statuses" or status is None:
            raise Refusal(404, "Record not found")
        if path.endswith("/source"):
            return 200, {"id": number, "text": self.texts[number], "spoiler_text": status["spoiler_text"]}
        if method == "PUT":
            self._edit(status, json.loads(body))
        if method == "DELETE":
            self.statuses.remove(status)
        return 200, status | ({"text": self.texts[number]} if method == "DELETE" else {})

    def _create(self, key: str | None, asked: dict[str, Any]) -> dict[str, Any]:
        if key is not None and self.kind not in ("mastodon", "hometown", None):
            raise Violation(f"an Idempotency-Key does harm on {self.kind}, or nothing")
        made, at = self.keys.get(key or "", ("", START))
        if made and self.clock.now() < at + _KEPT:
            if self.replay_breaks:
                raise Refusal(500, "This page is not correct")
            found = [each for each in self.statuses if each["id"] == made]
            if not found:
                raise Refusal(404, "Record not found")
            return found[0]
        if "scheduled_at" in asked:
            raise Violation("Postbell keeps its own schedule")
        self._validate(asked)
        visibility = asked.get("visibility", "public")
        if self.silenced and visibility == "public":
            visibility = "unlisted"
        answered = asked.get("in_reply_to_id")
        if answered and all(each["id"] != answered for each in self.statuses):
            raise Refusal(404, "The post you are trying to reply to does not appear to exist.")
        status = self._status(asked["status"], visibility) | {
            "in_reply_to_id": answered,
            "in_reply_to_account_id": ACCOUNT if answered else None,
            "spoiler_text": asked.get("spoiler_text", ""),
            "sensitive": asked.get("sensitive", False) or bool(asked.get("spoiler_text")),
            "language": asked.get("language", "en"),
            "media_attachments": [self.media.pop(each) for each in asked.get("media_ids", [])],
            "application": {"name": self.app, "website": None},
            "poll": poll(str(next(self._ids)), asked["poll"], self.clock.now()) if "poll" in asked else None,
            "quote": self._quote(asked.get(self.quotes)),
        }
        self.policies[status["id"]] = asked.get("quote_approval_policy")
        self.statuses.append(status)
        if key:
            self.keys[key] = (status["id"], self.clock.now())
        return status

    def _quote(self, number: str | None) -> dict[str, Any] | None:
        if number is None:
            return None
        quoted = next((each for each in self.statuses if each["id"] == number), None)
        if quoted is None and number not in self.elsewhere.values():
            raise Refusal(404, "The post you are trying to quote does not appear to exist.")
        return {"state": "accepted" if quoted else self.quote_state, "quoted_status": quoted}

    def _search(self, query: httpx.QueryParams) -> dict[str, Any]:
        if query.get("resolve") != "true" or query.get("type") != "statuses":
            raise Violation(f"this would not find posts of other servers: {query}")
        found = self.elsewhere.get(query["q"])
        statuses = [self._status("Elsewhere", "public") | {"id": found}] if found else []
        return {"accounts": [], "hashtags": [], "statuses": statuses}

    def _edit(self, status: dict[str, Any], asked: dict[str, Any]) -> None:
        """Change a status; what is left out is taken away, as UpdateStatusService of Mastodon does it."""
        if self.edits_not:
            raise Refusal(404, "Not Found")
        files = {each["id"]: each for each in status["media_attachments"]}
        ids, voted = asked.get("media_ids", []), asked.get("poll")
        if any(each not in files for each in ids) or (ids and voted):
            raise Refusal(422, "Validation failed: Media attachments are not of this post")
        if self._length(asked["status"]) + len(asked.get("spoiler_text", "")) > self.most:
            raise Refusal(422, f"Validation failed: Text character limit of {self.most} exceeded")
        if voted and not 300 <= voted["expires_in"] <= 2_629_746:
            raise Refusal(422, "Validation failed: Poll is not valid")
        self.texts[status["id"]] = asked["status"].strip()
        self.policies[status["id"]] = asked.get("quote_approval_policy")
        status |= changed(status, asked, self.clock.now())

    def _validate(self, asked: Mapping[str, Any]) -> None:
        ids, voted, text = asked.get("media_ids", []), asked.get("poll"), asked["status"]
        if not text.strip() and not ids:
            raise Refusal(422, "Validation failed: Text can't be blank")
        if self._length(text) + len(asked.get("spoiler_text", "")) > self.most:
            raise Refusal(422, f"Validation failed: Text character limit of {self.most} exceeded")
        if len(ids) > 4 or len(set(ids)) < len(ids) or any(each not in self.media for each in ids):
            raise Refusal(422, f"Media not found or already attached to another post: {', '.join(ids)}")
        if any(self.waits[each] != 0 for each in ids):
            raise Refusal(
                422, "Cannot attach files that have not finished processing. Try again in a moment!"
            )
        if len(ids) > 1 and any(self.media[each]["type"] in ("video", "audio") for each in ids):
            raise Refusal(422, "Cannot attach a video to a post that already contains images")
        if voted is None:
            return
        options, seconds = voted["options"], voted["expires_in"]
        if not (2 <= len(options) <= self.answers and 300 <= seconds <= 2_629_746):
            raise Refusal(422, "Validation failed: Poll is not valid")
        if len(set(options)) < len(options) or max(map(len, options)) > 50:
            raise Refusal(422, "Validation failed: Options must be different, and short")

    def _length(self, text: str) -> int:
        if self.kind in ("gotosocial", "pixelfed"):
            return len(text)
        if self.kind not in ("pleroma", "akkoma"):
            text = re.sub(r"https?://\S+\.\S+", "x" * self.link, text)
            text = re.sub(r"(?<!\w)@(\w+)@[\w.-]+\w", r"@\1", text)
        return len(regex.findall(r"\X", text))

    def _upload(self, request: httpx.Request) -> tuple[int, dict[str, Any]]:
        form = read_form(request)
        file, words = form.files["file"], form.fields
        if file.mime not in TYPES or not file.name:
            raise Refusal(422, "Validation failed: File content type is not allowed")
        alt = words.get("description")
        if "focus" in words and not all(-1 <= float(each) <= 1 for each in words["focus"].split(",", 1)):
            raise Refusal(422, "Validation failed: Focus is invalid")
        if len(alt or "") > 1500:
            raise Refusal(422, "Validation failed: Description is too long")
        width, height = struct.unpack_from("<HH", file.data.ljust(10, b"\0"), 6)
        if file.data.startswith(b"GIF8") and width * height > 1280 * 720:
            raise Refusal(422, f"Validation failed: {width}x{height} GIF files are not supported")
        number = str(next(self._ids))
        self.files[number] = file.data
        if look := form.files.get("thumbnail"):
            if not look.mime.startswith("image/"):
                raise Refusal(422, "Validation failed: Thumbnail content type is not allowed")
            self.looks_like[number] = look.data
        self.waits[number] = self.looks
        url = None if self.looks != 0 else f"{SERVER}/media/{number}"
        kind = "gifv" if file.data.startswith(b"GIF8") else file.mime.partition("/")[0]
        self.media[number] = {"id": number, "type": kind, "url": url, "description": alt}
        x, y = map(float, words.get("focus", "0,0").split(","))
        self.media[number]["meta"] = {"focus": {"x": x, "y": y}}
        return (200 if url and not self.says_accepted else 202), self.media[number]

    def _look(self, number: str) -> tuple[int, Any]:
        if number not in self.media:
            raise Refusal(404, "Record not found")
        left = self.waits[number]
        if left is None:
            raise Refusal(422, "Error processing media")
        self.waits[number] = max(0, left - 1)
        if left > 1:
            return 206, self.media[number]
        self.media[number]["url"] = f"{SERVER}/media/{number}"
        return 200, self.media[number]

    def _list(self, query: httpx.QueryParams) -> list[dict[str, Any]]:
        below = int(query.get("max_id", 10**20))
        found = [each for each in reversed(self.statuses) if int(each["id"]) < below]
        if query.get("exclude_reblogs") == "true":
            found = [each for each in found if not each.get("reblog")]
        if self.kind == "pixelfed":
            found = [each for each in found if not each["in_reply_to_id"]]
        return found[: min(int(query.get("limit", 20)), 40)]

    def _status(self, text: str, visibility: str) -> dict[str, Any]:
        number = str(next(self._ids))
        self.texts[number] = text.strip()
        return fresh_status(number, text, visibility, SERVER, self.clock.now())

    def _application(self) -> dict[str, Any]:
        if not self.app:
            raise Refusal(404, "Record not found")
        return application(self.app, self.scopes)

    def _instance(self) -> dict[str, Any]:
        if not self.has_v2:
            raise Refusal(404, "Record not found")
        said = instance(HOST, self.version, self._configuration())
        return said | {"api_versions": {"mastodon": self.api_version}}

    def _configuration(self) -> dict[str, Any]:
        return configuration(self.most, self.answers, self.link)

    def _limits(self) -> dict[str, str]:
        """The headers of every answer; the reset comes with microseconds."""
        reset = instant(self.clock.now() + timedelta(minutes=5, microseconds=792_409), 6)
        return {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "290", "X-RateLimit-Reset": reset}


SUBJECT = Subject(
    network=mastodon.network,
    far_side=FakeMastodon,
    server=SERVER,
    credentials={"access_token": TOKEN},
    too_long="x" * 501,
    counting={"spoiler_text": "Mind the bells"},
    renews=True,
)


def daemon(text: str = "Good morning", **more: Any) -> tuple[Daemon, FakeMastodon]:
    """Return a daemon with one delivery and nothing stored, and its far side."""
    far_side = FakeMastodon(FakeClock(START))
    return Daemon(SUBJECT, SUBJECT.outgoing(text, **more), far_side), far_side
