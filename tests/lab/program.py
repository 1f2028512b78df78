"""Postbell with the lab's networks beside its own, and told where to die.

`python -m lab.program WORDS…` is `postbell WORDS…`; with `--die-at POINT[:N] DATA_DIR CONFIG` it is
a daemon that kills itself with SIGKILL when it comes to a named point for the Nth time. After `--relaxed` it
does not wait until what it commits is on the disk: what Postbell must not do, for the lab to see. After
`--through ADDRESS` it sends every request there, which is told where it was meant to go.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import postbell.networks
from postbell.daemon import run_daemon
from postbell.settings import Places, Surroundings
from postbell.store import engine


_NETWORKS = str(Path(__file__).parent / "networks")


@contextmanager
def lab_networks() -> Iterator[None]:
    """Let the lab's networks be found by being there, until the block ends."""
    postbell.networks.__path__.append(_NETWORKS)
    try:
        yield
    finally:
        postbell.networks.__path__.remove(_NETWORKS)


def dying_at(point: str) -> Callable[[str], None]:
    """Return a checkpoint that ends the process at `POINT`, or at `POINT:N` at its Nth time there."""
    wanted, _, times = point.partition(":")
    left = int(times or 1)

    def checkpoint(name: str) -> None:
        nonlocal left
        left -= name == wanted
        if name == wanted and left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return checkpoint


def _relax() -> None:
    durable = "synchronous = FULL"
    assert durable in engine._PRAGMAS
    relaxed = ("synchronous = NORMAL" if pragma == durable else pragma for pragma in engine._PRAGMAS)
    engine._PRAGMAS = tuple(relaxed)  # type: ignore[assignment]


def _go_through(address: str) -> None:
    import httpx

    from postbell.publishing.web import http
    from postbell.publishing.web.transport import Connections
    from support.served import MEANT

    class Through(Connections):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            moved = httpx.Request(
                request.method,
                address,
                headers=[*request.headers.raw, (MEANT.encode(), str(request.url).encode())],
                stream=request.stream,
                extensions=request.extensions,
            )
            return await super().handle_async_request(moved)

    http.Connections = Through  # type: ignore[attr-defined]


def main(words: Sequence[str]) -> int:
    """Do what the words say; return the exit code."""
    with lab_networks():
        if words[0] == "--through":
            _go_through(words[1])
            words = words[2:]
        if words[0] == "--relaxed":
            _relax()
            words = words[1:]
        if words[0] != "--die-at":
            from postbell.__main__ import main

            return main(words)
        _, point, data_dir, config = words
        places = Places(data_dir=Path(data_dir), config=Path(config))
        run_daemon(places, Surroundings(), checkpoint=dying_at(point))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
