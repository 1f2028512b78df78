from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.domain.states import DeliveryState, Outcome
from postbell.errors import (
    DaemonRunning,
    Damaged,
    DatabaseLocked,
    DiskFull,
    NotFound,
    PostbellError,
    SchemaTooNew,
)
from postbell.services.sending import caution
from postbell.services.upkeep import upkeep
from postbell.settings import Places
from postbell.store import backup, mark
from postbell.store.engine import Store
from postbell.store.lock import DaemonLock
from support.disk import flip, names
from support.world import START, add_post, claim, make_database, open_store, picture, post_of


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A database with three posts."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    with open_store(data) as store:
        for _ in range(3):
            add_post(store, to=("ann", "bob"), files=[picture()])
    return Places(data_dir=data, config=tmp_path / "config.toml")


THREE = {"account": 2, "post": 3, "delivery": 6, "attempt": 0, "media": 1}


# Restoring.


@pytest.fixture
def saved(places: Places) -> Path:
    """A backup; the database has gone on since, and nobody has copied its log into it."""
    path, _counts = upkeep.back_up(places, None, keep=3, now=START)
    with closing(sqlite3.connect(places.database, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("UPDATE post SET text = 'later'")
        shutil.copy(places.database, places.data_dir / "kept")
        shutil.copy(f"{places.database}-wal", places.data_dir / "kept-wal")
    for suffix in ("", "-wal"):
        (places.data_dir / f"kept{suffix}").replace(f"{places.database}{suffix}")
    return path


def texts_in(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute("SELECT text FROM post")}


def test_a_restore_brings_the_backup_back_and_keeps_the_old_file_with_its_log(
    places: Places, saved: Path
) -> None:
    done = upkeep.restore(places, saved, now=START)
    aside, counts = done.replaced, done.rows
    assert aside is not None
    assert counts == THREE
    assert aside.name == "replaced-20261123T090000Z.db"
    assert names(places.data_dir) == [
        *("backups", "daemon.lock", "postbell.db", "postbell.mark", aside.name, f"{aside.name}-wal"),
    ]
    assert texts_in(places.database) == {"hello"}
    assert texts_in(aside) == {"later"}
    assert places.database.stat().st_mode & 0o777 == 0o600


def test_what_was_due_since_the_backup_is_in_doubt_and_what_is_to_come_stays(places: Places) -> None:
    with closing(Store(places.database)) as store:
        later = add_post(store, to=("ann",), at=START + timedelta(hours=2))
    saved, _rows = upkeep.back_up(places, None, keep=3, now=START)
    doubted = upkeep.restore(places, saved, now=START + timedelta(hours=1)).doubted
    with closing(Store(places.database)) as store:
        assert len(doubted) == 6
        assert {post_of(store, each.post_id).outcome for each in doubted} == {Outcome.UNSURE}
        assert claim(store, START + timedelta(hours=1)) == []
        assert [taken.post.id for taken in claim(store, START + timedelta(hours=2))] == [later.id]


def test_of_a_post_that_was_under_way_what_was_not_begun_is_in_doubt(places: Places) -> None:
    with closing(Store(places.database)) as store:
        (begun,) = claim(store, START, limit=1)
        saved, _rows = upkeep.back_up(places, None, keep=3, now=START)
    doubted = upkeep.restore(places, saved, now=START + timedelta(hours=1)).doubted
    with closing(Store(places.database)) as store:
        states = [each.state for each in post_of(store, begun.post.id).deliveries]
        assert states == [DeliveryState.PROCESSING, DeliveryState.UNSURE]
        assert begun.post.id in {each.post_id for each in doubted}


def test_the_mark_beside_a_restored_database_speaks_of_it(places: Places, saved: Path) -> None:
    mark.MarkFile(places.mark).make(mark.Mark(changes=7, edits=3, machine="other"), START)
    upkeep.restore(places, saved, now=START)
    here = mark.Mark(changes=7, edits=3, machine=mark.machine_name())
    assert mark.read_file(places.mark) == replace(here, at=START)
    with closing(Store(places.database)) as store, store.read() as tx:
        assert mark.read_mark(tx) == here


def test_a_restore_where_there_is_no_database_makes_one(places: Places, saved: Path) -> None:
    for path in places.data_dir.glob("postbell.db*"):
        path.unlink()
    done = upkeep.restore(places, saved, now=START)
    assert (done.rows, done.replaced) == (THREE, None)
    assert not list(places.data_dir.glob("replaced*"))


def test_a_copy_with_a_log_beside_it_is_restored_with_what_the_log_says(
    places: Places, saved: Path, tmp_path: Path
) -> None:
    copied = [
        Path(shutil.copy(f"{places.database}{end}", tmp_path / f"copied.db{end}")) for end in ("", "-wal")
    ]
    before = [path.read_bytes() for path in copied]
    upkeep.restore(places, copied[0], now=START)
    assert texts_in(places.database) == {"later"}
    assert [path.read_bytes() for path in copied] == before


def test_a_restore_names_the_backups_that_there_are(places: Places, saved: Path) -> None:
    with pytest.raises(NotFound, match=saved.name):
        upkeep.restore(places, places.backups / "none.db", now=START)
    saved.unlink()
    with pytest.raises(NotFound, match="none"):
        upkeep.restore(places, saved, now=START)
    with pytest.raises(NotFound, match="no backup"):
        backup.restore(saved, places.database, aside=places.data_dir / "aside")


def test_nothing_is_restored_under_a_working_daemon(places: Places, saved: Path) -> None:
    lock = DaemonLock(places.data_dir)
    lock.acquire()
    with pytest.raises(DaemonRunning, match=str(os.getpid())):
        upkeep.restore(places, saved, now=START)
    lock.release()
    assert texts_in(places.database) == {"later"}


def bad_sources(tmp_path: Path) -> Iterator[tuple[str, Path, type[PostbellError]]]:
    broken = tmp_path / "broken.db"
    shutil.copy(make_database(tmp_path), broken)
    flip(broken, range(4096 * 2, 4096 * 5, 3))
    yield "broken", broken, Damaged
    letter = tmp_path / "letter.db"
    letter.write_text("Dear reader, " * 1000)
    yield "not a database", letter, Damaged
    empty = tmp_path / "empty.db"
    empty.touch()
    yield "empty", empty, Damaged
    foreign = tmp_path / "bookmarks.db"
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE bookmark (address TEXT)")
    yield "another program's", foreign, Damaged
    newer = tmp_path / "newer.db"
    shutil.copy(tmp_path / "postbell.db", newer)
    with closing(sqlite3.connect(newer, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    yield "newer", newer, SchemaTooNew


def test_a_bad_backup_is_refused_and_nothing_is_changed(places: Places, saved: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in places.data_dir.glob("postbell.db*")}
    for reason, source, error in bad_sources(tmp_path):
        with pytest.raises(error) as said:
            upkeep.restore(places, source, now=START)
        assert str(source) in str(said.value), reason
        assert "nothing was changed" in str(said.value), reason
        assert names(places.data_dir) == ["backups", "daemon.lock", "postbell.db", "postbell.db-wal"]
    assert {path: path.read_bytes() for path in places.data_dir.glob("postbell.db*")} == before


def test_what_is_replaced_within_one_second_gets_names_of_its_own(places: Places, saved: Path) -> None:
    kept = [upkeep.restore(places, saved, now=START).replaced for _ in range(3)]
    stem = "replaced-20261123T090000Z"
    assert kept == [places.data_dir / name for name in (f"{stem}.db", f"{stem}-2.db", f"{stem}-3.db")]
    assert [texts_in(path) for path in kept if path] == [{"later"}, {"hello"}, {"hello"}]
    assert texts_in(places.database) == {"hello"}


def test_an_old_file_is_never_written_over(places: Places, saved: Path, tmp_path: Path) -> None:
    aside = tmp_path / "aside.db"
    aside.touch()
    with pytest.raises(PostbellError, match="Nothing was changed"):
        backup.restore(saved, places.database, aside=aside)
    assert (aside.read_bytes(), texts_in(places.database)) == (b"", {"later"})


# Files that are not sound.


def test_a_sound_database_is_called_sound(places: Places) -> None:
    assert (backup.check(places.database), backup.quick_check(places.database)) == ([], [])
    upkeep.require_sound(places, START)


def test_a_row_that_refers_to_nothing_is_told(places: Places) -> None:
    with closing(sqlite3.connect(places.database, isolation_level=None)) as connection:
        connection.execute("DELETE FROM media")
    problems = backup.check(places.database)
    assert problems == [f"table post_media, row {n} refers to a missing media" for n in (1, 2, 3)]
    assert backup.quick_check(places.database) == []


def test_a_missing_file_is_no_sound_database(tmp_path: Path) -> None:
    assert backup.check(tmp_path / "none.db") == ["unable to open database file"]
    assert not (tmp_path / "none.db").exists()


def test_a_database_that_another_program_keeps_for_itself_is_not_called_damaged(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "LOCK_WAIT", 0.05)
    with closing(sqlite3.connect(places.database, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE post SET text = 'x'")
        for look in (backup.check, backup.quick_check):
            with pytest.raises(DatabaseLocked):
                look(places.database)


def test_a_damaged_database_is_told_with_the_backup_to_restore(places: Places, saved: Path) -> None:
    flip(places.database, range(100, 4096 * 6, 7))
    before = places.database.read_bytes()
    with pytest.raises(Damaged, match=f"postbell db restore {saved}"):
        upkeep.require_sound(places, START)
    saved.unlink()
    with pytest.raises(Damaged, match="There is no backup to restore"):
        upkeep.require_sound(places, START)
    assert places.database.read_bytes() == before


def test_a_flipped_byte_anywhere_is_found_or_harmless(places: Places, tmp_path: Path) -> None:
    pristine = places.database.read_bytes()
    dice = random.Random(50)
    target = tmp_path / "copy.db"
    for _ in range(50):
        offset = dice.randrange(len(pristine))
        damaged = bytearray(pristine)
        damaged[offset] ^= dice.randrange(1, 256)
        places.database.write_bytes(damaged)
        for look in (backup.check, backup.quick_check):
            assert all(isinstance(problem, str) for problem in look(places.database))
        try:
            counts = backup.backup(places.database, target)
        except PostbellError:
            assert not target.exists()
        else:
            assert counts == THREE, offset
            target.unlink()
        assert places.database.read_bytes() == damaged


def test_a_restore_that_breaks_off_while_it_doubts_changes_nothing(
    places: Places, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = texts_in(places.database)

    def full(*_: object) -> None:
        raise DiskFull("the disk is full")

    monkeypatch.setattr(caution, "begin_after_restore", full)
    with pytest.raises(DiskFull):
        upkeep.restore(places, saved, now=START)
    assert texts_in(places.database) == before
    assert not [name for name in names(places.data_dir) if "restore" in name or "replaced" in name]
