"""Threads behind the transport: one account, and one app by which it is reached.

Every request and every answer is held against Meta's own collection of requests. It refuses what Threads
refuses, and raises Violation for what nobody knows the outcome of: to publish a container twice, or to renew
a token that is too young.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import regex

from postbell.networks import threads
from postbell.testing import FakeClock
from support.farside import FETCHED_FROM, START, Daemon, FarSide, Public, Subject, Violation
from support.threads_collection import collection, path_of, values_of


HOST = "graph.threads.com"
TOKEN = "THAA-canary-9fKq2vXn7TzLr3wYc8bUe5sGd1fHj6aPm4oKi0tRxE"
USER, NAME = "17841400000000001", "alice"
RIGHTS = [
    *("threads_basic", "threads_content_publish", "threads_manage_replies", "threads_read_replies"),
    *("threads_manage_insights", "threads_delete", "threads_location_tagging"),
]
#: What more a container needs, by what it names.
_RIGHTS_OF = {"location_id": "threads_location_tagging", "reply_to_id": "threads_manage_replies"}
_DAY = timedelta(hours=24)
_KINDS = {"TEXT": "TEXT_POST", "CAROUSEL": "CAROUSEL_ALBUM", "IMAGE": "IMAGE", "VIDEO": "VIDEO"}


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(
        self, code: int, message: str, subcode: int | None = None, *, status: int = 400, **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "AbC"} | more
        if subcode:
            self.error["error_subcode"] = subcode


def fetch(url: str) -> bytes | None:
    """Come for a file, as Threads does; None where it cannot be had."""
    if not url.startswith(FETCHED_FROM):
        return None
    return Path(unquote(urlsplit(url).path).removeprefix("/public/")).read_bytes()


@dataclass
class Container:
    """What can be published."""

    id: str
    values: dict[str, str]
    made: datetime
    #: How often it is looked at before it is ready; None: it never is.
    looks: int | None
    error: str = ""
    files: list[tuple[bytes, str]] = field(default_factory=list)
    published: bool = False


@dataclass
class FakeThreads(FarSide):
    """One account, whose tokens are good until they end."""

    #: How long a token lives.
    life: timedelta = timedelta(days=60)
    #: When each token that is accepted was given out, and when it ends.
    tokens: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    #: Those that calls are refused with all the same.
    refused: set[str] = field(default_factory=set)
    rights: list[str] = field(default_factory=lambda: list(RIGHTS))
    #: Whether the account may ask about its token.
    is_tester: bool = True
    #: How often a container is looked at before it is ready.
    looks: int | None = 0
    #: How often a container is not found when it is published, though it is ready.
    misses: int = 0
    #: What containers end with instead of being ready, one each.
    errors: list[str] = field(default_factory=list)
    most: int = 250
    most_answers: int = 1000
    containers: dict[str, Container] = field(default_factory=dict)
    #: The newest last.
    posts: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, list[tuple[bytes, str]]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    #: Comes for a file; None where it cannot be had.
    fetch: Callable[[str], bytes | None] = fetch
    #: How long what is published is not listed yet.
    listed_after: timedelta = timedelta()
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(18_000_000_000_000_001))

    def __post_init__(self) -> None:
        self.tokens.setdefault(TOKEN, (START - _DAY * 2, START + self.life))

    def is_publishing(self, request: httpx.Request, body: bytes) -> bool:
        return (request.method, path_of(request)) == ("POST", "me/threads_publish")

    def is_deleting(self, request: httpx.Request) -> bool:
        return request.method == "DELETE"

    def rate_limited(self) -> httpx.Response:
        usage = {USER: [{"type": "threads", "call_count": 100, "estimated_time_to_regain_access": 2}]}
        error = Refusal(4, "Application request limit reached", is_transient=True).error
        headers = {"x-business-use-case-usage": json.dumps(usage)}
        return httpx.Response(400, json={"error": error}, headers=headers)

    def unauthorized(self) -> httpx.Response:
        error = Refusal(190, "Error validating access token: Session has expired", 463).error
        return httpx.Response(401, json={"error": error})

    def public(self) -> list[Public]:
        return [
            Public(
                id=post["id"],
                text=post.get("text", ""),
                media=tuple(self.files[post["id"]]),
                answers=post.get("replied_to", {}).get("id"),
            )
            for post in self.posts
        ]

    def write(self, text: str, **more: Any) -> dict[str, Any]:
        """Post something that is none of ours."""
        post = self._post(text, "TEXT_POST") | more
        self.posts.append(post)
        self.files[post["id"]] = []
        return post

    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        if (request.url.scheme, request.url.host) != ("https", HOST):
            raise Violation(f"a call to another server: {request.url}")
        if faults := collection().request_faults(request, body):
            raise Violation(f"{request.method} {path_of(request)}: {'; '.join(faults)}")
        try:
            said = self._serve(request.method, path_of(request), values_of(request, body))
        except Refusal as refusal:
            return httpx.Response(refusal.status, json={"error": refusal.error}, request=request)
        if faults := collection().answer_faults(request, body, said):
            raise AssertionError(f"the stand-in itself is wrong: {'; '.join(faults)}")
        return httpx.Response(200, json=said, request=request)

    def _serve(self, method: str, path: str, asked: dict[str, str]) -> dict[str, Any]:
        token = asked.pop("access_token", "")
        if method == "GET" and path == "refresh_access_token":
            return self._renew(token)
        if token in self.refused or self.clock.now() >= self.tokens.get(token, (START, START))[1]:
            raise Refusal(190, "Error validating access token", 463, status=401)
        plain: dict[str, Callable[[dict[str, str]], dict[str, Any]]] = {
            "GET me": lambda _: {"id": USER, "username": NAME},
            "GET me/threads": lambda asked: self._list(asked, answers=False),
            "GET me/replies": lambda asked: self._list(asked, answers=True),
            "GET me/threads_publishing_limit": self._quota,
            "GET debug_token": self._debug,
            "POST me/threads": self._create,
            "POST me/threads_publish": self._publish,
        }
        if serve := plain.get(f"{method} {path}"):
            return serve(asked)
        number, _, what = path.partition("/")
        if method == "GET" and number in self.containers and not what:
            return self._state(self.containers[number], asked)
        return self._of_post(method, number, what, asked)

    def _of_post(self, method: str, number: str, what: str, asked: Mapping[str, str]) -> dict[str, Any]:
        post = next((each for each in self.posts if each["id"] == number), None)
        if post is None or (method == "DELETE" and "threads_delete" not in self.rights):
            raise Refusal(
                100, f"Unsupported request. Object with ID '{number}' does not exist, or is not allowed", 33
            )
        if method == "DELETE":
            self.posts.remove(post)
            return {"success": True, "deleted_id": number}
        if what == "insights":
            self._needs("threads_manage_insights")
            return {"data": [self._insight(number, name) for name in asked["metric"].split(",")]}
        if "status" in asked["fields"].split(","):
            raise Refusal(100, "Tried accessing nonexisting field (status)")
        return _chosen(post, asked["fields"])

    def _create(self, asked: dict[str, str]) -> dict[str, Any]:
        self._needs("threads_content_publish")
        for name in _RIGHTS_OF.keys() & asked.keys():
            self._needs(_RIGHTS_OF[name])
        kind, text = asked["media_type"], asked.get("text", "")
        if _length(text) > 500:
            raise Refusal(100, "Param text must be at most 500 characters long.")
        if kind == "TEXT" and not text.strip() and "link_attachment" not in asked:
            raise Refusal(100, "The parameter text is required")
        if "poll_attachment" in asked and ("link_attachment" in asked or "text_attachment" in asked):
            raise Refusal(100, "A poll goes with no attachment")
        if "reply_to_id" in asked and all(each["id"] != asked["reply_to_id"] for each in self.posts):
            raise Refusal(100, "The post that is replied to does not exist")
        container = Container(id=str(next(self._ids)), values=asked, made=self.clock.now(), looks=self.looks)
        container.error = self.errors.pop(0) if self.errors else ""
        if kind == "CAROUSEL":
            children = [self._child(each) for each in asked["children"].split(",")]
            if not 2 <= len(children) <= 20:
                raise Refusal(100, "A carousel has 2 to 20 children")
            container.files = [file for child in children for file in child.files]
        elif kind != "TEXT":
            data = self.fetch(asked[f"{kind.lower()}_url"])
            container.files = [(data, asked.get("alt_text", ""))] if data is not None else []
            container.error = container.error or ("" if data is not None else "UNKNOWN")
        if len(asked.get("alt_text", "")) > 1000:
            raise Refusal(100, "The alt text is too long")
        self.containers[container.id] = container
        return {"id": container.id}

    def _child(self, number: str) -> Container:
        child = self.containers.get(number)
        if child is None or self._word(child) != "FINISHED" or "is_carousel_item" not in child.values:
            raise Refusal(100, f"Child {number} is not ready, or is none")
        return child

    def _state(self, container: Container, asked: Mapping[str, str]) -> dict[str, Any]:
        said = {"id": container.id, "status": self._word(container)}
        if said["status"] == "IN_PROGRESS" and container.looks:
            container.looks -= 1
        elif said["status"] == "ERROR":
            said["error_message"] = container.error
        return _chosen(said, asked["fields"])

    def _word(self, container: Container) -> str:
        if container.published:
            return "PUBLISHED"
        if self.clock.now() >= container.made + _DAY:
            return "EXPIRED"
        if container.looks != 0:
            return "IN_PROGRESS"
        return "ERROR" if container.error else "FINISHED"

    def _publish(self, asked: dict[str, str]) -> dict[str, Any]:
        self._needs("threads_content_publish")
        container = self.containers.get(asked["creation_id"])
        if container and (container.published or "is_carousel_item" in container.values):
            raise Violation("a container was published twice, or that of one file of several")
        if container is None or self._word(container) != "FINISHED" or self.misses:
            self.misses = max(0, self.misses - 1)
            raise Refusal(24, "The requested resource does not exist", 4_279_009, is_transient=False)
        answered = container.values.get("reply_to_id")
        if self._used(answers=bool(answered)) >= (self.most_answers if answered else self.most):
            raise Refusal(4, "Application request limit reached", is_transient=False)
        if answered and all(each["id"] != answered for each in self.posts):
            raise Refusal(100, "The post that is replied to does not exist")
        post = self._post(container.values.get("text", ""), _KINDS[container.values["media_type"]])
        if answered:
            post["replied_to"] = {"id": answered}
        container.published = True
        self.posts.append(post)
        self.files[post["id"]] = container.files
        return {"id": post["id"]}

    def _post(self, text: str, kind: str) -> dict[str, Any]:
        number = str(next(self._ids))
        post = {
            "id": number,
            "media_product_type": "THREADS",
            "media_type": kind,
            "permalink": f"https://www.threads.com/@{NAME}/post/C{number}",
            "timestamp": f"{self.clock.now():%Y-%m-%dT%H:%M:%S}+0000",
            "shortcode": f"C{number}",
        }
        return post | ({"text": text} if text else {})

    def _list(self, asked: Mapping[str, str], *, answers: bool) -> dict[str, Any]:
        if answers:
            self._needs("threads_read_replies")
        since, limit = float(asked.get("since", 0)), int(asked.get("limit", 25))
        shown = [
            each
            for each in reversed(self.posts)
            if ("replied_to" in each) == answers
            and since <= _made(each).timestamp() <= (self.clock.now() - self.listed_after).timestamp()
        ]
        begin = int(asked.get("after", "0"))
        page = shown[begin : begin + limit]
        said: dict[str, Any] = {"data": [_chosen(each, asked["fields"]) for each in page]}
        if page:
            said["paging"] = {"cursors": {"before": str(begin), "after": str(begin + limit)}}
        return said

    def _used(self, *, answers: bool) -> int:
        day = [each for each in self.posts if _made(each) > self.clock.now() - _DAY]
        return sum(("replied_to" in each) == answers for each in day)

    def _quota(self, asked: Mapping[str, str]) -> dict[str, Any]:
        said = {
            "quota_usage": self._used(answers=False),
            "config": {"quota_total": self.most, "quota_duration": 86_400},
            "reply_quota_usage": self._used(answers=True),
            "reply_config": {"quota_total": self.most_answers, "quota_duration": 86_400},
        }
        return {"data": [_chosen(said, asked["fields"], always=())]}

    def _debug(self, asked: Mapping[str, str]) -> dict[str, Any]:
        if not self.is_tester:
            self._needs("debug")
        issued_at, ends_at = self.tokens[asked["input_token"]]
        return {
            "data": {
                "type": "USER",
                "application": "Bell",
                "is_valid": True,
                "issued_at": int(issued_at.timestamp()),
                "expires_at": int(ends_at.timestamp()),
                "scopes": self.rights,
                "user_id": USER,
            }
        }

    def _renew(self, token: str) -> dict[str, Any]:
        now = self.clock.now()
        issued_at, ends_at = self.tokens.get(token, (now - _DAY, now))
        if now < issued_at + _DAY:
            raise Violation("a token is renewed on the day on which it was made")
        if now >= ends_at:
            raise Refusal(190, f"Error validating access token {token}", 463, status=401)
        new = f"{TOKEN}-{len(self.tokens)}"
        self.tokens[new] = (now, now + self.life)
        return {"access_token": new, "token_type": "bearer", "expires_in": int(self.life.total_seconds())}

    def _insight(self, number: str, name: str) -> dict[str, Any]:
        value = self.counts.get(name, 0)
        return {
            "name": name,
            "period": "lifetime",
            "values": [{"value": value}],
            "id": f"{number}/insights/{name}/lifetime",
        }

    def _needs(self, right: str) -> None:
        if right not in self.rights:
            raise Refusal(10, "Application does not have permission for this action")


def _chosen(said: Mapping[str, Any], fields: str, always: tuple[str, ...] = ("id",)) -> dict[str, Any]:
    return {name: said[name] for name in dict.fromkeys([*always, *fields.split(",")]) if name in said}


def _made(post: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(post["timestamp"])


def _length(text: str) -> int:
    """Count as Threads does: one for each character that is seen, of emojis the bytes."""
    emoji = regex.compile(r"[\p{Extended_Pictographic}\p{Regional_Indicator}]")
    return sum(len(each.encode()) if emoji.search(each) else 1 for each in regex.findall(r"\X", text))


SUBJECT = Subject(
    network=threads.network,
    far_side=FakeThreads,
    server=None,
    credentials={"access_token": TOKEN},
    too_long="x" * 501,
    renews=True,
)


def daemon(text: str = "Good morning", **more: Any) -> tuple[Daemon, FakeThreads]:
    """Return a daemon with one delivery and nothing stored, and its far side."""
    far_side = FakeThreads(FakeClock(START))
    return Daemon(SUBJECT, SUBJECT.outgoing(text, **more), far_side), far_side
