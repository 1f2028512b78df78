"""Bluesky's video service: takes a video, makes it ready, and puts it onto the account's server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from support.content_ids import cid
from support.farside import Violation
from support.lexicon import lexicons
from support.xrpc import Refusal


HOST = "video.bsky.app"
_UPLOAD, _LIMITS = "com.atproto.repo.uploadBlob", "app.bsky.video.getUploadLimits"


@dataclass
class VideoService:
    """One account's videos."""

    did: str
    #: Where what is ready goes.
    blobs: dict[str, tuple[dict[str, Any], bytes]]
    #: What a job says of itself, time after time; then it is ready. JOB_STATE_FAILED ends it.
    states: list[str] = field(default_factory=list)
    #: Whether answers stand in `jobStatus`, as the lexicon says.
    wrapped: bool = True
    #: What an upload is refused with.
    refusal: dict[str, str] | None = None
    #: What it says may still be uploaded; with an `error` it refuses to say.
    limits: dict[str, Any] = field(
        default_factory=lambda: {"canUpload": True, "remainingDailyVideos": 25, "remainingDailyBytes": 10**10}
    )
    #: What each token is for.
    tokens: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, bytes] = field(default_factory=dict)
    uploads: int = 0

    def service_auth(self, request: httpx.Request, *, now: float) -> dict[str, Any]:
        """Return a token for the service, as the account's server does."""
        asked = dict(request.url.params)
        lexicons().check_params("com.atproto.server.getServiceAuth", {**asked, "exp": int(asked["exp"])})
        if not now < int(asked["exp"]) <= now + 3600:
            raise Refusal("BadExpiration", "expiration is too far in the future")
        own = asked["aud"] == f"did:web:{HOST}"
        if asked["lxm"] != (_LIMITS if own else _UPLOAD) or not asked["aud"].startswith("did:web:"):
            raise Violation(f"the service needs a token for {_UPLOAD} on the account's server, or for itself")
        token = f"service-token-{len(self.tokens)}"
        self.tokens[token] = asked["lxm"]
        return {"token": token}

    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        method = request.url.path.removeprefix("/xrpc/")
        if method == "app.bsky.video.uploadVideo":
            return self._upload(request, body)
        if method == _LIMITS:
            return self._limits(request)
        if method != "app.bsky.video.getJobStatus" or "authorization" in request.headers:
            raise Violation(f"{method} is not asked like this")
        job = request.url.params["jobId"]
        if job not in self.jobs:
            return httpx.Response(404, json={"error": "NotFound", "message": "job not found"})
        said = {"jobStatus": self._status(job)}
        lexicons().check_output(method, said)
        return httpx.Response(200, json=said)

    def _limits(self, request: httpx.Request) -> httpx.Response:
        if not self._may(request, _LIMITS):
            return httpx.Response(401, json={"error": "unauthorized", "message": "bad token"})
        if "refused" in self.limits:
            return httpx.Response(self.limits["refused"], json={"error": "unknown"})
        if "raw" in self.limits:
            return httpx.Response(200, json=self.limits["raw"])
        lexicons().check_output(_LIMITS, self.limits)
        return httpx.Response(200, json=self.limits)

    def _may(self, request: httpx.Request, method: str) -> bool:
        return self.tokens.get(request.headers["authorization"].removeprefix("Bearer ")) == method

    def _upload(self, request: httpx.Request, body: bytes) -> httpx.Response:
        if not self._may(request, _UPLOAD):
            return httpx.Response(401, json={"error": "unauthorized", "message": "bad token"})
        if request.headers["content-type"] != "video/mp4" or int(request.headers["content-length"]) != len(
            body
        ):
            raise Violation("a video is an MP4 of a stated length")
        if request.url.params["did"] != self.did or not request.url.params["name"].endswith(".mp4"):
            raise Violation("a video belongs to the account, and is called something.mp4")
        if self.refusal:
            return httpx.Response(400, json=self.refusal)
        job = f"job-{cid(body, 0x55)[-8:]}"
        if job in self.jobs:
            return httpx.Response(409, json={**self._status(job), "error": "already_exists"})
        self.uploads += 1
        self.jobs[job] = body
        status = {"jobId": job, "did": self.did, "state": "JOB_STATE_CREATED"}
        return httpx.Response(200, json={"jobStatus": status} if self.wrapped else status)

    def _status(self, job: str) -> dict[str, Any]:
        status = {"jobId": job, "did": self.did}
        if self.states:
            state = self.states.pop(0)
            if state == "JOB_STATE_FAILED":
                del self.jobs[job]
                return {**status, "state": state, "failureCode": "encoding_failure", "message": "no sound"}
            return {**status, "state": state, "progress": 50}
        data = self.jobs[job] + b"ready"
        name = cid(data, 0x55)
        blob = {"$type": "blob", "ref": {"$link": name}, "mimeType": "video/mp4", "size": len(data)}
        self.blobs[name] = (blob, data)
        return {**status, "state": "JOB_STATE_COMPLETED", "blob": blob}
