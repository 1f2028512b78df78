"""What a daemon with nothing to do costs, and whether it grows with what it has done."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.drain import postbell
from benchmarks.great import kept_home
from benchmarks.measuring import Figure, Options, pss_mb, thread_seconds, wakes


#: What Postbell is made of; a program that has done nothing else than import it has so much memory.
NAMED = ("apscheduler", "sqlmodel", "httpx", "pydantic_settings", "structlog", "pytest", "freezegun")
_FUTURE = 100_000


def run(options: Options) -> list[Figure]:
    """Let it rest, and let it work."""
    return [*_rest(options), _grow(options)]


def _rest(options: Options) -> list[Figure]:
    home = kept_home(options, _FUTURE * 2)  # of which half have been published
    with home.daemon():
        pass  # the first start reads all that was planted
    with _importing() as other, home.daemon() as process:
        time.sleep(130)  # by then what the start has written was copied out of the log, and that is empty
        woken, used, begin = wakes(process.pid), thread_seconds(process.pid), time.monotonic()
        time.sleep(options.pick(150, 60))
        span = time.monotonic() - begin
        woken, used = wakes(process.pid) - woken, thread_seconds(process.pid) - used
        memory = {"postbell MB": [pss_mb(process.pid)], "imports MB": [pss_mb(other)]}
    return [
        Figure(
            name="idle_wakes",
            told=f"wake-ups of all threads with {_FUTURE:,} posts to come",
            value=woken / span,
            unit="/s",
            gate=0.2,
            less=True,
        ),
        Figure(
            name="idle_cpu",
            told=f"CPU with {_FUTURE:,} posts to come",
            value=used / span * 100,
            unit="%",
            gate=0.02,
            less=True,
        ),
        Figure(
            name="memory",
            told=f"memory (PSS) against a program that imports {', '.join(NAMED)}",
            value=memory["postbell MB"][0] / memory["imports MB"][0],
            gate=1.0,
            less=True,
            runs=memory,
        ),
    ]


@contextmanager
def _importing() -> Iterator[int]:
    code = f"import {', '.join(NAMED)}\nprint(flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def _grow(options: Options) -> Figure:
    first, more = options.pick(5_000, 2_000), options.pick(100_000, 10_000)
    folder = options.folder / "growing"
    folder.mkdir()
    options.sink.reset()
    with postbell(folder, options.sink.url, first + more) as pid:
        options.sink.wait_for(first)
        memory = [pss_mb(pid)]
        for tenth in range(1, 11):
            options.sink.wait_for(first + more * tenth // 10, seconds=1800)
            memory.append(pss_mb(pid))
    return Figure(
        name="growth",
        told=f"growth of memory (PSS) over {more:,} published posts",
        value=(memory[-1] / memory[0] - 1) * 100,
        unit="%",
        gate=5,
        less=True,
        runs={"postbell MB": memory},
    )
