"""A Mastodon at which a person consents in a browser: the fake one, with applications and tokens.

What an application and a token are asked for with is held against Mastodon's OpenAPI description. That knows
JSON alone; the servers take forms too (docs.joinmastodon.org/methods/apps), and older ones nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from postbell.testing import FakeClock
from support.fake_mastodon import HOST, SERVER, TOKEN, FakeMastodon
from support.farside import Violation
from support.mastodon_spec import api


CLIENT, SECRET = "mastodon-client", "canary-mastodon-secret"


@dataclass
class ConsentingMastodon(httpx.AsyncBaseTransport):
    """One server with one account, whose owner says yes."""

    fake: FakeMastodon = field(default_factory=lambda: FakeMastodon(FakeClock()))
    #: Where it is reached; requests are looked at as if that were its name.
    url: str = SERVER
    apps: list[dict[str, Any]] = field(default_factory=list)
    #: What is known of each code that was not exchanged yet.
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    #: Seconds that a token lives, and what it is traded in with, as at Pleroma.
    lives: int | None = None
    refresh: str = ""
    asked: list[str] = field(default_factory=list)

    def consent(self, address: str) -> str:
        """Say yes in the browser; return where it is sent back to."""
        parts = urlsplit(address)
        query = {name: value for name, (value,) in parse_qs(parts.query).items()}
        (app,) = (each for each in self.apps if query["client_id"] == CLIENT)
        if parts.path != "/oauth/authorize" or query["response_type"] != "code":
            raise Violation(f"nobody consents at {address}")
        if query["redirect_uri"] not in app["redirect_uris"] or query["scope"] != app["scopes"]:
            raise Violation("an application is used as what it was not made for")
        code = f"code-{len(self.codes) + 1}"
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body, path = await request.aread(), request.url.path
        self.asked.append(f"{request.method} {path}")
        if path in ("/api/v1/apps", "/oauth/token"):
            return self._give(path, body, request)
        moved = httpx.Request(
            request.method,
            request.url.copy_with(scheme="https", host=HOST, port=None),
            headers={**request.headers, "host": HOST},
            content=body,
        )
        return await self.fake.handle_async_request(moved)

    def _give(self, path: str, body: bytes, request: httpx.Request) -> httpx.Response:
        if "authorization" in request.headers:
            raise Violation(f"{path} was sent a token that it does not need")
        if request.headers["content-type"] != "application/x-www-form-urlencoded":
            raise Violation(f"{path} takes a form everywhere, and nothing else everywhere")
        form: dict[str, Any] = {name: value for name, (value,) in parse_qs(body.decode()).items()}
        if form.get("grant_type") != "refresh_token":
            typed = form | ({"redirect_uris": [form["redirect_uris"]]} if path.endswith("apps") else {})
            described = httpx.Request("POST", f"{SERVER}{path}", json=typed)
            if faults := api().request_faults(described, described.content):
                raise Violation(f"{path}: {'; '.join(faults)}")
        status, said = self._app(form) if path.endswith("apps") else self._token(form)
        if faults := api().answer_faults("POST", path, status, said):
            raise AssertionError(f"the stand-in itself is wrong: {'; '.join(faults)}")
        return httpx.Response(status, json=said, request=request)

    def _app(self, form: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        app = {
            "id": "7",
            "name": form["client_name"],
            "website": None,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "redirect_uri": form["redirect_uris"],
            "redirect_uris": [form["redirect_uris"]],
            "scopes": form["scopes"].split(" "),
            "vapid_key": "BCk",
        }
        self.apps = [{"redirect_uris": app["redirect_uris"], "scopes": form["scopes"]}]
        self.fake.scopes = app["scopes"]
        return 200, app

    def _token(self, form: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if (form["client_id"], form["client_secret"]) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client", "error_description": f"unknown: {form['client_secret']}"}
        if form["grant_type"] == "refresh_token":
            good = form["refresh_token"] == self.refresh != ""
        else:
            known = self.codes.pop(form["code"], {})
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            good = (known.get("code_challenge"), known.get("redirect_uri")) == (
                challenge,
                form["redirect_uri"],
            )
        if not good:
            return 400, {"error": "invalid_grant", "error_description": json.dumps(form)}
        self.fake.token_works = True
        said = {"access_token": TOKEN, "token_type": "Bearer", "created_at": 1_790_000_000}
        more = {"expires_in": self.lives, "refresh_token": self.refresh} if self.lives else {}
        return 200, {**said, "scope": " ".join(self.fake.scopes), **more}
