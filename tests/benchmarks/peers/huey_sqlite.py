"""huey on SQLite: `huey_sqlite FOLDER URL COUNT THREADS FSYNC`; FSYNC is `fsync` or `off`.

Every post is in its queue already, which is less work for it than to look for what is due. Sync httpx, one
client for each thread; nothing is logged and no result is kept.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import httpx
from huey import SqliteHuey

from benchmarks.peers.payload import body, headers, ready


_FOLDER, _URL, _COUNT, _THREADS, _FSYNC = sys.argv[1:6]
_PLACE = str(Path(_FOLDER) / "huey.db")
huey = SqliteHuey(filename=_PLACE, fsync=_FSYNC == "fsync", results=False)
_of_thread = threading.local()


@huey.task()  # type: ignore[untyped-decorator]
def send(number: int) -> None:
    """Post one."""
    if not hasattr(_of_thread, "client"):
        _of_thread.client = httpx.Client()
    _of_thread.client.post(_URL, content=body(number), headers=headers(number)).raise_for_status()


if __name__ == "__main__":
    planter = SqliteHuey(filename=_PLACE, fsync=False)
    for each in range(int(_COUNT)):
        planter.storage.enqueue(huey.serialize_task(send.s(each)))
    ready()
    huey.create_consumer(workers=int(_THREADS), worker_type="thread").run()
