"""A program that reads for long makes the log grow: it is told, and after it the log is cut."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from postbell.domain.states import DeliveryState
from postbell.services.upkeep.check import Level
from postbell.services.upkeep.doctor import doctor
from postbell.services.upkeep.health import status
from postbell.store import deliveries, wal
from support.command import Command
from support.home import Home, make_home
from support.sink import Sink, sink


#: What a long reader may leave behind at most.
MOST = 64_000_000

#: The daemon, whose file is looked after at each of many beats.
_BRISK = """
import sys
from datetime import timedelta
from postbell import daemon, workers
from postbell.__main__ import main

daemon.LOOK_EVERY = workers.LOOK_EVERY = workers._TEND_EVERY = timedelta(seconds=0.2)
sys.exit(main(sys.argv[1:]))
"""


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
def reading(path: Path) -> Iterator[None]:
    """Keep one state of the database in sight, as a forgotten database browser does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM post").fetchone()
        yield


def write_much(path: Path, megabytes: int) -> None:
    """Write so much, in many commits, and take it away again."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for _ in range(megabytes):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT INTO post (id, state, text, overrides, created_at, updated_at, version)"
                " VALUES ('big', 'draft', hex(zeroblob(500000)), '{}', '2026-11-23', '2026-11-23', 1)"
            )
            connection.execute("DELETE FROM post WHERE id = 'big'")
            connection.execute("COMMIT")


def test_the_log_is_cut_by_itself_after_a_long_reader_has_left(home: Home, far_side: Sink) -> None:
    path = home.places.database
    process = home.start("-c", _BRISK, *home.options, "run")
    try:
        home.wait_for(lambda: "daemon_started" in home.tail())
        with reading(path):
            write_much(path, 80)
            assert wal.log_bytes(path) > MOST
            home.wait_for(lambda: "log_too_large" in home.tail())
            home.add("meanwhile", "hook")
            far_side.wait_for(1)  # a reader keeps nobody from publishing
        home.wait_for(lambda: wal.log_bytes(path) == 0)
    finally:
        process.terminate()
        assert process.wait(20) == 0
    assert home.sound()
    assert far_side.posts() == {"meanwhile": 1}
    (told,) = [line for line in home.log.read_text().splitlines() if "log_too_large" in line]
    assert f"process {os.getpid()} " in json.loads(told)["readers"]


def test_a_log_that_is_too_large_is_told_with_who_keeps_it_so(home: Home) -> None:
    path = home.places.database
    with home.app() as app, reading(path):
        write_much(path, 70)
        (trouble,) = [told for told in status(app.ctx, home.places).troubles if "log" in told]
        (check,) = [check for check in doctor(home.places, now=app.ctx.now()) if check.name == "log"]
    assert "The log of the database has grown to" in trouble
    assert f"Close process {os.getpid()} " in trouble
    assert check.level is Level.WARN
    assert str(check.mend) in trouble


def test_without_a_long_reader_the_log_stays_small_however_much_is_written(home: Home) -> None:
    path = home.places.database
    largest = 0
    with home.app():
        for _ in range(10):
            write_much(path, 10)
            largest = max(largest, wal.log_bytes(path))
    assert largest < MOST


@pytest.mark.parametrize("command", [["list"], ["status"], ["doctor"], ["db", "backup"], ["db", "check"]])
def test_no_command_leaves_a_reading_transaction_behind(home: Home, command: list[str]) -> None:
    home.add("to be read", "hook", "in 1 h")
    with home.app() as app:
        Command(home.places.data_dir.parent)(*command)
        assert wal.readers_of(home.places.database) == []
        with app.ctx.store.read() as tx:
            assert deliveries.count_by_state(tx) == {DeliveryState.SCHEDULED: 1}
            assert [reader.pid for reader in wal.readers_of(home.places.database)] == [os.getpid()]
