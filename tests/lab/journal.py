"""What the far side writes down: the only witness that counts."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that happened at the far side."""

    #: "asked": a call to publish came; "accepted": a post became public; "repeated": a key that was had came
    #: again, and made nothing; "looked": somebody asked whether it is public.
    what: str
    account: str
    #: What names the delivery.
    key: str = ""
    text: str = ""
    #: What was done to the request.
    fault: str = ""
    #: Seconds since 1970.
    at: float = 0.0


@dataclass
class Journal:
    """A file to which lines are only ever added, each whole before the client can know of it."""

    path: Path
    _fd: int = field(init=False)

    def __post_init__(self) -> None:
        self._fd = os.open(self.path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def add(self, what: str, **more: Any) -> None:
        """Write down that something happened now."""
        line = json.dumps({"what": what, "at": time.time(), **more}, ensure_ascii=False)
        os.write(self._fd, line.encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


def read(path: Path) -> list[Entry]:
    """Return everything that was written down so far."""
    return [Entry(**json.loads(line)) for line in path.read_bytes().splitlines()] if path.exists() else []


def accepted(entries: list[Entry]) -> Counter[tuple[str, str]]:
    """Count how often each post became public on each account: (account, text)."""
    return Counter((entry.account, entry.text) for entry in entries if entry.what == "accepted")
