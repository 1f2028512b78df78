"""Power cuts: what the disk holds at each moment of a run, and what had left for the network by then.

After each sync of a file its content is kept. At a power cut a file holds what it held at its last sync, and
any of what was written since. So between two syncs two disks are looked at: the one on which nothing of what
came later has arrived, and one on which some of it has, sector by sector as chance will have it.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


_SHIM = Path(__file__).with_name("shim.c")
#: What is written whole or not at all.
_SECTOR = 512


def build_shim(folder: Path) -> Path:
    """Compile what watches a process, and return the library."""
    library = folder / "shim.so"
    command = ["gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(_SHIM), "-ldl", "-lpthread"]
    subprocess.run(command, check=True)
    return library


def watched(data_dir: Path, notes: Path) -> dict[str, str]:
    """Return what tells a process into which the shim was loaded to write down its syncs and sends."""
    notes.mkdir(exist_ok=True)
    return {"LAB_WATCH": str(data_dir), "LAB_NOTES": str(notes)}


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that a watched process did."""

    #: "sync", "send" or "said".
    what: str
    #: The first of the bytes that were sent or said.
    data: bytes = b""
    #: The file that was synced, and a copy of it.
    path: Path = Path()
    image: Path = Path()


def read_events(notes: Path) -> list[Event]:
    """Return what the watched processes did, in its order."""
    events = []
    for line in (notes / "log").read_text("ascii").splitlines():
        what, first, second = line.split(" ", 2)
        if what == "sync":
            events.append(Event(what=what, image=notes / first, path=Path(second)))
        else:
            events.append(Event(what=what, data=bytes.fromhex(second)))
    return events


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A power cut right before the next sync was done."""

    #: The files as they are found afterwards.
    folder: Path
    #: All that had happened by then, and the sync that was under way.
    before: list[Event]


@dataclass(kw_only=True)
class Disk:
    """The files of a folder as the disk has them."""

    #: The folder that the processes worked in, and a copy of it from before they began, which is all synced.
    data_dir: Path
    first: Path
    events: list[Event]
    rng: random.Random
    _synced: dict[str, Path] = field(default_factory=dict)

    def cuts(self, scratch: Path) -> Iterator[Cut]:
        """Cut the power before each sync, and after the last: once cleanly, once with torn files.

        The folder of a cut is gone when the next one is asked for.
        """
        places = [place for place, event in enumerate(self.events) if event.what == "sync"]
        for place in [*places, len(self.events)]:
            coming = {}
            if place < len(self.events):
                event = self.events[place]
                coming = {str(event.path.relative_to(self.data_dir)): event.image}
            for arriving in ({}, coming) if coming else ({},):
                folder = scratch / "cut"
                self._lay_out(folder, arriving)
                yield Cut(folder=folder, before=self.events[:place])
                shutil.rmtree(folder)
            self._synced |= coming

    def _lay_out(self, folder: Path, arriving: dict[str, Path]) -> None:
        shutil.copytree(self.first, folder)
        for name in {**self._synced, **arriving}:
            old = self._synced.get(name) or self.first / name
            had = old.read_bytes() if old.exists() else b""
            new = arriving[name].read_bytes() if name in arriving else had
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(self._torn(had, new))

    def _torn(self, old: bytes, new: bytes) -> bytes:
        """Return the old content, with some sectors of the new; what was never written there is zeros."""
        if old == new:
            return old
        size = self.rng.choice((len(old), len(new)))
        sectors = []
        for at in range(0, max(len(old), len(new)), _SECTOR):
            of = new if self.rng.random() < 0.5 else old
            sectors.append(of[at : at + _SECTOR].ljust(_SECTOR, b"\0"))
        return b"".join(sectors)[:size]


def published_keys(events: list[Event], keys: set[str]) -> list[str]:
    """Return the keys in the calls to publish that had begun to leave, in their order."""
    found = []
    for event in events:
        if event.what == "send" and event.data.startswith((b"POST ", b"PUT ")):
            words = set(re.findall(rb"[a-z0-9]{20}", event.data))
            found += [key for key in keys if key.encode() in words]
    return found
