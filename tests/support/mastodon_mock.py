"""mastodon_mock, an imitation of Mastodon 4.6 that nobody here wrote, on 127.0.0.1 with fresh data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from support import servers
from support.children import child, free_port


#: Of its one account, @testuser.
TOKEN = "mock_token"


@contextmanager
def mastodon_server(folder: Path) -> Iterator[str]:
    """Run it with its log in `folder`, on a free port; give its address."""
    servers.check_mastodon()
    url = f"http://127.0.0.1:{(port := free_port())}"
    command: list[str | Path] = [servers.mastodon(), "serve", "--in-memory", "--log-level", "warning"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with child(
        command, folder / "mastodon.log", cwd=folder, ready=lambda: _answers(f"{url}/api/v2/instance")
    ):
        yield url


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=5).is_success
    except httpx.TransportError:
        return False
