"""httpx with nothing around it, a client of one connection each: `raw_httpx FOLDER URL COUNT CONCURRENCY`."""

from __future__ import annotations

import asyncio
import sys

import httpx

from benchmarks.peers.payload import body, headers, ready


async def _post(url: str, count: int, concurrency: int) -> None:
    verify = httpx.create_ssl_context(trust_env=False)
    numbers = iter(range(count))

    async def work() -> None:
        async with httpx.AsyncClient(verify=verify, trust_env=False) as client:
            for number in numbers:
                answer = await client.post(url, content=body(number), headers=headers(number))
                answer.raise_for_status()

    await asyncio.gather(*(work() for _ in range(concurrency)))
    await asyncio.Event().wait()


if __name__ == "__main__":
    ready()
    asyncio.run(_post(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
