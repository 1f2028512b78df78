"""A whole Postbell in a folder: the installed program, its daemon as a process, its database."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from postbell.app import App, open_app
from postbell.domain.post import Post
from postbell.domain.when import When, parse_when
from postbell.services.accounts import accounts
from postbell.services.posts.compose import add_post, load_post
from postbell.services.posts.wanted import Wanted
from postbell.services.upkeep import upkeep
from postbell.settings import Places
from support.children import end


#: In the environment of every daemon: what is late, or tried again, is sent as fast as it can be.
HURRIED = {"POSTBELL_RETRY__CATCH_UP_SECONDS": "0", "POSTBELL_RETRY__MOST_PER_MINUTE": "1000000"}


@dataclass
class Home:
    """One data folder with its configuration."""

    places: Places
    #: Everything that its daemons printed.
    log: Path
    env: dict[str, str] = field(default_factory=dict)
    #: What Python is told to run.
    program: tuple[str, ...] = ("-m", "postbell")

    @property
    def options(self) -> list[str]:
        """What tells the command line to work here."""
        return ["--data-dir", str(self.places.data_dir), "--config", str(self.places.config)]

    @contextmanager
    def app(self) -> Iterator[App]:
        """Open the parts, as a command does."""
        app = open_app(self.places)
        try:
            yield app
        finally:
            app.close()

    def connect(self, network: str, name: str, values: Mapping[str, str], server: str | None = None) -> None:
        """Add an account without asking its network."""
        with self.app() as app:
            accounts.add_account(
                app.ctx, network=network, name=name, server=server, values=values, verify=False
            )

    def add(self, text: str, to: str, when: str = "now") -> str:
        """Schedule a post for some accounts (`ann,bob`) and return its id."""
        with self.app() as app:
            return add_post(
                app.ctx, Wanted(text=text, to=tuple(to.split(",")), when=self.when(app, when))
            ).post.id

    def when(self, app: App, text: str) -> When:
        """Read a time."""
        return parse_when(text, now=app.ctx.now(), zone=app.ctx.zone)

    def post(self, post_id: str) -> Post:
        """Read a post."""
        with self.app() as app:
            return load_post(app.ctx, post_id)

    def states(self) -> dict[str, int]:
        """Count the deliveries by state."""
        with closing(sqlite3.connect(self.places.database)) as database:
            return dict(database.execute("SELECT state, count(*) FROM delivery GROUP BY state"))

    def wait_for(self, what: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until something is so; fails with the end of the log."""
        until = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < until, f"not in {seconds} s: {self.states()}\n{self.tail()}"
            time.sleep(0.02)

    def tail(self) -> str:
        """The end of what the daemons printed."""
        return (
            "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-15:]) if self.log.exists() else ""
        )

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start the daemon, or another command, as a process of its own; what it prints goes to the log."""
        words = command or (*self.program, *self.options, "run")
        env = {**os.environ, "PYTHONUNBUFFERED": "1", **HURRIED, **self.env}
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, *words], stdout=output, stderr=output, env=env, start_new_session=True
            )

    @contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run the daemon until the block ends, however it ends."""
        before = self.log.stat().st_size if self.log.exists() else 0
        process = self.start()
        try:
            self.wait_for(
                lambda: b"daemon_started" in self.log.read_bytes()[before:] or process.poll() is not None
            )
            yield process
        finally:
            end(process)

    def crash_at(self, point: str) -> None:
        """Run a daemon that kills itself at a point, and wait for that; at `point:3` the third time."""
        process = self.start(
            "-m", "lab.program", "--die-at", point, str(self.places.data_dir), str(self.places.config)
        )
        assert process.wait(30) == -signal.SIGKILL, self.tail()

    def sound(self) -> bool:
        """Whether SQLite finds nothing wrong with the database."""
        with closing(sqlite3.connect(self.places.database)) as database:
            found = database.execute("PRAGMA integrity_check").fetchall()
            return found == [("ok",)] and not database.execute("PRAGMA foreign_key_check").fetchall()


def make_home(folder: Path, config: str = "") -> Home:
    """Make a Postbell in a folder."""
    places = Places(data_dir=folder / "data", config=folder / "config.toml")
    upkeep.make_places(places, config)
    return Home(places=places, log=folder / "daemon.log")


def said(home: Home, event: str) -> dict[str, Any] | None:
    """Return the first line of the log that tells of an event."""
    lines = home.log.read_text("utf-8").splitlines() if home.log.exists() else []
    found: list[dict[str, Any]] = [json.loads(line) for line in lines if line.startswith("{")]
    return next((line for line in found if line["event"] == event), None)


@contextmanager
def served(home: Home) -> Iterator[str]:
    """Run the daemon; yield where it answers programs (`POSTBELL_API__LISTEN` in its environment says)."""
    with home.daemon():
        home.wait_for(lambda: said(home, "api_opened") is not None)
        told = said(home, "api_opened")
        assert told
        yield told["at"]
