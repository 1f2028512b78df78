"""A Postbell in the lab: its accounts are at the lab's far side, its clock and its files can be moved."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from lab.program import lab_networks
from lab.server import Server
from postbell.app import App
from postbell.services.accounts import accounts
from postbell.services.posts.actions import Verdict, settle
from postbell.services.posts.compose import load_post
from support.children import end
from support.home import Home, make_home


#: The libraries of Debian's package faketime, and where other systems keep them.
_FAKETIME = (
    Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"),
    Path("/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"),
)


@dataclass
class LabHome(Home):
    """A data folder whose programs know the lab's networks."""

    program: tuple[str, ...] = ("-m", "lab.program")

    @contextmanager
    def app(self) -> Iterator[App]:
        """Open the parts, as a command does that knows the lab's networks."""
        with lab_networks(), super().app() as app:
            yield app

    def join(self, server: Server, network: str, name: str) -> None:
        """Add an account at the far side: of the lab's networks, or a webhook."""
        if network == "webhook":
            self.connect("webhook", name, {"url": f"{server.url}/hook/{name}"})
            return
        with self.app() as app:
            accounts.add_account(
                app.ctx, network=network, name=name, server=server.url, values={}, verify=False
            )

    def run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end."""
        process = self.start(*self.program, *self.options, *words)
        try:
            return subprocess.CompletedProcess(process.args, process.wait(60))
        finally:
            end(process)

    def settle(self, post_id: str, account: str, *, public: bool) -> None:
        """Say what a person has seen at the network about an unsure delivery."""
        with self.app() as app:
            verdict = Verdict.PUBLISHED if public else Verdict.RESEND
            settle(app.ctx, load_post(app.ctx, post_id), verdict, account=account)

    def ask(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read something from the database, without the program's code."""
        with closing(sqlite3.connect(self.places.database)) as database:
            return database.execute(sql, values).fetchall()


def make_lab_home(folder: Path, config: str = "") -> LabHome:
    """Make a Postbell in a folder, which must be there."""
    home = make_home(folder, config)
    return LabHome(places=home.places, log=home.log)


def fast_clock(speed: float) -> dict[str, str]:
    """Return the environment of a process for which all time passes `speed` times as fast, from now on.

    Its clocks go on from there in whatever it forks.
    """
    return {"LD_PRELOAD": _faketime(), "FAKETIME": f"+0 x{speed}"}


def clock_ahead(by: timedelta) -> dict[str, str]:
    """Return the environment of a process whose clocks are all ahead of the true time by so much."""
    return {"LD_PRELOAD": _faketime(), "FAKETIME": f"{by.total_seconds():+.0f}"}


@dataclass(frozen=True, kw_only=True)
class WallClock:
    """A wall clock that can be moved while its processes run; what measures spans goes on undisturbed."""

    file: Path

    @property
    def env(self) -> dict[str, str]:
        """The environment of the processes that go by it."""
        return {
            "LD_PRELOAD": _faketime(),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, ahead: timedelta) -> None:
        """Let it be ahead of the true time by so much, or behind it."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{ahead.total_seconds():+.3f}\n")
        new.rename(self.file)


def wall_clock(folder: Path) -> WallClock:
    """Make a clock that shows the true time until it is set."""
    clock = WallClock(file=folder / "clock")
    clock.set(timedelta())
    return clock


def _faketime() -> str:
    found = next((path for path in _FAKETIME if path.exists()), None)
    assert found, "libfaketime is not installed: apt-get install faketime"
    return str(found)
