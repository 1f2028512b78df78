"""A program that asks the HTTP API over one connection, and takes less time for it than any library."""

from __future__ import annotations

import json
import re
import socket
import time
from types import TracebackType
from typing import Any, Self


_LENGTH = re.compile(rb"\r\ncontent-length: ([0-9]+)", re.IGNORECASE)
_PART = 1 << 18


class Asker:
    """One connection to a daemon; a context manager."""

    def __init__(self, at: str, key: str) -> None:
        host, _, port = at.removeprefix("http://").rpartition(":")
        self._address = (host, int(port))
        self._key = key

    def __enter__(self) -> Self:
        self._socket = socket.create_connection(self._address, timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        self._socket.close()

    def ask(self, path: str, body: bytes | None = None) -> float:
        """GET a path, or POST JSON to it; return the milliseconds until all of the answer was there.

        Raises RuntimeError unless it is answered with 200 or 201.
        """
        return self._ask(path, body)[0]

    def read(self, path: str, body: bytes | None = None) -> Any:
        """Do the same, and return what is answered."""
        return json.loads(self._ask(path, body)[1])

    def _ask(self, path: str, body: bytes | None) -> tuple[float, bytes]:
        words = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", "Host: localhost"]
        words += [f"Authorization: Bearer {self._key}"]
        if body is not None:
            words += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        request = "\r\n".join(words).encode() + b"\r\n\r\n" + (body or b"")
        begin = time.perf_counter()
        self._socket.sendall(request)
        answer = bytearray(self._socket.recv(_PART))
        while (end := answer.find(b"\r\n\r\n")) < 0:
            answer += self._socket.recv(_PART)
        found = _LENGTH.search(answer, 0, end)
        whole = end + 4 + (int(found[1]) if found else 0)
        while len(answer) < whole:
            answer += self._socket.recv(_PART)
        span = time.perf_counter() - begin
        told = bytes(answer)
        if told[9:12] not in (b"200", b"201"):
            raise RuntimeError(f"{path} was answered with {told[:300]!r}")
        return span * 1000, told[end + 4 :]
