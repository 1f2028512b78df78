"""What one would write first: an AsyncIOScheduler in memory and one client: `naive FOLDER URL COUNT`.

Nothing is durable: what it was to send, and what it has sent, is forgotten when it ends.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import UTC, datetime, timedelta

import httpx
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from benchmarks.peers.payload import body, headers, ready


async def _main(url: str, count: int) -> None:
    logging.disable(logging.CRITICAL)
    # Its own default would give up what waits for a connection for five seconds.
    async with httpx.AsyncClient(timeout=None) as client:

        async def send(number: int) -> None:
            answer = await client.post(url, content=body(number), headers=headers(number))
            answer.raise_for_status()

        scheduler = AsyncIOScheduler(timezone=UTC)
        scheduler.start(paused=True)
        due = datetime.now(UTC) - timedelta(minutes=1)
        for number in range(count):
            run_date = due + timedelta(milliseconds=number)
            scheduler.add_job(send, "date", args=[number], run_date=run_date, misfire_grace_time=None)
        ready()
        scheduler.resume()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[2], int(sys.argv[3])))
