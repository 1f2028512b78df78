"""A database that another program has locked delays and loses nothing, and nobody calls the daemon dead."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from postbell.domain.states import Outcome
from postbell.services.posts.compose import add_post
from postbell.services.posts.wanted import Wanted
from support.home import Home, make_home
from support.sink import Sink, sink


@pytest.fixture
def far_side() -> Iterator[Sink]:
    with sink() as made:
        yield made


@pytest.fixture
def home(tmp_path: Path, far_side: Sink) -> Home:
    home = make_home(tmp_path, "[backup]\nevery_hours = 0\n")
    home.connect("webhook", "hook", {"url": far_side.url})
    return home


@contextmanager
def locked(home: Home) -> Iterator[None]:
    """Keep everybody else from writing, as a program does that forgot to commit."""
    with closing(sqlite3.connect(home.places.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def test_what_falls_due_while_the_database_is_locked_is_late_and_sent_once(
    home: Home, far_side: Sink, tmp_path: Path
) -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(20)
        home.env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000"}
        with home.daemon(), home.app() as app:
            while b"STATUS=Nothing is scheduled" not in told.recv(4096):
                pass  # what it does first writes too, and would be what waits
            wanted = Wanted(text="soon", to=("hook",), when=home.when(app, "in 1 s"))
            post = add_post(app.ctx, wanted).post.id
            with locked(home):
                beats, said = 0, ""
                # The daemon waits ten seconds for the lock before it says that it waits.
                while "STATUS=Waiting" not in said:
                    said = told.recv(4096).decode()
                    beats += "WATCHDOG=1" in said
                assert beats >= 3, "systemd would have killed a daemon that only waits"
                assert home.states() == {"scheduled": 1}
            home.wait_for(lambda: home.states() == {"processed": 1})
    assert far_side.posts() == {"soon": 1}
    (delivery,) = home.post(post).deliveries
    assert delivery.outcome is Outcome.PUBLISHED
    assert delivery.late_reason == "the database was locked"


def test_a_result_that_cannot_be_written_down_is_kept_in_mind(home: Home, far_side: Sink) -> None:
    far_side.hold()
    with home.daemon():
        post = home.add("under way", "hook")
        far_side.wait_for(1)
        with locked(home):
            far_side.release()
            home.wait_for(lambda: "database_not_written_yet" in home.tail(), seconds=40)
            assert home.states() == {"processing": 1}
        home.wait_for(lambda: home.states() == {"processed": 1})
    assert home.post(post).outcome is Outcome.PUBLISHED
    assert far_side.posts() == {"under way": 1}


def test_a_daemon_that_starts_while_the_database_is_locked_begins_when_it_is_free(
    home: Home, far_side: Sink
) -> None:
    home.add("at once", "hook")
    with locked(home):
        process = home.start()
        home.wait_for(lambda: "database_not_usable" in home.tail(), seconds=40)
        assert (process.poll(), far_side.posts()) == (None, {})
    try:
        home.wait_for(lambda: home.states() == {"processed": 1})
    finally:
        process.terminate()
        assert process.wait(20) == 0
    assert far_side.posts() == {"at once": 1}
