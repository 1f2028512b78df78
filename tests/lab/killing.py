"""The kill loop: a daemon that is killed again and again, at random moments, while its networks misbehave.

In the folder `tests`, `python -m lab.killing --kills 1000 --deliveries 20000` prints its figures as text, and
with --json FILE writes them as JSON; it ends with 1 where a promise was broken. Of its networks some can be
asked before a repeat, to some a repeat is harmless, and of some nobody can know anything.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from lab.faults import LIMITS, LOST, VANISHED, Plan
from lab.harness import LabHome, make_lab_home
from lab.nursery import Nursery, nursery
from lab.program import lab_networks
from lab.reckoning import Figures, reckon
from lab.server import Server, far_side
from postbell.app import App, build_app
from postbell.clock import SystemClock
from postbell.domain.states import DeliveryState
from postbell.services.posts.actions import Verdict, retry, settle
from postbell.services.posts.compose import add_post, load_post
from postbell.services.posts.wanted import Wanted
from postbell.settings import load_settings


#: For the daemon time passes so many times as fast: its waits after a lost answer last for minutes.
SPEED = 10
#: How many accounts each network has: (key, accounts).
ACCOUNTS = {"lab_asked": 8, "lab_steps": 4, "lab_named": 4, "webhook": 4, "lab_blind": 4}
_CONFIG = """timezone = "UTC"
[daemon]
concurrency = 12
[retry]
first_wait_seconds = 1
longest_wait_seconds = 20
[http]
deadline_seconds = 10
"""
#: What happens to how many requests in a hundred.
MIX = {
    **dict.fromkeys(LOST, 1.2),
    **dict.fromkeys(VANISHED, 0.6),
    **dict.fromkeys(LIMITS, 1.0),
    "503": 2.0,
    "late": 0.5,
}
#: What three kills in a row have met is left alone from then on, as if it were the cause.
_HELD = "d.message LIKE 'Postbell ended % times in a row%'"
_LEFT_TO_THE_USER = f"d.state = 'unsure' AND (a.network = 'lab_blind' OR {_HELD})"
_DELIVERIES = "FROM delivery d JOIN account a ON a.id = d.account_id"
_OPEN = f"SELECT d.id {_DELIVERIES} WHERE d.state IN ('scheduled', 'processing', 'unsure')"
_FOR_THE_USER = f"""
SELECT d.post_id, a.name, d.key, d.state, a.network {_DELIVERIES}
WHERE d.state = 'unsure' OR d.result = 'failed' AND {_HELD}
"""
_LOOK_UPS = {"close": 3.0, "500": 3.0, "limit-seconds": 2.0, "delay": 1.0}


@dataclass(frozen=True, kw_only=True)
class _FastClock(SystemClock):
    """The clock of the nursery, read from outside."""

    began: tuple[float, float, float]

    def now(self) -> datetime:
        """Return what it shows now."""
        real, shown, speed = self.began
        return datetime.fromtimestamp(shown + (time.time() - real) * speed, UTC)


@dataclass(kw_only=True)
class Killing:
    """One kill loop."""

    home: LabHome
    server: Server
    nest: Nursery
    kills: int
    deliveries: int
    rng: random.Random
    tell: Callable[[str], None] = lambda _line: None
    #: For each kill: how many deliveries were under way, as a copy of the files says.
    under_way: list[int] = field(default_factory=list)
    #: What a user had to settle, by network.
    by_hand: Counter[str] = field(default_factory=Counter)
    #: How long a life took until its first request, lately.
    _start: float = 0.5

    def run(self) -> Figures:
        """Kill, let the last life finish, settle what only a human can, and count."""
        began = time.monotonic()
        names = [f"{network}-{n}" for network, count in ACCOUNTS.items() for n in range(count)]
        for name in names:
            self.home.join(self.server, name.partition("-")[0], name)
        clock = self.nest.clock
        self.server.plan(
            Plan(mix=MIX, look_ups=_LOOK_UPS, latency=(0.0, 0.08), delay=2.0, limit=30.0, clock=clock)
        )
        for number in range(self.kills):
            self._live_and_die(number, self._share(number), names)
            if number % 50 == 49:
                self.tell(
                    f"{number + 1} kills, {self.server.count('accepted')} accepted, {self.home.states()}"
                )
        self.server.plan(Plan())
        self._finish()
        return reckon(
            self.home,
            self.server.entries(),
            under_way=self.under_way,
            by_hand=self.by_hand,
            seconds=time.monotonic() - began,
        )

    def _share(self, number: int) -> int:
        """Return how many posts, for two accounts each, are added in a life: all of them in all lives."""
        posts = self.deliveries // 2
        return posts * (number + 1) // self.kills - posts * number // self.kills

    def _live_and_die(self, number: int, count: int, names: list[str]) -> None:
        before, began = self._journal_size(), time.monotonic()
        life = self.nest.start(*self.home.options, "run")
        early = self.rng.random() < 0.1
        if early:
            time.sleep(self.rng.uniform(0, self._start))
        self._add(number, count, names)
        if not early:
            while self._journal_size() == before and time.monotonic() < began + 5:
                time.sleep(0.003)
            self._start = 0.8 * self._start + 0.2 * (time.monotonic() - began)
            time.sleep(self.rng.uniform(0, 0.3))
        life.signal(signal.SIGKILL)
        assert life.wait() == -signal.SIGKILL, self.home.tail()
        self.under_way.append(self._look_at_a_copy(thoroughly=number % 50 == 0))

    def _add(self, number: int, count: int, names: list[str]) -> None:
        """Schedule posts as commands do, while the daemon lives."""
        with self._app() as app:
            for n in range(count):
                when = self.home.when(app, f"in {self.rng.randrange(1, 30)} s" if n % 2 else "now")
                to = tuple(self.rng.sample(names, 2))
                add_post(app.ctx, Wanted(text=f"post {number}.{n}", to=to, when=when))

    @contextmanager
    def _app(self) -> Iterator[App]:
        clock = _FastClock(began=self.nest.clock)
        with lab_networks():
            app = build_app(self.home.places, load_settings(self.home.places.config), clock=clock)
            try:
                yield app
            finally:
                app.close()

    def _journal_size(self) -> int:
        return (self.server.folder / "journal").stat().st_size

    def _look_at_a_copy(self, *, thoroughly: bool) -> int:
        """Count what is under way, in a copy: to open the files would spare the next life its recovery."""
        with tempfile.TemporaryDirectory() as folder:
            for path in self.home.places.data_dir.glob("postbell.db*"):
                if not path.name.endswith("-shm"):
                    shutil.copy(path, folder)
            with closing(sqlite3.connect(Path(folder) / "postbell.db")) as copy:
                if thoroughly:
                    assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                counted = "SELECT count(*) FROM delivery WHERE state = 'processing'"
                return int(copy.execute(counted).fetchone()[0])

    def _finish(self) -> None:
        """Let one more life settle everything that it can, and then do what a user does."""
        life = self.nest.start(*self.home.options, "run")
        self._wait(lambda: not self.home.ask(f"{_OPEN} AND NOT ({_LEFT_TO_THE_USER})"))
        public = {(each.account, each.key) for each in self.server.entries() if each.what == "accepted"}
        for post_id, account, key, state, network in self.home.ask(_FOR_THE_USER):
            self.by_hand[network] += 1
            with self._app() as app:
                post = load_post(app.ctx, post_id)
                if state == DeliveryState.UNSURE:
                    verdict = Verdict.PUBLISHED if (account, key) in public else Verdict.RESEND
                    settle(app.ctx, post, verdict, account=account)
                else:
                    retry(app.ctx, post, account)
        self._wait(lambda: not self.home.ask(_OPEN))
        life.signal(signal.SIGTERM)
        assert life.wait() == 0, self.home.tail()

    def _wait(self, done: Callable[[], bool]) -> None:
        self.home.wait_for(done, seconds=600)


def kill_loop(
    folder: Path, *, kills: int, deliveries: int, seed: int, tell: Callable[[str], None] = lambda _line: None
) -> Figures:
    """Run a kill loop in a folder and return what was counted."""
    home = make_lab_home(folder, _CONFIG)
    with far_side(folder / "far-side") as server, nursery(home.log, speed=SPEED) as nest:
        rng = random.Random(seed)
        loop = Killing(
            home=home, server=server, nest=nest, kills=kills, deliveries=deliveries, rng=rng, tell=tell
        )
        return loop.run()


def main() -> int:
    """Run the long form."""
    parser = argparse.ArgumentParser(prog="python -m lab.killing")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--deliveries", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = kill_loop(
            Path(folder), kills=given.kills, deliveries=given.deliveries, seed=given.seed, tell=print
        )
    print(figures)  # noqa: T201 - it is a command
    if given.json:
        given.json.write_text(json.dumps(asdict(figures), indent=2) + "\n")
    return 1 if figures.broken() else 0


if __name__ == "__main__":
    sys.exit(main())
