"""Web pages of strangers, for a far side whose network reads them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import httpx

from support.farside import Violation


@dataclass
class Pages:
    """What there is at which address; anything else is answered with 404."""

    found: dict[str, httpx.Response] = field(default_factory=dict)

    def add(self, url: str, body: bytes | str, mime: str = "text/html; charset=utf-8") -> None:
        """Put a page or a picture at an address."""
        data = body.encode() if isinstance(body, str) else body
        self.found[url] = httpx.Response(200, headers={"content-type": mime}, content=data)

    def answer(self, request: httpx.Request, secrets: Iterable[str]) -> httpx.Response:
        """Return what is at an address; raises Violation for what strangers must not be told."""
        if request.method != "GET" or {"authorization", "cookie", "referer"} & request.headers.keys():
            raise Violation("a stranger's page was asked for more than everybody asks for")
        if any(secret in f"{request.url}{request.headers}" for secret in secrets):
            raise Violation("a stranger was told a secret")
        return self.found.get(str(request.url), httpx.Response(404, html="not here"))
