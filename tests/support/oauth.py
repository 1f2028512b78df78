"""What tests of OAuth have in common: a network, a client, tokens, and who keeps them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, unquote

import httpx
from oauthlib.oauth1.rfc5849.utils import parse_authorization_header
from pydantic import SecretStr

from postbell.publishing.protocol import Target
from postbell.publishing.web.consent import Client
from postbell.publishing.web.http import Clients, Http
from postbell.publishing.web.oauth import OAuth, Request
from postbell.publishing.web.tokens import Tokens
from postbell.testing import FakeClock


SERVER = "https://bell.example"
OAUTH = OAuth(authorize="/authorize", token="/token", scopes=("read", "write"))
CLIENT = Client(id="postbell", secret="canary-client")
ASKED = Request(client=CLIENT, redirect="http://127.0.0.1:4711/postbell")
START = FakeClock().now()
HOUR = timedelta(hours=1)
OLD = Tokens(
    access_token="old-access",
    refresh_token="canary-refresh",
    issued_at=START,
    ends_at=START + HOUR,
    renews=True,
)


@dataclass
class Keeper:
    """Keeps tokens, and what was done in which order."""

    stored: Tokens | None = OLD
    done: list[str] = field(default_factory=list)

    async def load(self) -> dict[str, Any]:
        return {}

    async def save(self, session: dict[str, Any]) -> None:
        raise AssertionError

    def alone(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def load_tokens(self) -> Tokens | None:
        return self.stored

    async def save_tokens(self, tokens: Tokens, before: Tokens | None) -> None:
        self.done.append(f"stored {tokens.access_token}")
        self.stored = tokens


def target(**more: Any) -> Target:
    credentials = SimpleNamespace(client_id="postbell", client_secret=SecretStr("canary-client"))
    return Target(name="ann", server=SERVER, credentials=credentials, **more)


def http_over(
    answer: Callable[[httpx.Request], httpx.Response],
    *,
    tokens: Tokens | None = OLD,
    keeper: Keeper | None = None,
    clock: FakeClock | None = None,
) -> Http:
    clients = Clients(transport=httpx.MockTransport(answer))
    secrets = ("canary-client", "canary-code", ASKED.verifier)
    return Http(clients, clock or FakeClock(), account="ann", tokens=tokens, keeper=keeper, secrets=secrets)


def form_of(request: httpx.Request) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(request.content.decode()).items()}


def said_in(request: httpx.Request) -> dict[str, str]:
    """Return what the header of a request that is signed by OAuth 1.0 says."""
    return read_signed(request.headers["authorization"])


def read_signed(header: str) -> dict[str, str]:
    """Return what such a header says."""
    return {name: unquote(value) for name, value in parse_authorization_header(header)}
