from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from postbell.store import wal
from postbell.store.wal import Reader
from support.world import add_post, open_store


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Keep a reading transaction open."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM post").fetchone()
        yield connection


def test_a_log_is_emptied_and_what_it_held_is_in_the_database(tmp_path: Path) -> None:
    path = tmp_path / "postbell.db"
    with open_store(tmp_path) as store:
        assert wal.log_bytes(path) == 0
        add_post(store)
        assert wal.log_bytes(path) > 0
        assert wal.empty_log(path)
        assert wal.log_bytes(path) == 0
        alone = tmp_path / "alone.db"
        alone.write_bytes(path.read_bytes())
        with closing(sqlite3.connect(alone)) as connection:
            assert connection.execute("SELECT count(*) FROM post").fetchone() == (1,)
        add_post(store)


def test_a_log_that_somebody_reads_is_left_at_once(tmp_path: Path) -> None:
    path = tmp_path / "postbell.db"
    with open_store(tmp_path) as store:
        add_post(store)
        with reading(path):
            add_post(store)
            assert not wal.empty_log(path)
            assert wal.log_bytes(path) > 0
        assert wal.empty_log(path)


def test_who_reads_is_named(tmp_path: Path) -> None:
    path = tmp_path / "postbell.db"
    with open_store(tmp_path) as store:
        add_post(store)
        assert wal.readers_of(path) == []
        with reading(path):
            (reader,) = wal.readers_of(path)
    assert reader.pid == os.getpid()
    assert str(reader) == f"process {os.getpid()} ({Path('/proc/self/comm').read_text().strip()})"


def test_nobody_reads_what_is_not_there_or_not_told(tmp_path: Path) -> None:
    assert (wal.log_bytes(tmp_path / "none.db"), wal.readers_of(tmp_path / "none.db")) == (0, [])
    with pytest.raises(sqlite3.OperationalError):
        wal.empty_log(tmp_path / "none.db")
    assert str(Reader(pid=1 << 30, program=wal._program(1 << 30))) == f"process {1 << 30}"


def test_only_locks_of_readers_of_this_file_count() -> None:
    lines = [
        "1: POSIX  ADVISORY  READ 11 00:1b:77 124 124",
        "1: -> POSIX  ADVISORY  READ 12 00:1b:77 125 125",
        "2: POSIX  ADVISORY  READ 13 00:1b:77 128 128",
        "3: POSIX  ADVISORY  WRITE 14 00:1b:77 124 124",
        "4: POSIX  ADVISORY  READ 15 00:1b:78 124 124",
        "5: FLOCK  ADVISORY  READ 16 00:1b:77 0 EOF",
        "6: POSIX  ADVISORY  READ 0 00:1b:77 124 124",
    ]
    assert list(wal._holders(lines, 77)) == [11, 12]
