from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from postbell.errors import DatabaseLocked
from postbell.store import seal
from support.disk import flip
from support.world import add_post, make_database, open_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with open_store(tmp_path) as store:
        add_post(store)
    return tmp_path / "postbell.db"


def test_a_file_that_nobody_has_written_since_it_was_sealed_is_known(path: Path) -> None:
    assert not seal.is_sealed(path)
    seal.seal(path)
    assert seal.is_sealed(path)
    assert path.with_name("postbell.db.sealed").stat().st_mode & 0o777 == 0o600
    with open_store(path.parent) as store, store.read():
        pass
    assert seal.is_sealed(path)


def test_whatever_is_written_breaks_the_seal(path: Path) -> None:
    seal.seal(path)
    with open_store(path.parent) as store:
        add_post(store)
        assert not seal.is_sealed(path)  # it is in the log alone
    assert not seal.is_sealed(path)


def test_a_change_that_hides_its_time_breaks_the_seal(path: Path) -> None:
    seal.seal(path)
    before = path.stat()
    flip(path, range(5000, 5001))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not seal.is_sealed(path)


def test_another_file_in_its_place_is_not_sealed(path: Path) -> None:
    seal.seal(path)
    other = path.with_name("other.db")
    other.write_bytes(path.read_bytes())
    other.replace(path)
    assert not seal.is_sealed(path)


def test_a_file_that_somebody_still_writes_is_not_sealed(path: Path) -> None:
    with open_store(path.parent) as store:
        add_post(store)
        seal.seal(path)
    assert not path.with_name("postbell.db.sealed").exists()


def test_a_broken_or_torn_seal_says_nothing(path: Path) -> None:
    seal.seal(path)
    path.with_name("postbell.db.sealed").write_text('{"inode": 1')
    assert not seal.is_sealed(path)
    seal.break_seal(path)
    seal.break_seal(path)
    assert not seal.is_sealed(path)


def test_a_sound_database_looks_so_also_while_it_is_written(path: Path) -> None:
    assert seal.look(path) is None
    with open_store(path.parent) as store:
        add_post(store)
        assert seal.look(path) is None


@pytest.mark.parametrize(
    ("kept", "said"), [(0, "empty"), (50, "malformed"), (4096, "malformed"), (-4096, "malformed")]
)
def test_a_file_that_was_cut_is_seen_at_a_glance(path: Path, kept: int, said: str) -> None:
    os.truncate(path, kept if kept >= 0 else path.stat().st_size + kept)
    assert said in str(seal.look(path))


def test_what_is_not_of_postbell_is_seen_at_a_glance(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE bookmark (address TEXT)")
    assert seal.look(tmp_path / "other.db") == "it has no tables of Postbell"


def test_a_database_that_another_program_keeps_for_itself_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seal, "LOCK_WAIT", 0.05)
    with closing(sqlite3.connect(make_database(tmp_path), isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM post")
        with pytest.raises(DatabaseLocked):
            seal.look(tmp_path / "postbell.db")
