"""Accounts that are connected by OAuth, at a real server of it that is a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx

from lab.harness import LabHome
from lab.networks.lab_consent import network
from postbell.publishing.protocol import Network
from postbell.services.accounts import accounts, connecting
from postbell.services.context import Context
from support.children import child
from support.oauth_server import CLIENT, SECRET


NETWORK = cast("Network", network)
VALUES = {"client_id": CLIENT, "client_secret": SECRET}
REDIRECT = "http://127.0.0.1:4711/postbell"


@dataclass(frozen=True)
class OAuthServer:
    """The running server."""

    url: str

    def control(self, **told: Any) -> dict[str, Any]:
        """Tell it what to do; return what it has seen."""
        answer = httpx.post(f"{self.url}/control", json=told, trust_env=False, timeout=60)
        found: dict[str, Any] = answer.json()
        return found

    @property
    def journal(self) -> list[str]:
        """What was asked, in its order."""
        return cast("list[str]", self.control()["journal"])

    @property
    def published(self) -> list[str]:
        """What is public."""
        return sorted(self.control()["posts"].values())

    def consent(self, url: str) -> str:
        """Say yes in the browser; return where it is sent back to."""
        answer = httpx.get(url, trust_env=False, follow_redirects=False, timeout=60)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]


@contextmanager
def oauth_server(folder: Path, module: str = "support.oauth_server") -> Iterator[OAuthServer]:
    """Run it, or the other one of OAuth 1.0, until the block ends."""
    folder.mkdir(exist_ok=True)
    port = folder / "port"
    command = [sys.executable, "-m", module, str(folder)]
    with child(command, folder / "log", ready=port.exists, cwd=Path(__file__).parents[1]):
        yield OAuthServer(f"http://127.0.0.1:{port.read_text()}")


def connect(ctx: Context, server: OAuthServer, name: str = "ann") -> None:
    """Connect an account as a person does, by consent in the browser."""
    asking = connecting.ask(
        ctx, network="lab_consent", name=name, server=server.url, values=VALUES, redirect=REDIRECT
    )
    consent = connecting.take(ctx, asking, server.consent(asking.url))
    accounts.add_account(
        ctx, network="lab_consent", name=name, server=server.url, values=VALUES, tokens=consent.tokens
    )


def reconnect(lab: LabHome, server: OAuthServer, name: str = "ann") -> None:
    """Consent once more."""
    with lab.app() as app:
        asking = connecting.ask(
            app.ctx, network="lab_consent", name=name, server=server.url, values=VALUES, redirect=REDIRECT
        )
        consent = connecting.take(app.ctx, asking, server.consent(asking.url))
        accounts.reconnect_account(app.ctx, name, server=None, values={}, tokens=consent.tokens)
