"""A far side on a real socket of 127.0.0.1, for a daemon that is a process of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx

from support.sockets import read_request, server


#: In a request that was sent here for another server: its whole address.
MEANT = "x-meant-for"


@contextmanager
def served(far_side: httpx.AsyncBaseTransport) -> Iterator[str]:
    """Serve it in a thread of its own until the block ends; gives the address.

    What is a fault of the asker is answered with 500, and raised when the block ends.
    """
    faults: list[BaseException] = []
    address: list[str] = []
    started, loop, stop = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                request = _request(await read_request(reader), address[0])
                try:
                    response = await far_side.handle_async_request(request)
                except Exception as fault:  # noqa: BLE001 - it is raised where the test sees it
                    faults.append(fault)
                    response = httpx.Response(500)
                writer.write(_bytes(response))

    async def serve() -> None:
        async with server(answer) as url:
            address.append(url)
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    started.wait()
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
    if faults:
        raise faults[0]


def _request(said: bytes, address: str) -> httpx.Request:
    head, _, body = said.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, target, _version = first.decode().split(" ")
    headers = [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    meant = next((value.decode() for name, value in headers if name.decode().lower() == MEANT), None)
    told = [(name, value) for name, value in headers if name.decode().lower() != MEANT]
    return httpx.Request(method, meant or address + target, headers=told, content=body)


def _bytes(response: httpx.Response) -> bytes:
    headers = {**response.headers, "content-length": str(len(response.content))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {response.status_code} x\r\n{head}\r\n".encode() + response.content
