"""Daemons by the hundred: the program is loaded once, and each life is a process forked from it.

`python -m lab.nursery` reads words and an environment as JSON in one line, runs `lab.program` with them in a
fresh process, and says its process id, and then how it ended. What it prints goes to the error output.

A start from the shell takes a second, nearly all of it for imports, in which there is nothing to lose.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.harness import LabHome, fast_clock
from support.children import end
from support.home import HURRIED


#: What a daemon imports by the time that it publishes.
_LOADED = (
    *("postbell.cli.entry", "postbell.daemon", "postbell.cli.daemon", "postbell.publishing.web.http"),
    *("postbell.networks.webhook", "lab.program", "lab.dialect"),
)


@dataclass(frozen=True, kw_only=True)
class Life:
    """One process out of the nursery."""

    pid: int
    _nursery: subprocess.Popen[bytes]

    def signal(self, number: int) -> None:
        """Send it a signal; it must not have been waited for."""
        os.kill(self.pid, number)

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""
        return Path(f"/proc/{self.pid}").exists()

    def wait(self) -> int:
        """Wait until it has ended; return how, as `subprocess` says it."""
        return int(_line(self._nursery))


@dataclass(frozen=True, kw_only=True)
class Nursery:
    """Starts one life after the other: each must be waited for before the next begins."""

    process: subprocess.Popen[bytes]
    #: What its clock, and that of every life, shows: at an instant of the true time (seconds since 1970) it
    #: showed that, and it goes so many times as fast.
    clock: tuple[float, float, float]
    #: The libraries that were put before all others.
    preload: Sequence[Path]

    def start(self, *words: str, env: Mapping[str, str] | None = None) -> Life:
        """Run `lab.program` with these words, and more environment, in a process of its own."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps([words, env or {}]).encode() + b"\n")
        self.process.stdin.flush()
        return Life(pid=int(_line(self.process)), _nursery=self.process)

    @contextmanager
    def daemon(self, home: LabHome) -> Iterator[Life]:
        """Run the daemon of a home until the block ends; it must then end as a daemon should.

        One that has only begun to start may end by the signal itself.
        """
        life = self.start(*home.options, "run")
        try:
            yield life
        except BaseException:
            life.signal(signal.SIGKILL)
            life.wait()
            raise
        life.signal(signal.SIGTERM)
        assert life.wait() in (0, -signal.SIGTERM), home.tail()


@contextmanager
def nursery(
    log: Path, *, speed: float = 1, preload: Sequence[Path] = (), catch_up: float = 0
) -> Iterator[Nursery]:
    """Open a nursery until the block ends; everything that its lives print goes to `log`.

    For them all time passes `speed` times as fast, and it goes on from one to the next. `preload` are
    libraries that the linker puts before all others. What is late is sent `catch_up` seconds apart.
    """
    changed = {**HURRIED, **(fast_clock(speed) if speed != 1 else {})}
    changed["POSTBELL_RETRY__CATCH_UP_SECONDS"] = str(catch_up)
    changed["LD_PRELOAD"] = ":".join([changed.get("LD_PRELOAD", ""), *map(str, preload)]).strip(":")
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "lab.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            env={**os.environ, **changed},
            start_new_session=True,
        )
    try:
        shown = float(_line(process))
        yield Nursery(process=process, clock=(time.time(), shown, speed), preload=preload)
    finally:
        end(process)
        for pipe in (process.stdin, process.stdout):
            assert pipe
            pipe.close()


def _line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout
    line: bytes = process.stdout.readline()
    assert line, f"the nursery has ended with {process.poll()}; see its log"
    return line


def _serve() -> None:
    for name in _LOADED:
        importlib.import_module(name)
    gc.freeze()  # what was loaded is nobody's garbage, and stays shared
    _say(time.time())
    for line in sys.stdin.buffer:
        pid = os.fork()
        if pid == 0:
            _live(*json.loads(line))
        _say(pid)
        _, status = os.waitpid(pid, 0)
        _say(os.waitstatus_to_exitcode(status))


def _live(words: list[str], env: dict[str, str]) -> None:
    from lab.program import main

    os.environ.update(env)
    os.close(0)
    os.dup2(2, 1)
    code = 1
    try:
        code = main(words)
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException:  # noqa: BLE001 - what is not caught here would go on as a second nursery
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _say(number: float) -> None:
    os.write(1, f"{number}\n".encode())


if __name__ == "__main__":
    _serve()
