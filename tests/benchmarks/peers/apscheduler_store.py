"""APScheduler with its SQLAlchemy job store on SQLite: `apscheduler_store FOLDER URL COUNT`.

One date job for each post, all due; its thread pool of ten; SQLite's own default durability, which is FULL.
"""

from __future__ import annotations

import logging
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from apscheduler.schedulers.background import BackgroundScheduler

from benchmarks.peers.payload import body, headers, ready


_of_thread = threading.local()


def send(number: int, url: str) -> None:
    """Post one."""
    if not hasattr(_of_thread, "client"):
        _of_thread.client = httpx.Client()
    _of_thread.client.post(url, content=body(number), headers=headers(number)).raise_for_status()


def _main(folder: str, url: str, count: int) -> None:
    logging.disable(logging.CRITICAL)
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_jobstore("sqlalchemy", url=f"sqlite:///{Path(folder) / 'jobs.db'}")
    scheduler.start(paused=True)
    due = datetime.now(UTC) - timedelta(minutes=1)
    for number in range(count):
        scheduler.add_job(
            "benchmarks.peers.apscheduler_store:send",
            "date",
            args=[number, url],
            run_date=due + timedelta(milliseconds=number),
            misfire_grace_time=None,
        )
    ready()
    scheduler.resume()
    threading.Event().wait()


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
