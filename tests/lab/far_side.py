"""The far side as a process of its own: neither a killed daemon nor a busy test distorts what it counts.

`python -m lab.far_side FOLDER PORT` serves on a port of 127.0.0.1, 0 for a free one, which it writes to
FOLDER/port, and writes down everything that happens in FOLDER/journal. What the journal says at its start is
public already.

    POST /hook/ACCOUNT               a webhook: a webhook-id that was had already makes no second post
    POST /net/ACCOUNT/drafts         a network: makes the draft of a post, which nobody sees
    POST /net/ACCOUNT/posts          {"key", "text"}; each call makes one more post
    PUT /net/ACCOUNT/posts/KEY       the same, by a name of the caller's: a repeat makes no second post
    GET /net/ACCOUNT/posts/KEY       whether it is public
    PUT /plan                        what happens to requests from now on (lab.faults.Plan as JSON)
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.faults import Fate, Plan
from lab.journal import Journal, read


_GONE = (ConnectionError, asyncio.IncompleteReadError, TimeoutError)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a client asked for."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Read the body."""
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class Create:
    """A call that makes a post public."""

    account: str
    key: str
    text: str
    #: Whether the same key makes no second post.
    keeps: bool


class FarSide:
    """Serves requests as the plan says."""

    def __init__(self, folder: Path) -> None:
        before = read(folder / "journal")
        self._had = {(entry.account, entry.key) for entry in before if entry.what == "accepted"}
        self._journal = Journal(folder / "journal")
        self._fate = Fate(Plan())
        self._again = asyncio.Event()
        self._later: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        with suppress(*_GONE):
            while await self._exchange(reader, writer):
                pass
        writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; tell whether another may follow."""
        method, path, headers = await _read_head(reader)
        length = int(headers.get("content-length", 0))
        if path == "/plan":
            self._fate = Fate(Plan.from_json((await reader.readexactly(length)).decode()))
            self._again.set()
            self._again = asyncio.Event()
            return await _answer(writer, 204, {}, b"")
        if path.endswith("/drafts"):
            return await _answer(writer, 201, {}, b'{"id": "a draft"}')
        fault = self._fate.of_look_up() if method == "GET" else self._fate.of_create(path.split("/")[2])
        if fault == "unread":
            return await _reset(writer)
        request = Request(method=method, path=path, headers=headers, body=await reader.readexactly(length))
        if method == "GET":
            return await self._look_up(request, fault, writer)
        create = _create(request)
        return await (self._publish(create, fault, writer) if create else _answer(writer, 204, {}, b""))

    async def _look_up(self, request: Request, fault: str, writer: asyncio.StreamWriter) -> bool:
        _, _, account, _, key = request.path.split("/")
        self._journal.add("looked", account=account, key=key, fault=fault)
        if fault != "ok":
            return await self._fail(fault, writer, b"{}")
        if (account, key) not in self._had:
            return await _answer(writer, 404, {}, b"{}")
        return await _answer(writer, 200, {}, _said(account, key))

    async def _publish(self, create: Create, fault: str, writer: asyncio.StreamWriter) -> bool:
        self._journal.add("asked", account=create.account, key=create.key, text=create.text, fault=fault)
        accepts, _, how = fault.rpartition("+")
        if accepts:
            self._accept(create, fault)
        await asyncio.sleep(self._fate.latency())
        if self._fate.plan.hold:
            await self._again.wait()
        said = _said(create.account, create.key)
        if how == "ok":
            return await _answer(writer, 201, {}, said)
        if how == "late":
            self._accept_later(create)
            await asyncio.sleep(self._fate.plan.delay)
            return False
        return await self._fail(how, writer, said)

    def _accept(self, create: Create, fault: str) -> None:
        name = (create.account, create.key)
        what = "repeated" if create.keeps and name in self._had else "accepted"
        self._had.add(name)
        self._journal.add(what, account=create.account, key=create.key, text=create.text, fault=fault)

    def _accept_later(self, create: Create) -> None:
        async def later(seconds: float) -> None:
            await asyncio.sleep(seconds)
            self._accept(create, "late")

        task = asyncio.create_task(later(self._fate.plan.delay))
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _fail(self, how: str, writer: asyncio.StreamWriter, said: bytes) -> bool:
        if how.isdigit():
            return await _answer(writer, int(how), {}, b'{"error": "told to"}')
        if how.startswith("limit-"):
            return await _answer(writer, 429, self._fate.limit_headers(how.removeprefix("limit-")), b"{}")
        return await _HOWS[how](writer, _head(200, {}, len(said)) + said, self._fate.plan.delay)


def _create(request: Request) -> Create | None:
    """Read a call that makes a post public; None for a ping."""
    _, tongue, account, *rest = request.path.split("/")
    body = request.json()
    if tongue == "hook":
        if body["type"] == "ping":
            return None
        text = body["data"]["text"]
        return Create(account=account, key=request.headers["webhook-id"], text=text, keeps=True)
    keeps = request.method == "PUT"
    return Create(account=account, key=rest[1] if keeps else body["key"], text=body["text"], keeps=keeps)


def _said(account: str, key: str) -> bytes:
    return json.dumps({"id": key, "url": f"https://lab.example/{account}/{key}"}).encode()


async def _read_head(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, path, _ = first.split(" ")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return method, path, fields


def _head(status: int, headers: dict[str, str], length: int) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", f"content-length: {length}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


async def _answer(writer: asyncio.StreamWriter, status: int, headers: dict[str, str], body: bytes) -> bool:
    await _send(writer, _head(status, headers, len(body)) + body)
    return True


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def _close(_writer: asyncio.StreamWriter, _answer: bytes, _delay: float) -> bool:
    return False


async def _reset(writer: asyncio.StreamWriter, _answer: bytes = b"", _delay: float = 0) -> bool:
    """End the connection with a reset: what was not read, or not sent, is thrown away."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


