"""A database that has forgotten what commands did, with no claim in between: a log that is lost, an old copy.

What the user cancelled waits in it again, so nothing is sent before he has had a look.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from lab.harness import clock_ahead
from postbell.clock import SystemClock
from postbell.domain.caution import Cause
from postbell.services.accounts import pausing
from postbell.services.accounts.pausing import Scope, Target
from postbell.services.posts import actions
from postbell.services.upkeep import doctor, health
from postbell.services.upkeep.check import Level
from postbell.store import mark
from postbell.store.engine import Store
from support.home import Home, make_home
from support.marks import left_by_daemon
from support.sink import Sink, sink


AFTERWARDS = timedelta(hours=3)


@pytest.fixture
def hook() -> Iterator[Sink]:
    with sink() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, hook: Sink) -> Home:
    """A Postbell on which a daemon has worked until now."""
    made = make_home(tmp_path, '[notify]\ngather_seconds = 0.2\ncommand = ["cat"]\n')
    made.connect("webhook", "hook", {"url": hook.url})
    with made.app() as app:
        left_by_daemon(app)
    return made


@contextmanager
def without_its_log(home: Home, kept: Path) -> Iterator[None]:
    """Do things, and leave the database as it is without what its log says of them."""
    database = home.places.database
    with closing(sqlite3.connect(database)) as reader:  # as long as it is open the log stays
        reader.execute("SELECT count(*) FROM post").fetchone()
        yield
        assert database.with_name("postbell.db-wal").stat().st_size
        shutil.copy(database, kept)
    put_back(home, kept)


def put_back(home: Home, kept: Path) -> None:
    for suffix in ("-wal", "-shm"):
        home.places.database.with_name(f"postbell.db{suffix}").unlink(missing_ok=True)
    shutil.copy(kept, home.places.database)


def troubles(home: Home) -> str:
    with home.app() as app:
        return "\n".join(health.status(app.ctx, home.places).troubles)


def cautions(home: Home) -> str:
    checks = doctor.doctor(home.places, now=SystemClock().now())
    return "\n".join(each.message for each in checks if (each.name, each.level) == ("caution", Level.WARN))


def notices(home: Home) -> str:
    with closing(sqlite3.connect(home.places.database)) as database:
        return "\n".join(map(" ".join, database.execute("SELECT message, mend FROM notice")))


def test_an_acknowledged_add_that_is_lost_with_the_log_is_told(home: Home, tmp_path: Path) -> None:
    with without_its_log(home, tmp_path / "kept.db"):
        home.add("gone", "hook", "in 2 h")
    assert home.states() == {}, "the post is lost"
    for told in (troubles(home), cautions(home)):  # before any daemon has noticed it
        assert Cause.WENT_BACK.sentence in told
        assert "compare with `postbell list`" in told
    with home.daemon():
        home.wait_for(lambda: "`postbell resume --all`" in notices(home))
    for told in (troubles(home), cautions(home), notices(home)):
        assert "Commands that changed something, and are lost: 1." in told
        assert "Posts, changes and cancellations" in told


def test_what_was_cancelled_does_not_go_out_of_an_old_copy_unseen(
    home: Home, hook: Sink, tmp_path: Path
) -> None:
    overdue, later, wanted = (home.add(text, "hook", "in 2 h") for text in ("one", "two", "three"))
    home.add("four", "hook", "in 4 h")
    shutil.copy(home.places.database, tmp_path / "kept.db")
    cancel(home, overdue)
    cancel(home, later)
    put_back(home, tmp_path / "kept.db")
    with home.daemon():  # nothing is overdue yet, so nothing is in doubt
        home.wait_for(lambda: "`postbell resume --all`" in notices(home))
    home.env = clock_ahead(AFTERWARDS)
    with home.daemon():
        assert home.states() == {"scheduled": 4}
        assert "Commands that changed something, and are lost: 2." in troubles(home)
        cancel(home, overdue)
        cancel(home, later)
        with home.app() as app:
            pausing.resume(app.ctx, [Target(scope=Scope.EVERYTHING)])
        home.wait_for(lambda: home.states() == {"cancelled": 2, "processed": 1, "scheduled": 1})
    assert hook.posts() == {"three": 1}
    assert home.post(wanted).outcome


def test_nor_does_it_out_of_an_old_copy_that_another_machine_had(
    home: Home, hook: Sink, tmp_path: Path
) -> None:
    wanted = home.add("one", "hook", "in 2 h")
    shutil.copy(home.places.database, tmp_path / "kept.db")
    cancel(home, wanted)
    put_back(home, tmp_path / "kept.db")
    beside = mark.read_file(home.places.mark)
    assert beside is not None
    with closing(Store(home.places.database)) as store, store.write() as tx:
        mark.set_mark(tx, replace(mark.read_mark(tx), machine="another machine"))
    mark.MarkFile(home.places.mark).make(replace(beside, machine="another machine"), SystemClock().now())
    with home.daemon():
        home.wait_for(lambda: "`postbell resume --all`" in notices(home))
    assert Cause.COPIED.sentence in troubles(home)
    assert "Commands that changed something, and are lost: 1." in troubles(home)
    home.env = clock_ahead(AFTERWARDS)
    with home.daemon():
        assert home.states() == {"scheduled": 1}
    assert hook.posts() == {}


def cancel(home: Home, post_id: str) -> None:
    with home.app() as app:
        actions.cancel(app.ctx, home.post(post_id))
