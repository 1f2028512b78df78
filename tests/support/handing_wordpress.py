"""A WordPress whose user says yes in a browser: the fake one, reached at another address.

Its page answers as wp-admin/authorize-application.php does; before 7.0 it sent nobody back to http.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

import httpx

from postbell.testing import FakeClock
from support.fake_wordpress import PASSWORD, SERVER, USERNAME, FakeWordPress
from support.farside import Violation


@dataclass
class HandingWordPress(httpx.AsyncBaseTransport):
    """One site with one user."""

    fake: FakeWordPress = field(default_factory=lambda: FakeWordPress(FakeClock()))

    def say(self, address: str, *, yes: bool = True) -> str:
        """Answer in the browser; return where it is sent, or the password that is shown."""
        parts = urlsplit(address)
        query = {name: value for name, (value,) in parse_qs(parts.query).items()}
        if not parts.path.endswith("/wp-admin/authorize-application.php") or query["app_name"] != "Postbell":
            raise Violation(f"nobody is asked at {address}")
        UUID(query["app_id"])
        if "success_url" not in query:
            return PASSWORD
        said = {"site_url": SERVER, "user_login": USERNAME, "password": PASSWORD.replace(" ", "")}
        return f"{query['success_url']}&{urlencode(said if yes else {'success': 'false'})}"

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = httpx.URL(SERVER).path + request.url.raw_path.decode()
        moved = httpx.Request(
            request.method,
            httpx.URL(SERVER).copy_with(raw_path=path.encode()),
            headers={**request.headers, "host": httpx.URL(SERVER).host},
            content=await request.aread(),
        )
        return await self.fake.handle_async_request(moved)
