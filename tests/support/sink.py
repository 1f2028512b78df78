"""A webhook's receiver on 127.0.0.1 that writes down every request, and can be slow, deaf or out of order."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request, read whole."""

    #: Its Idempotency-Key.
    key: str
    body: dict[str, Any]
    #: Seconds since 1970.
    at: float


@dataclass
class Sink:
    """Keeps what it gets. A key that it knows is answered as before and makes no second post."""

    received: list[Received] = field(default_factory=list)
    #: Answers with these statuses first, then with 200.
    statuses: list[int] = field(default_factory=list)
    url: str = ""
    _free: threading.Event = field(default_factory=threading.Event)
    _got: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self._free.set()

    def hold(self) -> None:
        """Take requests and answer none of them until `release`."""
        self._free.clear()

    def release(self) -> None:
        """Answer again."""
        self._free.set()

    def posts(self) -> Counter[str]:
        """Count the requests of each post by its text; pings are left out."""
        return Counter(r.body["data"]["text"] for r in self.received if r.body["type"] != "ping")

    def keys(self) -> set[str]:
        """Return the keys of all posts: each is one post to a receiver that keeps its side."""
        return {r.key for r in self.received if r.body["type"] != "ping"}

    def wait_for(self, requests: int, seconds: float = 30) -> None:
        """Wait until so many posts came."""
        with self._got:
            enough = self._got.wait_for(lambda: self.posts().total() >= requests, seconds)
        assert enough, f"{self.posts().total()} of {requests} requests came in {seconds} s"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._answer(reader, writer):
                pass
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            return False
        lines = head.split("\r\n")[1:]
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(fields["content-length"]))
        with self._got:
            self.received.append(
                Received(key=fields["idempotency-key"], body=json.loads(body), at=time.time())
            )
            self._got.notify_all()
        await asyncio.get_running_loop().run_in_executor(None, self._free.wait)
        status = self.statuses.pop(0) if self.statuses else 200
        answer = json.dumps({"id": fields["idempotency-key"]}).encode()
        writer.write(b"HTTP/1.1 %d x\r\ncontent-length: %d\r\n\r\n%s" % (status, len(answer), answer))
        await writer.drain()
        return True


@contextmanager
def sink() -> Iterator[Sink]:
    """Run a receiver in a thread of its own until the block ends."""
    made, started, loop = Sink(), threading.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        started.set()
        await stop.wait()
        made.release()
        server.close()

    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    started.wait()
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
