"""What depends on how much is stored: the start of the daemon, the claim, and when something is due next.

One database holds 1,000 posts, the other 1,000,000; half of them have been published. They take turns.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from benchmarks import planting
from benchmarks.measuring import Figure, Options, median
from benchmarks.planting import ACCOUNTS, Wanted, connect, plant
from postbell.settings import Places
from postbell.store import queue
from postbell.store.engine import Store
from support.home import Home, make_home


SMALL, GREAT = 1_000, 1_000_000
#: When the first of what waits is due: in no run of this.
_DUE = datetime(2040, 1, 1, tzinfo=UTC)
#: What is done once a day shall not fall into a measurement, nor take away what was planted.
_CONFIG = "[backup]\nevery_hours = 0\n[retention]\nattempts_days = 0\nposts_days = 0\n"
_MIGRATIONS = Path(__file__).parents[2] / "src/postbell/store/migrations/versions"


class _Undone(Exception):
    """Takes a transaction back."""


def run(options: Options) -> list[Figure]:
    """Measure everything on both."""
    homes = {count: kept_home(options, count) for count in (SMALL, GREAT)}
    starts: dict[int, list[float]] = {SMALL: [], GREAT: []}
    for turn in range(options.pick(7, 2) + 1):
        for count, home in homes.items():
            span = _start(home)
            if turn:  # the first one reads the file into memory
                starts[count].append(span)
    figures = [
        Figure(
            name="start",
            told="from exec to READY=1 with 1,000,000 posts against 1,000",
            value=median(starts[GREAT]) / median(starts[SMALL]),
            gate=1.3,
            less=True,
            runs={f"{count} posts": spans for count, spans in starts.items()},
        )
    ]
    turns = options.pick(400, 100)
    figures += _in_turns(homes, "claim", "the claim of 50", _claim, turns)
    figures += _in_turns(homes, "next_due", "what is due next", _next_due, turns)
    return figures


def kept_home(options: Options, count: int) -> Home:
    """Return a Postbell with so many posts, that of an earlier run if it would be made alike."""
    sources = (Path(__file__), Path(planting.__file__), *sorted(_MIGRATIONS.glob("*.py")))
    made_by = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    folder = options.kept / f"{count}-{made_by[:12]}"
    if not folder.exists():
        for old in options.kept.glob(f"{count}-*"):
            shutil.rmtree(old)
        (making := options.kept / f"making-{os.getpid()}").mkdir()
        home = make_home(making, _CONFIG)
        connect(home, options.sink.url)
        with home.app() as app:
            sent = Wanted(count=count // 2, begin=datetime(2025, 1, 1, tzinfo=UTC), step=60, published=True)
            plant(app, sent, Wanted(count=count - count // 2, begin=_DUE, step=1, first=sent.count))
        with suppress(OSError):  # somebody else was faster
            making.rename(folder)
        shutil.rmtree(making, ignore_errors=True)
    return Home(
        places=Places(data_dir=folder / "data", config=folder / "config.toml"), log=folder / "daemon.log"
    )


def _start(home: Home) -> float:
    """Return the seconds from the start of the process until it says that it is ready."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as told:
        address = home.places.data_dir.parent / "notify"
        address.unlink(missing_ok=True)
        told.bind(str(address))
        told.settimeout(300)
        home.env = {"NOTIFY_SOCKET": str(address)}
        begin = time.perf_counter()
        process = home.start()
        try:
            while b"READY=1" not in told.recv(4096):
                pass
            return time.perf_counter() - begin
        finally:
            process.terminate()
            process.wait()


def _in_turns(
    homes: dict[int, Home], name: str, what: str, work: Callable[[Connection], object], turns: int
) -> list[Figure]:
    spans: dict[int, list[float]] = {count: [] for count in homes}
    with ExitStack() as stack:
        stores = {
            count: stack.enter_context(closing(Store(home.places.database))) for count, home in homes.items()
        }
        for turn in range(turns + 20):
            for count, store in stores.items():
                with suppress(_Undone), store.write() as tx:
                    begin = time.thread_time()  # by the wall, another process would count
                    work(tx)
                    span = time.thread_time() - begin
                    if turn >= 20:
                        spans[count].append(span * 1000)
                    raise _Undone
    return [
        Figure(
            name=name,
            told=f"{what} with 1,000,000 posts against 1,000",
            value=median(spans[GREAT]) / median(spans[SMALL]),
            gate=1.2,
            less=True,
            runs={f"{count} posts, median ms of CPU": [median(each)] for count, each in spans.items()},
        )
    ]


def _claim(tx: Connection) -> None:
    claims = queue.claim_due(
        tx, _DUE + timedelta(seconds=ACCOUNTS - 1), ACCOUNTS, lambda sha, _mime: Path(sha)
    )
    assert len(claims) == ACCOUNTS


def _next_due(tx: Connection) -> None:
    assert len(queue.next_due(tx)) == ACCOUNTS
