"""The HTTP client of Postbell with nothing around it: `raw FOLDER URL COUNT CONCURRENCY`."""

from __future__ import annotations

import asyncio
import sys

import httpx

from benchmarks.peers.payload import body, headers, ready
from postbell.publishing.web.http import Clients


async def _post(url: str, count: int, concurrency: int) -> None:
    clients = Clients()
    address = httpx.URL(url)
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            request = httpx.Request("POST", address, content=body(number), headers=headers(number))
            answer = await clients.transport.handle_async_request(request)
            await answer.aread()
            if answer.status_code != 200:
                raise RuntimeError(str(answer))

    await asyncio.gather(*(work() for _ in range(concurrency)))
    await clients.close()
    await asyncio.Event().wait()


if __name__ == "__main__":
    ready()
    asyncio.run(_post(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
