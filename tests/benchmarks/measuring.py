"""What all benchmarks share: figures with their gates, processes and what they cost."""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchmarks.sink import Sink


_TICKS = os.sysconf("SC_CLK_TCK")

Verdict = Literal["stretch", "met", "missed", "told"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How thoroughly to measure, and with what."""

    #: Fewer posts and runs.
    quick: bool
    sink: Sink
    #: For databases; removed at the end.
    folder: Path
    #: For what takes long to plant; kept for the next run.
    kept: Path

    def pick(self, whole: int, quick: int) -> int:
        """Return how many of something to take."""
        return quick if self.quick else whole


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One thing that was measured, and what was promised of it."""

    name: str
    #: What the figure says, in words.
    told: str
    value: float
    unit: str = "x"
    #: What it has to reach, and what it would like to; None where it is only told.
    gate: float | None = None
    stretch: float | None = None
    #: Whether less is better.
    less: bool = False
    #: What the single runs gave, by name.
    runs: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """Return how it compares with what was promised."""
        if self.gate is None:
            return "told"
        if self.stretch is not None and self._reaches(self.stretch):
            return "stretch"
        return "met" if self._reaches(self.gate) else "missed"

    def _reaches(self, bound: float) -> bool:
        return self.value <= bound if self.less else self.value >= bound


def median(values: Sequence[float]) -> float:
    """Return the value in the middle."""
    return statistics.median(values)


def nearest_rank(values: Sequence[float], percent: float) -> float:
    """Return the value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(len(ordered) * percent / 100) - 1))]


def thread_seconds(pid: int) -> float:
    """Return the CPU that the living threads of a process have used, to the microsecond."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text("ascii").split()[0]) for task in tasks) / 1e9


def cpu_seconds(pid: int) -> float:
    """Return the CPU that a process has used, in user and system mode, with its children."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(") ")[2].split()
    own = sum(map(int, fields[11:15])) / _TICKS  # utime, stime, and those of the children that have ended
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return own + sum(cpu_seconds(int(child)) for child in children)


def wakes(pid: int) -> int:
    """Return how often the threads of a process were woken: each time they had waited for something."""
    count = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        lines = (task / "status").read_text("ascii").splitlines()
        # The others, "nonvoluntary", are those in which another process took the CPU away.
        count += next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))
    return count


def pss_mb(pid: int) -> float:
    """Return the memory of a process in MB, its share of what it shares with others."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000


@contextmanager
def running(*command: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a program that prints `ready` and waits for a line, until the block ends."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=cwd)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        if said != "ready\n":
            raise RuntimeError(f"{command[2]} was not ready: {said!r}")
        yield process
    finally:
        process.kill()
        process.communicate()


def go(process: subprocess.Popen[str]) -> None:
    """Let a program begin that has said that it is ready."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
