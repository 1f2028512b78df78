"""How much later than asked for a post comes, beside a bare asyncio timer in the same minute."""

from __future__ import annotations

import json
import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measuring import Figure, Options, go, median, nearest_rank, running
from benchmarks.planting import Wanted, connect, plant
from support.home import make_home


def run(options: Options) -> list[Figure]:
    """Let both send so many posts at moments of their own, at the same sink."""
    count, seconds = options.pick(200, 60), options.pick(60, 20)
    folder = options.folder / "lateness"
    folder.mkdir()
    home = make_home(folder)
    connect(home, options.sink.url)
    options.sink.reset(keep=True)
    begin = time.time() + 8  # by then both are waiting
    # Networks are told whole milliseconds.
    moments = [begin + random.randrange(seconds * 1000) / 1000 for _ in range(2 * count)]
    posts, bare = sorted(moments[:count]), sorted(moments[count:])
    (folder / "times.json").write_text(json.dumps(bare))
    with home.app() as app:
        at = (datetime.fromtimestamp(each, UTC) for each in posts)
        plant(app, *(Wanted(count=1, begin=each, step=0, first=number) for number, each in enumerate(at)))
    timer = (sys.executable, "-m", "benchmarks.peers.timer", str(folder), options.sink.url)
    with home.daemon(), running(*timer, cwd=Path(__file__).parents[1]) as process:
        go(process)
        options.sink.wait_for(2 * count, seconds=seconds + 60)
    return _figures(options)


def _figures(options: Options) -> list[Figure]:
    late: dict[str, list[float]] = {"postbell": [], "bare": []}
    for came, body in zip(options.sink.times(), options.sink.bodies(), strict=True):
        event = json.loads(body)
        if "bare" in event:
            late["bare"].append((came - event["bare"]) * 1000)
        else:
            due = datetime.fromisoformat(event["data"]["due_at"]).timestamp()
            late["postbell"].append((came - due) * 1000)
    runs = {
        f"{name}, ms: p50, p99, most": [median(each), nearest_rank(each, 99), max(each)]
        for name, each in late.items()
    }
    return [
        Figure(
            name="late_p50",
            told="lateness in the median, above that of a bare timer",
            value=median(late["postbell"]) - median(late["bare"]),
            unit="ms",
            gate=3,
            less=True,
            runs=runs,
        ),
        Figure(
            name="late_p99",
            told="lateness of all but one in a hundred, against that of a bare timer",
            value=nearest_rank(late["postbell"], 99) / nearest_rank(late["bare"], 99),
            gate=2,
            less=True,
            runs=runs,
        ),
    ]
