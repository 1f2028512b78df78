"""How fast what is due is sent, beside the bare client and beside what else one could use.

Every subject posts the same bytes to the same sink. A rate is taken at the sink, from its tenth part on, so
that nobody's start counts; what a post costs in CPU likewise. Each gets its turn before anybody has a second.
"""

from __future__ import annotations

import itertools
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measuring import Figure, Options, cpu_seconds, go, median, running
from benchmarks.planting import connect, plant_due
from support.home import make_home


CONCURRENCY = 50
_TESTS = Path(__file__).parents[1]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Something that sends what is due."""

    name: str
    #: Starts it with so many due posts: given a folder, the URL and how many; gives the process id.
    begin: Callable[[Path, str, int], AbstractContextManager[int]]
    #: So many posts it is given, as a part of all: what is slow need not send so many.
    part: float = 1.0


@dataclass
class Found:
    """What the runs of a subject gave."""

    #: Posts a second.
    rates: list[float] = field(default_factory=list)
    #: Milliseconds of CPU for each post.
    cpu: list[float] = field(default_factory=list)


@contextmanager
def postbell(folder: Path, url: str, count: int) -> Iterator[int]:
    """Run the daemon; afterwards every post has been recorded as published, and was sent once."""
    home = make_home(folder, f"[daemon]\nconcurrency = {CONCURRENCY}\n")
    connect(home, url)
    plant_due(home, count)
    process = home.start()
    try:
        yield process.pid
        home.wait_for(lambda: home.states() == {"processed": count}, seconds=30)
    finally:
        process.terminate()
        process.wait()


def peer(script: str, *more: str) -> Callable[[Path, str, int], AbstractContextManager[int]]:
    """Return what runs one of the peers."""

    @contextmanager
    def begin(folder: Path, url: str, count: int) -> Iterator[int]:
        command = (sys.executable, "-m", f"benchmarks.peers.{script}", str(folder), url, str(count), *more)
        with running(*command, cwd=_TESTS) as process:
            go(process)
            yield process.pid

    return begin


POSTBELL = Subject(name="postbell", begin=postbell)
RAW = Subject(name="its HTTP client alone", begin=peer("raw", str(CONCURRENCY)))
RAW_HTTPX = Subject(name="httpx alone, a client each", begin=peer("raw_httpx", str(CONCURRENCY)))
HUEY = Subject(name="huey, 1 thread, fsync off", begin=peer("huey_sqlite", "1", "off"))
HUEY_FSYNC = Subject(name="huey, 1 thread, fsync on", begin=peer("huey_sqlite", "1", "fsync"))
APSCHEDULER = Subject(
    name="APScheduler's SQLAlchemy store, SQLite's default FULL", begin=peer("apscheduler_store"), part=0.2
)
NAIVE = Subject(
    name="an AsyncIOScheduler with one httpx client, nothing durable", begin=peer("naive"), part=0.2
)


def take_turns(
    options: Options, subjects: Sequence[Subject], *, count: int, rounds: int, delay: float = 0
) -> Mapping[str, Found]:
    """Let the subjects send what is due, one after another, so many times."""
    found = {subject.name: Found() for subject in subjects}
    for number in range(rounds):
        for subject in subjects if number % 2 == 0 else reversed(subjects):
            folder = options.folder / f"drain-{next(_numbers)}"
            folder.mkdir()
            rate, cpu = _drain(options, subject, folder, int(count * subject.part), delay)
            found[subject.name].rates.append(rate)
            found[subject.name].cpu.append(cpu)
            shutil.rmtree(folder)
    return found


_numbers = itertools.count()


def _drain(options: Options, subject: Subject, folder: Path, count: int, delay: float) -> tuple[float, float]:
    warm = count // 10
    sink = options.sink
    sink.reset(delay=delay)
    with subject.begin(folder, sink.url, count) as pid:
        sink.wait_for(warm)
        used, since = cpu_seconds(pid), sink.count()
        sink.wait_for(count)
        used = cpu_seconds(pid) - used
        times = sink.times()
    if (came := sink.count()) != count:
        raise RuntimeError(f"{subject.name} sent {came} requests for {count} posts")
    rate = (count - 1 - warm) / (times[-1] - times[warm])
    return rate, used * 1000 / (count - since)


def run(options: Options) -> list[Figure]:
    """Measure everybody at the same sink, which answers at once."""
    count, rounds = options.pick(5000, 2000), options.pick(5, 2)
    subjects = (RAW, RAW_HTTPX, POSTBELL, HUEY, HUEY_FSYNC, APSCHEDULER, NAIVE)
    found = take_turns(options, subjects, count=count, rounds=rounds)
    ours = found[POSTBELL.name]

    def against(other: Subject, name: str, gate: float | None, stretch: float | None) -> Figure:
        theirs = found[other.name]
        return Figure(
            name=name,
            told=f"posts a second against {other.name}",
            value=median(ours.rates) / median(theirs.rates),
            gate=gate,
            stretch=stretch,
            runs={POSTBELL.name: ours.rates, other.name: theirs.rates},
        )

    return [
        against(RAW, "drain_raw", 0.7, 0.9),
        against(RAW_HTTPX, "drain_httpx", None, None),
        against(HUEY, "drain_huey", 1.0, 1.5),
        against(HUEY_FSYNC, "drain_huey_fsync", 1.5, 2.5),
        against(APSCHEDULER, "drain_apscheduler", 15, 30),
        against(NAIVE, "drain_naive", None, None),
        Figure(
            name="cpu_huey",
            told=f"CPU for each post against {HUEY.name}",
            value=median(ours.cpu) / median(found[HUEY.name].cpu),
            gate=1.0,
            stretch=0.6,
            less=True,
            runs={name: each.cpu for name, each in found.items()},
        ),
    ]
