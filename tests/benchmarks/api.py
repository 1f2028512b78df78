"""How fast the HTTP API answers, and whether it and the sending of posts get in each other's way.

A list is compared with a bare route of the same server, which does nothing: what goes through the same wall,
the same look at the key and the same frame, on a thread as every route does (`routes/bare.py`).
"""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from benchmarks.asking import Asker
from benchmarks.drain import CONCURRENCY
from benchmarks.great import kept_home
from benchmarks.measuring import Figure, Options, median, nearest_rank
from benchmarks.planting import Wanted, connect, plant
from postbell.domain.access import Scope
from postbell.services.accounts.keys import add_key, revoke_key
from support.home import Home, make_home, served


_POSTS = 100_000
_BARE = "/api/v1/bare"
#: The latest of them have yet to be sent; those before 2030 have been published.
_LISTS = {
    "api_list": ("of what is to come", "/api/v1/posts"),
    "api_list_published": ("of what was published", "/api/v1/posts?until=2030-01-01T00:00:00Z"),
}

_DUE = 5_000
#: Seconds between two requests of a program that is there while posts are sent: lists, posts, and new drafts.
_PACE = 0.1
#: Seconds for which it asks before anything is due, and from the start of the daemon until then.
_QUIET, _BEGIN = 4.0, 10.0

Ask = Callable[[], float]


def run(options: Options) -> list[Figure]:
    """Measure both."""
    return [*_lists(options), *_beside(options)]


def _lists(options: Options) -> Iterator[Figure]:
    home = kept_home(options, _POSTS)
    paths = [_BARE, *(path for _told, path in _LISTS.values())]
    spans: dict[str, list[float]] = {path: [] for path in paths}
    with _asker(home) as asker:
        for turn in range(options.pick(600, 150) + 20):
            for path in paths:
                span = asker.ask(path)
                if turn >= 20:
                    spans[path].append(span)
    bare = median(spans[_BARE])
    for name, (told, path) in _LISTS.items():
        yield Figure(
            name=name,
            told=f"GET of 50 {told}, from {_POSTS:,} posts, against a bare route of the same server",
            value=median(spans[path]) / bare,
            gate=6,
            stretch=3.5,
            less=True,
            runs={"bare route, median ms": [bare], "list, median ms": [median(spans[path])]},
        )


def _beside(options: Options) -> Iterator[Figure]:
    alone: list[float] = []
    asked: list[float] = []
    quiet: list[float] = []
    busy: list[float] = []
    for _ in range(options.pick(5, 2)):
        alone.append(_drain(options))
        asked.append(_drain(options, quiet, busy))
    yield Figure(
        name="api_busy",
        told=f"HTTP API while {_DUE:,} posts are sent, against before: all but one answer in a hundred",
        value=nearest_rank(busy, 99) / nearest_rank(quiet, 99),
        gate=3,
        less=True,
        runs={"quiet, ms": quiet, "busy, ms": busy},
    )
    yield Figure(
        name="api_drain",
        told=f"posts a second while the HTTP API is asked {1 / _PACE:.0f} times a second, against alone",
        value=median(asked) / median(alone),
        gate=0.85,
        runs={"alone": alone, "asked": asked},
    )


def _drain(options: Options, quiet: list[float] | None = None, busy: list[float] | None = None) -> float:
    """Send what is due at a time, and return posts a second; ask before and meanwhile if that is wanted."""
    folder = options.folder / f"api-{next(_numbers)}"
    folder.mkdir()
    home = make_home(folder, f"[daemon]\nconcurrency = {CONCURRENCY}\n")
    sink = options.sink
    connect(home, sink.url)
    sink.reset()
    with home.app() as app:
        plant(app, Wanted(count=_DUE, begin=app.ctx.now() + timedelta(seconds=_BEGIN), step=0))
    with _asker(home) as asker:
        asks = _asks(asker)
        for _ in range(30):
            next(asks)()  # what is first used is made then
        if quiet is not None and busy is not None:
            until = time.monotonic() + _QUIET
            _ask_until(lambda: time.monotonic() > until, asks, quiet)
            sink.wait_for(1)
            _ask_until(lambda: sink.count() >= _DUE, asks, busy)
        sink.wait_for(_DUE)
        times = sink.times()
    shutil.rmtree(folder)
    warm = _DUE // 10
    return (_DUE - 1 - warm) / (times[-1] - times[warm])


def _ask_until(ends: Callable[[], bool], asks: Iterator[Ask], spans: list[float]) -> None:
    while not ends():
        begin = time.monotonic()
        spans.append(next(asks)())
        time.sleep(max(0.0, _PACE - (time.monotonic() - begin)))


def _asks(asker: Asker) -> Iterator[Ask]:
    draft = b'{"text": "Hello"}'
    made = asker.read("/api/v1/posts", draft)["id"]
    return itertools.cycle(
        [
            lambda: asker.ask("/api/v1/posts"),
            lambda: asker.ask(f"/api/v1/posts/{made}"),
            lambda: asker.ask("/api/v1/posts", draft),
        ]
    )


@contextmanager
def _asker(home: Home) -> Iterator[Asker]:
    """Run the daemon with its bare route, and connect to it."""
    home.program = ("-m", "benchmarks.serving")
    home.env |= {"POSTBELL_API__LISTEN": "127.0.0.1:0", "POSTBELL_API__REQUESTS_PER_MINUTE": "0"}
    home.env["PYTHONPATH"] = str(Path(__file__).parents[1])
    home.log.unlink(missing_ok=True)
    with home.app() as app:
        key, secret = add_key(app.ctx, name=f"bench-{time.time_ns()}", scopes=[Scope.ADMIN])
    with served(home) as at, Asker(at, secret) as asker:
        yield asker
    with home.app() as app:
        revoke_key(app.ctx, key.name)


_numbers = itertools.count()
