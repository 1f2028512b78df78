"""The far side of the benchmarks: a process of its own that takes POSTs as fast as it can, or after a while.

Run as a program it prints its two ports: that of the POSTs, and one at which it is asked, in JSON a line,
what it has had. `Sink` runs it and asks.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from array import array
from types import TracebackType
from typing import Any, Self


_BODY = b'{"id":"1"}'
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
    len(_BODY),
    _BODY,
)
_LENGTH = b"\r\ncontent-length:"


class Had:
    """What came, and how it is answered."""

    def __init__(self) -> None:
        self.reset(0)

    def reset(self, delay: float) -> None:
        """Forget what came; from now on an answer takes `delay` seconds."""
        self.delay = delay
        #: When each request had come, in seconds since 1970.
        self.times = array("d")
        #: Their bodies, while they are kept.
        self.bodies: list[str] = []
        self.keeps = False


class Far(asyncio.Protocol):
    """One connection. It is not a web server: a request has a content-length and is followed by an answer."""

    def __init__(self, had: Had) -> None:
        self._had = had
        self._left = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        data = self._left + data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            head = data[:end].lower()
            at = head.find(_LENGTH)
            value = head[at + len(_LENGTH) :].split(b"\r\n", 1)[0] if at >= 0 else b"0"
            whole = end + 4 + int(value)
            if len(data) < whole:
                break
            self._take(data[end + 4 : whole])
            data = data[whole:]
        self._left = data

    def _take(self, body: bytes) -> None:
        self._had.times.append(time.time())
        if self._had.keeps:
            self._had.bodies.append(body.decode())
        if self._had.delay:
            asyncio.get_running_loop().call_later(self._had.delay, self._transport.write, _ANSWER)
        else:
            self._transport.write(_ANSWER)


async def _serve() -> None:
    had = Had()
    loop = asyncio.get_running_loop()
    far = await loop.create_server(lambda: Far(had), "127.0.0.1", 0, backlog=1000)

    async def tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for line in reader:
            question = json.loads(line)
            if question["ask"] == "reset":
                had.reset(question["delay"])
                had.keeps = question["keep"]
            asked = {"count": len(had.times), "times": [], "bodies": []}
            if question["ask"] == "times":
                asked |= {"times": had.times.tolist(), "bodies": had.bodies}
            writer.write(json.dumps(asked).encode() + b"\n")
        writer.close()

    asked = await asyncio.start_server(tell, "127.0.0.1", 0)
    ports = [server.sockets[0].getsockname()[1] for server in (far, asked)]
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


class Sink:
    """The far side as a process; a context manager that ends it."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        port, asked = json.loads(self._process.stdout.readline())
        self.url = f"http://127.0.0.1:{port}/hook"
        self._socket = socket.create_connection(("127.0.0.1", asked))
        self._lines = self._socket.makefile("rwb")
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        self._lines.close()
        self._socket.close()
        self._process.terminate()
        self._process.communicate()

    def reset(self, *, delay: float = 0, keep: bool = False) -> None:
        """Forget what came; from now on an answer takes `delay` seconds, and bodies are kept if asked for."""
        self._ask(ask="reset", delay=delay, keep=keep)

    def count(self) -> int:
        """Return how many requests came."""
        return int(self._ask(ask="count")["count"])

    def times(self) -> list[float]:
        """Return when each request had come, in seconds since 1970."""
        return list(self._ask(ask="times")["times"])

    def bodies(self) -> list[str]:
        """Return the bodies of the requests, if they were kept."""
        return list(self._ask(ask="times")["bodies"])

    def wait_for(self, count: int, *, seconds: float = 600) -> None:
        """Wait until so many requests came; raises TimeoutError."""
        until = time.monotonic() + seconds
        while (found := self.count()) < count:
            if time.monotonic() > until:
                raise TimeoutError(f"{found} of {count} requests came in {seconds:.0f} s")
            time.sleep(0.01)

    def _ask(self, **question: object) -> dict[str, Any]:
        self._lines.write(json.dumps(question).encode() + b"\n")
        self._lines.flush()
        answer: dict[str, Any] = json.loads(self._lines.readline())
        return answer


if __name__ == "__main__":
    asyncio.run(_serve())
