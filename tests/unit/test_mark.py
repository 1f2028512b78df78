"""The small file that tells whether the database has gone back in time."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from postbell.errors import Conflict
from postbell.store import mark
from postbell.store.engine import Store
from postbell.store.lock import DaemonLock
from postbell.store.mark import Mark, MarkFile, machine_name, read_file
from support.world import START, make_database


HERE = machine_name()


@pytest.fixture
def file(tmp_path: Path) -> MarkFile:
    made = MarkFile(tmp_path / "postbell.mark")
    made.make(Mark(changes=5, edits=2, machine="here"), START)
    return made


def said(changes: int, edits: int, after: timedelta = timedelta()) -> Mark:
    return Mark(changes=changes, edits=edits, machine="here", at=START + after)


def test_it_says_how_far_the_database_was_where_and_when(file: MarkFile) -> None:
    assert read_file(file.path) == said(5, 2)


def test_only_its_owner_can_read_it(file: MarkFile) -> None:
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_it_has_one_length_whatever_it_says(file: MarkFile) -> None:
    first = file.path.stat().st_size
    file.keep((10**12, 10**12))
    file.leave(START.replace(microsecond=123456))
    assert file.path.stat().st_size == first < os.sysconf("SC_PAGESIZE")


def test_whoever_is_overtaken_takes_nothing_back(file: MarkFile) -> None:
    file.keep((8, 3))
    file.keep((7, 2))
    file.make(Mark(changes=6, edits=2, machine="here"), START)
    assert read_file(file.path) == said(8, 3)


def test_of_one_that_nobody_can_read_nothing_is_kept(file: MarkFile) -> None:
    """Or what it counts would stand against a database that was never so far."""
    file.keep((99, 99))
    with file.path.open("r+b") as damaged:
        damaged.write(b"x" * 9)
    with pytest.raises(OSError, match="it does not say what it should"):
        file.attend(START)
    file.leave(START)
    assert read_file(file.path) is None
    file.make(Mark(changes=5, edits=2, machine="here"), START)
    assert read_file(file.path) == said(5, 2)


def test_a_command_says_nothing_of_when_a_daemon_was_there(file: MarkFile) -> None:
    file.keep((6, 3))
    assert read_file(file.path) == said(6, 3)


def test_that_a_daemon_is_there_is_written_every_quarter_of_an_hour(file: MarkFile) -> None:
    for minutes, at in ((14, 0), (15, 15), (29, 15), (30, 30)):
        file.attend(START + timedelta(minutes=minutes))
        assert read_file(file.path) == said(5, 2, timedelta(minutes=at))


def test_a_clock_that_goes_back_is_written_down(file: MarkFile) -> None:
    file.attend(START - timedelta(hours=2))
    assert read_file(file.path) == said(5, 2, -timedelta(hours=2))


def test_one_that_has_gone_is_not_made_anew_by_the_way(file: MarkFile) -> None:
    """Or nobody would notice at the next start that it may have gone together with a newer database."""
    file.path.unlink()
    with pytest.raises(FileNotFoundError):
        file.attend(START)
    with pytest.raises(FileNotFoundError):
        file.keep((6, 2))
    file.leave(START)
    assert not file.path.exists()


def test_the_last_word_says_until_when_somebody_was_there(file: MarkFile) -> None:
    file.leave(START + timedelta(seconds=9))
    assert read_file(file.path) == said(5, 2, timedelta(seconds=9))


@pytest.mark.parametrize(
    "said",
    [
        "",
        "[]",
        "nonsense",
        "[]\n1 1\n",
        '{"machine": null, "at": "2026-01-01"}\n',
        '{"machine": null, "at": "2026-01-01"}\nx 1\n',
        '{"machine": null}\n1 1\n',
    ],
)
def test_what_nobody_can_read_is_none(tmp_path: Path, said: str) -> None:
    path = tmp_path / "postbell.mark"
    assert read_file(path) is None
    path.write_text(said)
    assert read_file(path) is None


def test_a_machine_has_a_name_that_is_not_its_id(tmp_path: Path) -> None:
    path = tmp_path / "machine-id"
    assert machine_name(path) == ""
    path.write_text("\n")
    assert machine_name(path) == ""
    path.write_text("0123456789abcdef0123456789abcdef\n")
    name = machine_name(path)
    assert name not in path.read_text()
    assert name == machine_name(path)


# What is counted.


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return make_database(tmp_path)


def write(database: Path, file: MarkFile | None, sql: str) -> None:
    with closing(Store(database, mark=file)) as store, store.write() as tx:
        tx.exec_driver_sql(sql)


def counted(database: Path) -> tuple[int, int]:
    with closing(Store(database)) as store, store.read() as tx:
        found = mark.read_mark(tx)
    return found.changes, found.edits


NEW = "INSERT INTO pause (scope, name, since) VALUES ('label', hex(randomblob(8)), '2026-11-23')"


def test_every_change_is_counted_in_the_database_and_in_the_file(database: Path, file: MarkFile) -> None:
    file.path.unlink()
    write(database, file, NEW)
    assert counted(database) == (1, 1), "before there is a file too"
    file.make(Mark(changes=1, edits=1, machine=""), START)
    write(database, file, NEW)
    assert counted(database) == (2, 2)
    found = read_file(file.path)
    assert found is not None
    assert (found.changes, found.edits) == (2, 2)


def test_the_daemons_own_work_is_counted_apart(database: Path, file: MarkFile) -> None:
    file.path.unlink()
    write(database, MarkFile(file.path, by_user=False), NEW)
    assert counted(database) == (1, 0)


def test_what_changes_nothing_is_not_counted(database: Path, file: MarkFile) -> None:
    file.path.unlink()
    write(database, file, "DELETE FROM pause")
    assert counted(database) == (0, 0)


def test_what_fails_is_not_counted(database: Path, file: MarkFile) -> None:
    file.path.unlink()
    with pytest.raises(IntegrityError):
        write(database, file, f"{NEW}, ('nothing of the kind', '', '2026-11-23')")
    assert counted(database) == (0, 0)


def test_a_database_that_is_behind_does_not_catch_up_unnoticed(database: Path, file: MarkFile) -> None:
    for _ in range(6):
        write(database, MarkFile(file.path, by_user=False), NEW)
    assert counted(database) == (0, 0)
    assert read_file(file.path) == said(5, 2)


@pytest.mark.parametrize(
    ("within", "beside", "told"),
    [
        pytest.param(
            machine_name(), Mark(changes=9, machine=machine_name()), "went back in time", id="older"
        ),
        pytest.param("elsewhere", Mark(changes=0, machine="elsewhere"), "another machine", id="copied"),
        pytest.param(HERE, None, "is gone", id="alone"),
    ],
)
def test_a_command_changes_nothing_before_a_daemon_has_seen_what_it_is(
    database: Path, file: MarkFile, within: str, beside: Mark | None, told: str
) -> None:
    """What it would change may be public, and a look-up would not find it any more."""
    with closing(Store(database)) as store, store.write() as tx:
        mark.set_mark(tx, Mark(changes=0, machine=within))
    file.path.unlink()
    if beside:
        file.make(beside, START)
    with pytest.raises(Conflict, match=rf"{told}.*Start the daemon first .*Nothing was changed"):
        write(database, file, NEW)
    with closing(Store(database)) as store, store.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM pause").scalar_one() == 0


def test_while_a_daemon_runs_it_knows_of_the_folder_and_the_mark(database: Path, file: MarkFile) -> None:
    with closing(Store(database)) as store, store.write() as tx:
        mark.set_mark(tx, Mark(changes=0, machine="in a container"))
    file.path.unlink()
    lock = DaemonLock(file.path.parent)
    lock.acquire()
    try:
        write(database, file, NEW)
    finally:
        lock.release()
    assert counted(database) == (1, 1)


def test_what_cannot_be_read_of_it_is_left_for_the_next_start_to_notice(file: MarkFile) -> None:
    damaged = file.path.read_bytes()[:256] + b"garbage".ljust(63) + b"\n"
    file.path.write_bytes(damaged)
    file.keep((10, 10))
    assert file.path.read_bytes() == damaged


def test_a_change_is_stored_where_the_file_cannot_be_written(database: Path, file: MarkFile) -> None:
    file.path.unlink()
    file.path.mkdir()
    write(database, file, NEW)
    assert counted(database) == (1, 1)
