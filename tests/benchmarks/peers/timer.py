"""A bare asyncio timer for each post, and nothing else: `timer FOLDER URL`.

FOLDER/times.json says when, in seconds since 1970. It posts over a connection that is open already.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.peers.payload import ready


async def _main(folder: str, url: str) -> None:
    times = json.loads((Path(folder) / "times.json").read_text("ascii"))
    place = urlsplit(url)
    loop = asyncio.get_running_loop()
    _, writer = await asyncio.open_connection(place.hostname, place.port)
    over = loop.create_future()

    def fire(due: float) -> None:
        body = json.dumps({"bare": due}).encode()
        writer.write(b"POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        if due == times[-1]:
            loop.call_later(1, over.set_result, None)

    ready()
    for due in times:
        loop.call_later(due - time.time(), fire, due)
    await over


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2]))
