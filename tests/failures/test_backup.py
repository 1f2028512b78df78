"""Backups are made while everything works, and what is restored from one is what was copied."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.domain.states import DeliveryState, Outcome
from postbell.services.upkeep import upkeep
from postbell.settings import Places
from postbell.store import backup
from postbell.store.deliveries import record_published
from postbell.store.engine import Store
from support.home import Home, make_home
from support.sink import sink
from support.world import START, add_post, claim, open_store


TABLES = ("account", "post", "delivery", "attempt", "media", "post_media", "series", "pause")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    with open_store(data) as store:
        for _ in range(20):
            add_post(store, to=("ann", "bob"))
    return Places(data_dir=data, config=tmp_path / "config.toml")


def counts(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as database:
        return {table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}


@contextmanager
def writing(path: Path) -> Iterator[threading.Semaphore]:
    """Add, claim, publish and delete posts on a thread, without a rest; each round is counted."""
    stop, broken, rounds = threading.Event(), [], threading.Semaphore(0)

    def work() -> None:
        try:
            with closing(Store(path)) as store:
                while not stop.is_set():
                    add_post(store, to=("ann", "bob"))
                    for taken in claim(store, START, limit=2):
                        with store.write() as tx:
                            record_published(
                                tx, taken.delivery.id, receipt_id="r", url=None, warnings=(), now=START
                            )
                    with store.write() as tx:
                        tx.exec_driver_sql("DELETE FROM post WHERE rowid = (SELECT min(rowid) FROM post)")
                    rounds.release()
        except Exception as error:  # noqa: BLE001 - told by the test
            broken.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield rounds
    finally:
        stop.set()
        thread.join()
        assert broken == []


def test_a_hundred_backups_under_write_load_are_each_sound_and_restored_with_all_their_rows(
    places: Places, tmp_path: Path
) -> None:
    told = []
    with writing(places.database) as rounds:
        for number in range(100):
            assert rounds.acquire(timeout=30)
            told.append(backup.backup(places.database, tmp_path / f"{number}.db"))
    for number, rows in enumerate(told):
        copy, target = tmp_path / f"{number}.db", tmp_path / "restored.db"
        assert backup.check(copy) == []
        assert {table: counts(copy)[table] for table in rows} == rows
        assert backup.restore(copy, target, aside=tmp_path / f"{number}.old") == rows
        assert counts(target) == counts(copy)


@pytest.mark.parametrize("kind", ["made by the daemon", "made by the command", "made before an upgrade"])
def test_a_backup_of_each_kind_is_restored_and_what_was_due_since_is_in_doubt(
    places: Places, tmp_path: Path, kind: str
) -> None:
    if kind == "made by the command":
        saved, _rows = upkeep.back_up(places, tmp_path / "mine.db", keep=1, now=START)
    elif kind == "made by the daemon":
        saved, _rows = upkeep.back_up(places, None, keep=1, weeks=4, now=START)
    else:
        saved = places.backups / backup.backup_name("0003", START)
        backup.backup(places.database, saved)
    before = counts(saved)
    with closing(Store(places.database)) as store, store.write() as tx:
        tx.exec_driver_sql("DELETE FROM post")
    done = upkeep.restore(places, saved, now=START + timedelta(hours=1))
    assert len(done.doubted) == 40
    assert counts(places.database) == before | {"attempt": before["attempt"] + 40}
    with closing(Store(places.database)) as store:
        assert claim(store, START + timedelta(hours=1)) == []


def _backups(home: Home) -> list[Path]:
    return sorted(home.places.backups.iterdir())


def test_the_daemon_makes_a_backup_that_was_missed_soon_after_its_start_and_goes_on_publishing(
    tmp_path: Path,
) -> None:
    with sink() as far_side:
        home = make_home(tmp_path)
        home.connect("webhook", "hook", {"url": far_side.url})
        process = home.start("-c", _BRISK, *home.options, "run")
        try:
            post = home.add("meanwhile", "hook")
            home.wait_for(lambda: "backup_made" in home.tail())
            home.wait_for(lambda: home.states() == {"processed": 1})
        finally:
            process.terminate()
            assert process.wait(20) == 0
        assert home.post(post).outcome is Outcome.PUBLISHED
    (made,) = _backups(home)
    assert re.fullmatch(r"postbell-\d{4}-\d{8}T\d{6}Z\.db", made.name)
    assert (backup.check(made), made.stat().st_mode & 0o777) == ([], 0o600)
    assert counts(made)["account"] == 1


def test_a_backup_that_finds_no_place_is_told_and_publishing_goes_on(tmp_path: Path) -> None:
    with sink() as far_side:
        home = make_home(tmp_path)
        home.connect("webhook", "hook", {"url": far_side.url})
        home.places.backups.rmdir()
        home.places.backups.write_text("in the way")
        process = home.start("-c", _BRISK, *home.options, "run")
        try:
            home.wait_for(lambda: "backup_failed" in home.tail())
            home.add("all the same", "hook")
            home.wait_for(lambda: home.states() == {str(DeliveryState.PROCESSED): 1})
        finally:
            process.terminate()
            assert process.wait(20) == 0
        assert far_side.posts() == {"all the same": 1}


#: The daemon, whose file is looked after at each of many beats.
_BRISK = """
import sys
from datetime import timedelta
from postbell import daemon, workers
from postbell.__main__ import main

daemon.LOOK_EVERY = workers.LOOK_EVERY = workers._TEND_EVERY = timedelta(seconds=0.2)
sys.exit(main(sys.argv[1:]))
"""
