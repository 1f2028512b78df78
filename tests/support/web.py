"""Pages of strangers on this machine, and a way to them that is guarded as ever."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from postbell.domain.reach import Allowed
from postbell.errors import NotFetched
from postbell.publishing.web.outside import Fetched, Outside
from support.sockets import Handler, read_request, server


#: Stand for a public address and for one that only this machine reaches.
OPEN, SECRET = "127.0.0.1", "127.0.0.2"
PAGE = b"HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=UTF-8\r\ncontent-length: 5\r\n\r\nHello"


class Names:
    """A resolver that may answer otherwise each time that it is asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class Visits:
    """Answers with a page, and keeps what was asked."""

    def __init__(self, data: bytes = PAGE) -> None:
        self.data = data
        self.heads: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append((await read_request(reader)).decode())
        writer.write(self.data)
        await writer.drain()


def outside(look_up: Any = None, **how: Any) -> Outside:
    """Return a way on which the one address of this machine counts as public."""
    return Outside(allowed=Allowed.parse([OPEN]), look_up=look_up or Names([OPEN]), **how)


async def fetch(way: Outside, url: str, **how: Any) -> Fetched:
    return await way.fetch(url, **{"types": ["text/html"], "most": 1000, **how})


def fetched(handler: Handler, path: str = "/", **how: Any) -> Fetched:
    """Return what a server gives that is found under the name page.example."""

    async def go() -> Fetched:
        async with server(handler) as url:
            return await fetch(outside(), url.replace(OPEN, "page.example") + path, **how)

    return asyncio.run(go())


def refusal(handler: Handler, **how: Any) -> str:
    with pytest.raises(NotFetched) as caught:
        fetched(handler, **how)
    return str(caught.value)
