"""The HTTP client of Postbell with nothing around it: `raw FOLDER URL COUNT CONCURRENCY`."""

from __future__ import annotations

import asyncio
import sys

from benchmarks.peers.payload import body, headers, ready
from postbell.publishing.http import Clients


async def _post(url: str, count: int, concurrency: int) -> None:
    clients = Clients()
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            async with clients.lease() as client:
                answer = await client.post(url, content=body(number), headers=headers(number))
                answer.raise_for_status()

    await asyncio.gather(*(work() for _ in range(concurrency)))
    await clients.close()


if __name__ == "__main__":
    ready()
    asyncio.run(_post(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
