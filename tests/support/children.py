"""Child processes of the tests: started in a group of their own, so that no grandchild outlives them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


class ServerFailed(AssertionError):
    """A real server did not start, or did not take what it was given; the message names its log."""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def child(
    command: Sequence[str | Path],
    log: Path,
    *,
    ready: Callable[[], bool],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    seconds: float = 60,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; all that it prints goes to `log`.

    Waits up to `seconds` until `ready` answers true. Raises ServerFailed where it never does.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,
        )
    try:
        _wait_until(ready, process, log, seconds)
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes], *, patience: float = 10) -> None:
    """End a process that was started with start_new_session, and everything that it started."""
    _signal(process, signal.SIGTERM)
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    finally:
        _signal(process, signal.SIGKILL)  # its children may be deaf, or busy
        process.wait()


def run(command: Sequence[str | Path], log: Path, *, env: Mapping[str, str] | None = None) -> None:
    """Run a step to its end; all that it prints goes to `log`. Raises ServerFailed where it fails."""
    with log.open("wb") as output:
        done = subprocess.run(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            check=False,
        )
    if done.returncode:
        raise ServerFailed(f"{command[0]} ended with {done.returncode}. {_tail(log)}")


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _wait_until(
    ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, seconds: float
) -> None:
    until = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None:
            raise ServerFailed(f"{process.args!r} ended with {process.returncode}. {_tail(log)}")
        if time.monotonic() > until:
            raise ServerFailed(f"{process.args!r} was not ready after {seconds:.0f} s. {_tail(log)}")
        time.sleep(0.05)


def _tail(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").splitlines()[-15:]
    return "\n".join([f"Its log is {log}; the end of it:", *lines])
