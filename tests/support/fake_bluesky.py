"""Bluesky behind the transport: an entryway that makes sessions and a PDS that keeps records.

It refuses what the real PDS refuses, in its words (@atproto/pds 0.5.35 was asked), and raises Violation for
what that would let pass and readers would suffer from: a facet that cuts a character, a call to another host.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from postbell.networks import bluesky
from postbell.testing import FakeClock
from support import video_service
from support.bluesky_rules import check_blob, check_quote, check_record, check_reply, did_document
from support.content_ids import base64_text, blobs_in, cid, claims_of, record_cid
from support.facets import check_facets
from support.farside import START, Daemon, FarSide, Public, Subject, Violation
from support.lexicon import lexicons
from support.pages import Pages
from support.video_service import VideoService
from support.xrpc import Refusal, read_input, read_params


ENTRYWAY = "bsky.social"
PDS = "morel.us-east.host.bsky.network"
HANDLE = "alice.bsky.social"
DID = "did:plc:z72i7hdynmk6r22z27h6tvur"
APP_PASSWORD = "hw4k-n2vx-5qtr-m7cd"
#: Everybody who can be mentioned.
PEOPLE = {HANDLE: DID, "alice.example": DID, "bob.bsky.social": "did:plc:ragtjsm2j2vknwkz3zp4oxrd"}
#: Lifetimes of the two tokens.
ACCESS, REFRESH = timedelta(minutes=120), timedelta(days=90)

_POST = "app.bsky.feed.post"
_MAGIC = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}
_MAGIC |= {b"WEBVTT": "text/vtt"}
#: How a server says 401 to an account with this status.
_CLOSED = {"takendown": "AccountTakedown", "deactivated": "AccountDeactivated"}
_FOR_ACCOUNTS = frozenset({"app.bsky.feed.getPosts", "com.atproto.server.getServiceAuth"})
_SESSIONS = frozenset({"com.atproto.server.createSession", "com.atproto.server.refreshSession"})


@dataclass
class FakeBluesky(FarSide):
    """One account on one PDS."""

    #: Where sessions are made, and where records lie.
    entryway: str = f"https://{ENTRYWAY}"
    pds: str = f"https://{PDS}"
    app_password: str = APP_PASSWORD
    #: How long the next access tokens last.
    access: timedelta = ACCESS
    #: How long a refresh token that was traded in still yields the same pair; on strict servers not at all.
    grace: timedelta = timedelta(hours=2)
    #: False when its owner took it back: sessions made with it cannot be renewed.
    app_password_works: bool = True
    #: None, or why the account cannot post: takendown, deactivated.
    status: str | None = None
    did_doc: Any = field(default_factory=lambda: did_document(DID, f"https://{PDS}"))
    #: What was uploaded: the blob as its record names it, and the bytes.
    blobs: dict[str, tuple[dict[str, Any], bytes]] = field(default_factory=dict)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: What links lead to.
    web: Pages = field(default_factory=Pages)
    #: What the AppView has counted of each post.
    counts: dict[str, int] = field(default_factory=dict)
    #: Who may answer and quote: by collection and key.
    beside: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    #: The content ids of others' posts.
    elsewhere: dict[str, str] = field(default_factory=dict)
    #: How many records are listed at once; the real one lists up to 100.
    page: int = 100
    #: How many records were written; a repeat of the same one is none.
    commits: int = 0
    #: Access and refresh tokens that were given out, and when they end.
    tokens: dict[str, datetime] = field(default_factory=dict)
    videos: VideoService = field(init=False)
    _serial: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    #: The pair that a refresh token was traded for.
    _successors: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.videos = VideoService(did=DID, blobs=self.blobs)

    def calls(self) -> list[str]:
        """The last word of every method that was called."""
        return [request.url.path.rpartition(".")[2] for request in self.requests]

    def move_to(self, address: str) -> None:
        """Be one server for everything, at another address."""
        self.entryway = self.pds = self.did_doc["service"][0]["serviceEndpoint"] = address

    def end_access_tokens(self) -> None:
        """Let every access token have ended, earlier than it says itself."""
        access = [token for token in self.tokens if claims_of(token)["scope"] == "com.atproto.appPass"]
        self.tokens |= dict.fromkeys(access, self.clock.now())

    def forget_sessions(self) -> None:
        """Do what a server does that was started with a new secret."""
        self.tokens.clear()

    def is_publishing(self, request: httpx.Request, body: bytes) -> bool:
        return request.url.path in ("/xrpc/com.atproto.repo.putRecord", "/xrpc/com.atproto.repo.applyWrites")

    def is_deleting(self, request: httpx.Request) -> bool:
        return request.url.path == "/xrpc/com.atproto.repo.deleteRecord"

    def rate_limited(self) -> httpx.Response:
        until = int(self.clock.now().timestamp()) + 120
        headers = {
            "RateLimit-Limit": "5000",
            "RateLimit-Remaining": "0",
            "RateLimit-Reset": str(until),
            "RateLimit-Policy": "5000;w=3600",
            "Retry-After": "120",
        }
        error = {"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"}
        return httpx.Response(429, json=error, headers=headers)

    def unauthorized(self) -> httpx.Response:
        self.app_password_works = False
        return httpx.Response(400, json={"error": "ExpiredToken", "message": "Token has expired"})

    def public(self) -> list[Public]:
        return [self._as_public(rkey, record) for rkey, record in sorted(self.records.items())]

    def _as_public(self, rkey: str, record: dict[str, Any]) -> Public:
        embed = record.get("embed", {})
        embed = embed.get("media", embed)
        images = [(each["image"], each["alt"]) for each in embed.get("images", embed.get("items", []))]
        shown = [*images, *([(embed["video"], embed["alt"])] if "video" in embed else [])]
        media = tuple((self.blobs[blob["ref"]["$link"]][1], alt) for blob, alt in shown)
        answers = record["reply"]["parent"]["uri"] if "reply" in record else None
        return Public(id=f"at://{DID}/{_POST}/{rkey}", text=record["text"], media=media, answers=answers)

    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        if request.url.host == video_service.HOST:
            return self.videos.answer(request, body)
        if not request.url.path.startswith("/xrpc/"):
            return self.web.answer(request, (self.app_password, *self.tokens))
        method = request.url.path.removeprefix("/xrpc/")
        self._check_place(request, method)
        answers = {
            "com.atproto.server.createSession": self._create_session,
            "com.atproto.server.refreshSession": self._refresh_session,
            "com.atproto.repo.uploadBlob": self._upload_blob,
            "com.atproto.repo.putRecord": self._put_record,
            "com.atproto.repo.applyWrites": self._apply_writes,
            "com.atproto.repo.getRecord": self._get_record,
            "com.atproto.repo.listRecords": self._list_records,
            "com.atproto.repo.deleteRecord": self._delete_record,
            "com.atproto.identity.resolveHandle": self._resolve_handle,
            "app.bsky.feed.getPosts": self._get_posts,
            "com.atproto.server.getServiceAuth": self._service_auth,
        }
        try:
            said = answers[method](request, body)
        except Refusal as refusal:
            return httpx.Response(
                refusal.status, json={"error": refusal.name, "message": str(refusal)}, request=request
            )
        lexicons().check_output(method, said)
        return httpx.Response(200, json=said, request=request)

    def _check_place(self, request: httpx.Request, method: str) -> None:
        kind = lexicons().main(method)["type"]
        if request.method != {"query": "GET", "procedure": "POST"}[kind]:
            raise Violation(f"{method} is a {kind}, not to be called by {request.method}")
        server = self.entryway if method in _SESSIONS or not self.did_doc else self.pds
        anywhere = method == "com.atproto.identity.resolveHandle"
        if not str(request.url).startswith((f"{server}/", *([f"{self.entryway}/"] if anywhere else []))):
            raise Violation(f"{method} belongs to {server}, not {request.url}")
        if kind == "query" and "authorization" in request.headers and method not in _FOR_ACCOUNTS:
            raise Violation(f"{method} was sent a token that it does not need")
        if any(secret in str(request.url) for secret in (self.app_password, *self.tokens)):
            raise Violation("a secret stands in an address")

    def _create_session(self, request: httpx.Request, body: bytes) -> dict[str, Any]:
        asked = read_input("com.atproto.server.createSession", request, body)
        known = (
            asked["identifier"].lower() in (HANDLE, DID, "alice.example")
            and asked["password"] == self.app_password
        )
        if not (known and self.app_password_works):
            raise Refusal("AuthenticationRequired", "Invalid identifier or password", 401)
        if self.status == "takendown":
            raise Refusal(_CLOSED[self.status], "Account has been taken down", 401)
        return self._session(*self._new_pair())

    def _refresh_session(self, request: httpx.Request, body: bytes) -> dict[str, Any]:
        if body:
            raise Violation("refreshSession takes no body")
        token = self._bearer(request, "com.atproto.refresh")
        if not self.app_password_works:
            raise Refusal("ExpiredToken", "Token has been revoked")
        if token not in self._successors:
            self._successors[token] = self._new_pair()
            self.tokens[token] = min(self.tokens[token], self.clock.now() + self.grace)
        return self._session(*self._successors[token])

    def _new_pair(self) -> tuple[str, str]:
        access = self._new_token("com.atproto.appPass", self.access)
        return access, self._new_token("com.atproto.refresh", REFRESH)

    def _new_token(self, scope: str, life: timedelta) -> str:
        ends = self.clock.now() + life
        claims = {"scope": scope, "sub": DID, "jti": next(self._serial), "exp": int(ends.timestamp())}
        token = ".".join(
            base64_text(json.dumps(part).encode()) for part in ({"alg": "HS256"}, claims, "signature")
        )
        self.tokens[token] = ends
        return token

    def _session(self, access: str, refresh: str) -> dict[str, Any]:
        said = {"accessJwt": access, "refreshJwt": refresh, "handle": HANDLE, "did": DID}
        more = {"didDoc": self.did_doc} if self.did_doc else {}
        why = {"status": self.status} if self.status else {}
        return {**said, **more, "active": self.status is None, **why}

    def _bearer(self, request: httpx.Request, scope: str) -> str:
        said: str = request.headers.get("authorization", "")
        kind, _, token = said.partition(" ")
        if kind != "Bearer":
            raise Refusal("AuthMissing", "Authentication Required", 401)
        if token not in self.tokens or scope not in claims_of(token)["scope"]:
            raise Refusal("InvalidToken", "Token could not be verified")
        if self.tokens[token] <= self.clock.now():
            raise Refusal("ExpiredToken", "Token has expired")
        return token

    def _check_access(self, request: httpx.Request) -> None:
        self._bearer(request, "com.atproto.appPass")
        if self.status:
            raise Refusal(_CLOSED[self.status], f"Account is {self.status}", 401)

    def _service_auth(self, request: httpx.Request, _body: bytes) -> dict[str, Any]:
        self._check_access(request)
        return self.videos.service_auth(request, now=self.clock.now().timestamp())

    def _upload_blob(self, request: httpx.Request, body: bytes) -> dict[str, Any]:
        self._check_access(request)
        said = request.headers["content-type"]
        mime = next((mime for magic, mime in _MAGIC.items() if body.startswith(magic)), said)
        if said != mime:
            raise Violation(f"{said} was said of {mime}")
        name = cid(body, 0x55)
        blob = {"$type": "blob", "ref": {"$link": name}, "mimeType": mime, "size": len(body)}
        self.blobs[name] = (blob, body)
        return {"blob": blob}

    def _put_record(self, request: httpx.Request, body: bytes) -> dict[str, Any]:
        self._check_access(request)
        asked = read_input("com.atproto.repo.putRecord", request, body)
        if asked.get("validate") is not True or "swapRecord" not in asked:
            raise Violation("a record must be validated, and must not overwrite another one")
        if asked["repo"] != DID:
            raise Refusal("AuthenticationRequired", "Authentication Required", 401)
        record, rkey = asked["record"], asked["rkey"]
        self._check_record(asked["collection"], record, rkey)
        before = self.records.get(rkey)
        if before not in (None, record) and asked.get("swapRecord", "") is None:
            raise Refusal("InvalidSwap", f"Record was at {record_cid(before)}")
        said = {"uri": f"at://{DID}/{_POST}/{rkey}", "cid": record_cid(record), "validationStatus": "valid"}
        if before == record:
            return said
        self.records[rkey] = record
        self.commits += 1
        return {**said, "commit": {"cid": cid(body, 0x71), "rev": "3n2ucn3lzts2t"}}

    def _check_record(self, collection: str, record: dict[str, Any], rkey: str) -> None:
        check_record(collection, record, rkey)
        if collection != _POST:
            if record["post"] != f"at://{DID}/{_POST}/{rkey}":
                raise Violation(f"a {collection} stands beside another post than its own")
            return
        check_facets(record["text"], record.get("facets", []), PEOPLE)
        for blob in blobs_in(record):
            check_blob(blob, self.blobs)
        if "reply" in record:
            check_reply(record["reply"], self.records)
        check_quote(record.get("embed", {}), self.elsewhere)

    def _apply_writes(self, request: httpx.Request, body: bytes) -> dict[str, Any]:
        self._check_access(request)
        asked = read_input("com.atproto.repo.applyWrites", request, body)
        if asked.get("validate") is not True or asked["repo"] != DID:
            raise Violation("records must be validated, and belong to the account")
        written = {(write["collection"], write["rkey"]): write["value"] for write in asked["writes"]}
        for (collection, rkey), value in written.items():
            self._check_record(collection, value, rkey)
            if rkey in self.records or (collection, rkey) in self.beside:
                raise Refusal("InternalServerError", "Internal Server Error", 500)  # as the real one does
        for (collection, rkey), value in written.items():
            if collection == _POST:
                self.records[rkey] = value
            else:
                self.beside[collection, rkey] = value
        self.commits += 1
        results = [
            {
                "$type": "com.atproto.repo.applyWrites#createResult",
                "uri": f"at://{DID}/{collection}/{rkey}",
                "cid": record_cid(value),
                "validationStatus": "valid",
            }
            for (collection, rkey), value in written.items()
        ]
        return {"commit": {"cid": cid(body, 0x71), "rev": "3n2ucn3lzts2t"}, "results": results}

    def _delete_record(self, request: httpx.Request, body: bytes) -> dict[str, Any]:
        self._check_access(request)
        asked = read_input("com.atproto.repo.deleteRecord", request, body)
        if asked["repo"] != DID:
            raise Refusal("AuthenticationRequired", "Authentication Required", 401)
        key = asked["rkey"]
        if asked["collection"] != _POST:
            if self.beside.pop((asked["collection"], key), None) is None:
                raise Violation(f"nothing of ours lies in {asked['collection']}")
        elif self.records.pop(key, None) is None:
            return {}
        self.commits += 1
        return {"commit": {"cid": cid(body, 0x71), "rev": "3n2ucn3lzts2t"}}

    def _get_record(self, request: httpx.Request, _body: bytes) -> dict[str, Any]:
        asked = read_params("com.atproto.repo.getRecord", request)
        uri = f"at://{asked['repo']}/{asked['collection']}/{asked['rkey']}"
        if uri in self.elsewhere:
            return {"uri": uri, "cid": self.elsewhere[uri], "value": {}}
        if asked["repo"] != DID:
            raise Refusal("InvalidRequest", "Could not locate record")
        if asked["collection"] != _POST or asked["rkey"] not in self.records:
            raise Refusal("RecordNotFound", f"Could not locate record: {uri}")
        return self._listed(asked["rkey"])

    def _listed(self, rkey: str) -> dict[str, Any]:
        record = self.records[rkey]
        return {"uri": f"at://{DID}/{_POST}/{rkey}", "cid": record_cid(record), "value": record}

    def _list_records(self, request: httpx.Request, _body: bytes) -> dict[str, Any]:
        asked = read_params("com.atproto.repo.listRecords", request)
        if (asked["repo"], asked["collection"]) != (DID, _POST):
            raise Violation(f"nothing of ours lies in {asked['collection']} of {asked['repo']}")
        keys = sorted((key for key in self.records if key < asked.get("cursor", "~")), reverse=True)
        keys = keys[: min(int(asked.get("limit", 50)), self.page)]
        found = [self._listed(key) for key in keys]
        return {"records": found, **({"cursor": keys[-1]} if keys else {})}

    def _get_posts(self, request: httpx.Request, _body: bytes) -> dict[str, Any]:
        """Answer as the AppView does, which the server asks; what it does not have it leaves out."""
        self._check_access(request)
        uris = request.url.params.get_list("uris")
        lexicons().check_params("app.bsky.feed.getPosts", {"uris": uris})
        keys = [uri.rpartition("/")[2] for uri in uris]
        return {"posts": [self._viewed(key) for key in keys if key in self.records]}

    def _viewed(self, rkey: str) -> dict[str, Any]:
        listed, author = self._listed(rkey), {"did": DID, "handle": HANDLE}
        record = listed.pop("value")
        return listed | {"author": author, "record": record, "indexedAt": record["createdAt"], **self.counts}

    def _resolve_handle(self, request: httpx.Request, _body: bytes) -> dict[str, Any]:
        handle = read_params("com.atproto.identity.resolveHandle", request)["handle"]
        if handle not in PEOPLE:
            raise Refusal("HandleNotFound", "Unable to resolve handle")
        return {"did": PEOPLE[handle]}


SUBJECT = Subject(
    network=bluesky.network,
    far_side=FakeBluesky,
    server=None,
    credentials={"identifier": HANDLE, "app_password": APP_PASSWORD},
    too_long="x" * 301,
    counting={"card": "off"},
    renews=True,
)


def daemon(text: str = "Good morning", **more: Any) -> tuple[Daemon, FakeBluesky]:
    """Return a daemon with one delivery and nothing stored, and its far side."""
    far_side = FakeBluesky(FakeClock(START))
    return Daemon(SUBJECT, SUBJECT.outgoing(text, **more), far_side), far_side


def logged_in(text: str = "Good morning", **more: Any) -> tuple[Daemon, FakeBluesky]:
    """Return the same with a session that the far side knows."""
    here, far_side = daemon(text, **more)
    asyncio.run(bluesky.network.verify(here.outgoing.target, here._http(None)))
    far_side.requests.clear()
    return here, far_side
