"""`postbell run`."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from postbell.cli.common import State, pass_state


#: How often Python looks for garbage unless told otherwise: what runs for weeks makes some.
_USUAL = (5_000, 10, 10)


@click.command()
@click.option("--no-http", is_flag=True, help="Do not answer the HTTP API, whatever `api.listen` says.")
@pass_state
def run(state: State, *, no_http: bool) -> None:
    """Publish what is due, until the process is told to stop.

    SIGTERM lets what is being sent end; SIGHUP reads the configuration again. One daemon is enough for a
    database: a second one says who holds it and exits with 75.
    """
    # httpx takes it for a command line of its own, structlog for tracebacks: four megabytes for nothing.
    with _unseen("rich", "pygments"):
        for name in ("structlog", "httpx"):
            importlib.import_module(name)
    from postbell.daemon import run_daemon

    gc.set_threshold(*_USUAL)
    gc.collect()
    gc.freeze()  # what was imported is not looked through again and again
    run_daemon(state.places, state.surroundings, serves=not no_http)


@contextmanager
def _unseen(*names: str) -> Iterator[None]:
    """Let packages seem not to be installed until the block ends, to those that can do without them."""
    there = {name: sys.modules[name] for name in names if name in sys.modules}
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
        sys.modules.update(there)
