"""The far side as a test sees it: started, told what to do, and asked what it counted."""

from __future__ import annotations

import http.client
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import journal
from lab.faults import Plan
from lab.journal import Entry
from support.children import child


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running far side."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}"

    def plan(self, plan: Plan) -> None:
        """Let this happen to requests from now on; what was held goes on."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("PUT", "/plan", plan.to_json())
        assert connection.getresponse().status == 204
        connection.close()

    def entries(self) -> list[Entry]:
        """Return everything that happened so far, in its order."""
        return journal.read(self.folder / "journal")

    def accepted(self) -> Counter[tuple[str, str]]:
        """Count how often each post became public on each account: (account, text)."""
        return journal.accepted(self.entries())

    def count(self, what: str) -> int:
        """Count what happened: "asked", "accepted", "repeated" or "looked"."""
        return sum(entry.what == what for entry in self.entries())

    def wait_for(self, what: Callable[[list[Entry]], bool], seconds: float = 30) -> None:
        """Wait until something is so of what happened."""
        until = time.monotonic() + seconds
        while not what(entries := self.entries()):
            assert time.monotonic() < until, f"not in {seconds} s: {entries[-10:]}"
            time.sleep(0.02)


@contextmanager
def far_side(folder: Path, plan: Plan | None = None, *, port: int = 0) -> Iterator[Server]:
    """Run a far side until the block ends; what the journal in its folder says is public already.

    It listens at a free port, if none is named.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = folder / "port"
    found.unlink(missing_ok=True)
    command = [sys.executable, "-m", "lab.far_side", str(folder), str(port)]
    with child(command, folder / "log", ready=found.exists):
        server = Server(folder=folder, port=int(found.read_text()))
        if plan:
            server.plan(plan)
        yield server
