"""Threads where a person consents in a browser: the stand-in, with an app of that person's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from support.fake_threads import RIGHTS, TOKEN, FakeThreads, Refusal
from support.farside import Violation


APP, SECRET = "990602627938098", "canary-threads-secret"
REDIRECT = "https://example.org/postbell"
VALUES = {"client_id": APP, "client_secret": SECRET, "redirect_uri": REDIRECT}
SHORT = "canary-short-token"


@dataclass
class ConsentingThreads(FakeThreads):
    """An account whose owner says yes."""

    codes: list[str] = field(default_factory=list)
    #: What is answered instead of a token of 60 days, if anything.
    instead: dict[str, Any] | None = None

    def consent(self, address: str) -> str:
        """Say yes in the browser; return where it is sent back to."""
        parts = urlsplit(address)
        query = dict(parse_qsl(parts.query))
        state = query.pop("state")
        wanted = {
            "client_id": APP,
            "redirect_uri": REDIRECT,
            "scope": ",".join(RIGHTS),
            "response_type": "code",
        }
        if (parts.netloc, parts.path, query) != ("threads.com", "/oauth/authorize", wanted):
            raise Violation(f"nobody consents at {address}")
        self.codes.append(f"canary-code-{len(self.codes) + 1}")
        return f"{REDIRECT}?{urlencode({'code': self.codes[-1], 'state': state})}#_"

    def _serve(self, method: str, path: str, asked: dict[str, str]) -> dict[str, Any]:
        if path == "oauth/access_token":
            known = {**VALUES, "grant_type": "authorization_code"}
            code = asked.pop("code")
            if code not in self.codes or asked != known:
                raise Refusal(400, f"Invalid authorization code {code} for {asked['client_secret']}")
            self.codes.remove(code)
            return {"access_token": SHORT, "user_id": "17841"}
        if path == "access_token":
            if (asked["access_token"], asked["client_secret"]) != (SHORT, SECRET):
                raise Violation(f"a token of an hour, or a secret, is wrong: {asked}")
            now = self.clock.now()
            self.tokens[TOKEN] = (now, now + self.life)
            said = {"access_token": TOKEN, "token_type": "bearer", "expires_in": 5_184_000}
            return said if self.instead is None else self.instead
        return super()._serve(method, path, asked)
