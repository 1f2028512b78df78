"""A receiver of what happens: checks each signature over the exact bytes, and keeps what it has taken."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import threading
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass
class Receiver(httpx.AsyncBaseTransport):
    """Answers as it is told, else with 204; to be asked in this process, or `served`."""

    #: What signatures are checked with, by path; unknown paths are not checked.
    secrets: dict[str, str] = field(default_factory=dict)
    #: What the next requests to a path are answered with: a status, or None for no answer at all.
    answers: dict[str, list[int | None]] = field(default_factory=dict)
    #: (path, id, event) of everything that came, whatever was answered.
    came: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    #: The same of what was answered with success, without repeats.
    taken: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    #: The heads of all requests.
    heads: list[httpx.Headers] = field(default_factory=list)
    #: Headers that go with answers that are no success.
    also: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Take what was sent."""
        body, path = await request.aread(), request.url.path
        name = request.headers["webhook-id"]
        if secret := self.secrets.get(path):
            self._check(request.headers, body, secret)
        with self.lock:
            self.heads.append(request.headers)
            self.came.append((path, name, json.loads(body)))
            queue = self.answers.get(path, [])
            status = queue.pop(0) if queue else 204
        if status is None:
            await asyncio.Event().wait()
        assert status is not None
        if not 200 <= status < 300:
            return httpx.Response(status, headers=self.also)
        with self.lock:
            if not any(known[:2] == (path, name) for known in self.taken):
                self.taken.append((path, name, json.loads(body)))
        return httpx.Response(status)

    def kinds(self, path: str = "/a") -> list[str]:
        """Return the types of the events that were taken at a path, in their order."""
        with self.lock:
            return [event["type"] for where, _, event in self.taken if where == path]

    def _check(self, headers: httpx.Headers, body: bytes, secret: str) -> None:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        assert len(key) == 32
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert wanted in headers["webhook-signature"].split(), "the signature is wrong"
