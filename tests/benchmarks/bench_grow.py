"""How making the posts of series depends on what is stored: `python tests/benchmarks/bench_grow.py`.

In one database there are 1,000 posts and 100 series, in the other 1,000,000 posts and 10,000 series. In both
100 series are due for the next day's posts. They make them in turns, so often; the promise is that the great
one takes less than 1.2 times as long as the small one.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import date, timedelta
from datetime import time as time_of_day
from pathlib import Path


sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlalchemy import text

from postbell.domain.recurrence import Recurrence, Unit
from postbell.services.series.recur import grow
from postbell.store.thread import StoreThread
from support.planting import plant_series
from support.world import START, World, add_account, build_world


SMALL, GREAT = (1_000, 100), (1_000_000, 10_000)
DUE = 100
DAYS = 30
PROMISE = 1.2


def main() -> None:
    """Measure, and print one line of JSON."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        worlds = []
        for name, (posts, series) in (("small", SMALL), ("great", GREAT)):
            (Path(folder) / name).mkdir()
            world = stack.enter_context(build_world(Path(folder) / name))
            _fill(world, posts)
            _plant(world, series)
            worlds.append(world)
        _a_day(worlds[0]), _a_day(worlds[1])  # both are warm now
        spans: list[list[float]] = [[], []]
        for number in range(DAYS):
            for which in (0, 1) if number % 2 else (1, 0):
                spans[which].append(_a_day(worlds[which]))
    small, great = (statistics.median(each) for each in spans)
    found = {
        "days": DAYS,
        "due_series": DUE,
        "small_ms": round(small * 1000, 1),
        "great_ms": round(great * 1000, 1),
        "ratio": round(great / small, 2),
    }
    sys.stdout.write(json.dumps(found) + "\n")
    sys.exit(found["ratio"] >= PROMISE)


def _fill(world: World, posts: int) -> None:
    """Store published posts by the thousand, one a minute until now."""
    add_account(world.store, "ann")
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most) SELECT"
    at = "strftime('%Y-%m-%d %H:%M:%f000', :now, '-' || i || ' minutes')"
    name = "printf('%08x', (i * 2654435761) % 4294967296)"  # in no order, as those that are made up
    post = {"id": name, "state": "'processed'", "text": "'post ' || i", "overrides": "'{}'"}
    post |= {"at": at, "created_at": at, "updated_at": at, "version": "1"}
    sent = {"post_id": name, "account_id": "1", "state": "'processed'", "result": "'published'"}
    sent |= {
        "key": "lower(hex(randomblob(10)))",
        "fingerprint": "lower(hex(randomblob(16)))",
        "tries": "1",
        "warnings": "'[]'",
    }
    sent |= dict.fromkeys(("due_at", "try_at", "begun_at", "ended_at"), at)
    values = {"most": posts, "now": f"{START:%Y-%m-%d %H:%M:%S}"}
    with world.store.write() as tx:
        for table, row in (("post", post), ("delivery", sent)):
            into = f"INSERT INTO {table} ({', '.join(row)})"
            tx.execute(text(f"{into} {numbers} {', '.join(row.values())} FROM n"), values)


def _plant(world: World, series: int) -> None:
    """Store series by the thousand, of which so many come every day and the others far from now."""
    for number in range(series):
        daily = number < DUE
        rule = Recurrence(
            every=Unit.DAY if daily else Unit.YEAR,
            times=(time_of_day(12, number % 60),),
            zone="Europe/Berlin",
            first=date(2026, 11, 1) if daily else date(2030, 1, 1) + timedelta(days=number % 365),
        )
        plant_series(world, f"series {number}", ["ann"], rule)
    _a_day(world)


def _a_day(world: World) -> float:
    """Let a day pass, and return how many seconds making its posts took."""
    world.clock.advance(timedelta(days=1))

    async def run() -> float:
        thread = StoreThread(world.store)
        try:
            begin = time.perf_counter()
            await grow(world.ctx, thread)
            return time.perf_counter() - begin
        finally:
            thread.close()

    return asyncio.run(run())


if __name__ == "__main__":
    main()
