"""Asking over HTTP as a network's code does, with the error as a value."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx

from postbell.errors import PublishError
from postbell.publishing.web.answer import Answer
from postbell.publishing.web.http import Clients, Http
from postbell.testing import FakeClock


NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def http_over(
    transport: httpx.AsyncBaseTransport | None = None, *, ca_file: str | None = None, **more: Any
) -> Http:
    return Http(Clients(transport=transport, ca_file=ca_file), FakeClock(NOW), **more)


async def ask(http: Http, url: str, *, publishes: bool = True, **how: Any) -> Answer | PublishError:
    """Send one request; gives its error instead of raising it, and leaves no connection open."""
    try:
        return await http.request(how.pop("method", "POST"), url, publishes=publishes, **how)
    except PublishError as error:
        return error
    finally:
        await http._clients.close()