async def _half(writer: asyncio.StreamWriter, answer: bytes, _delay: float) -> bool:
    await _send(writer, answer[:-1])
    return False


async def _garbage(writer: asyncio.StreamWriter, _answer: bytes, _delay: float) -> bool:
    await _send(writer, b"\x16\x03\x01 this is not HTTP\r\n\r\n")
    return False


async def _nonsense(writer: asyncio.StreamWriter, _said: bytes, _delay: float) -> bool:
    return await _answer(writer, 200, {"content-type": "text/html"}, b"<p>Welcome to the hotel.</p>")


async def _redirect(writer: asyncio.StreamWriter, _said: bytes, _delay: float) -> bool:
    return await _answer(writer, 302, {"location": "/elsewhere"}, b"")


async def _delayed(writer: asyncio.StreamWriter, answer: bytes, delay: float) -> bool:
    await asyncio.sleep(delay)
    await _send(writer, answer)
    return True


async def _drip(writer: asyncio.StreamWriter, answer: bytes, delay: float) -> bool:
    for place in range(len(answer)):
        await _send(writer, answer[place : place + 1])
        await asyncio.sleep(delay / len(answer))
    return True


#: What may be done in place of an answer; each tells whether another request may follow.
_HOWS: dict[str, Callable[[asyncio.StreamWriter, bytes, float], Awaitable[bool]]] = {
    "close": _close,
    "reset": _reset,
    "half": _half,
    "garbage": _garbage,
    "nonsense": _nonsense,
    "redirect": _redirect,
    "delay": _delayed,
    "drip": _drip,
}


async def _main(folder: Path, port: int) -> None:
    server = await asyncio.start_server(FarSide(folder).serve, "127.0.0.1", port, backlog=1000)
    port = server.sockets[0].getsockname()[1]
    (folder / "port.new").write_text(str(port))
    (folder / "port.new").rename(folder / "port")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), int(sys.argv[2])))
