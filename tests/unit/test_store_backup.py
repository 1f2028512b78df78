from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.domain.states import DeliveryState
from postbell.errors import (
    Damaged,
    DiskFull,
    PostbellError,
)
from postbell.services.upkeep import upkeep
from postbell.settings import Places
from postbell.store import backup, deliveries
from postbell.store.engine import Store
from support.disk import fill, flip, names, small_disk
from support.world import START, add_post, open_store, picture


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


def posts_in(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM post").fetchone()[0])


def grow(path: Path, megabytes: int) -> None:
    """Make a database so large that copying takes several steps."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        rows = [(f"x{n:07}", "x" * 100_000, str(START), str(START)) for n in range(megabytes * 10)]
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO post (id, state, text, overrides, created_at, updated_at, version)"
            " VALUES (?, 'draft', ?, '{}', ?, ?, 1)",
            rows,
        )
        connection.execute("COMMIT")


# Backups.


def test_a_backup_holds_everything_in_one_private_file(places: Places, tmp_path: Path) -> None:
    target = tmp_path / "copies" / "mine.db"
    with pytest.raises(PostbellError, match="No such file"):  # perhaps its disk is not mounted
        backup.backup(places.database, target)
    target.parent.mkdir()
    assert backup.backup(places.database, target) == THREE
    assert [path.name for path in target.parent.iterdir()] == ["mine.db"]
    assert target.stat().st_mode & 0o777 == 0o600
    assert backup.check(target) == []
    with closing(Store(target)) as store, store.read() as tx:
        assert deliveries.count_by_state(tx) == {DeliveryState.SCHEDULED: 6}


def test_an_empty_file_is_not_backed_up(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with pytest.raises(Damaged, match="no tables of Postbell"):
        backup.backup(tmp_path / "empty.db", tmp_path / "copy.db")
    assert names(tmp_path) == ["empty.db"]


def test_backups_while_others_write_are_each_a_whole_that_was(places: Places, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        with closing(Store(places.database)) as store:
            while not stop.is_set():
                add_post(store, to=("ann", "bob"))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        counts = [backup.backup(places.database, tmp_path / f"{n}.db") for n in range(20)]
    finally:
        stop.set()
        writer.join()
    for n, counted in enumerate(counts):
        copy = tmp_path / f"{n}.db"
        assert backup.check(copy) == []
        assert counted["delivery"] == 2 * counted["post"]
        target = tmp_path / "restored" / f"{n}.db"
        target.parent.mkdir(exist_ok=True)
        assert backup.restore(copy, target, aside=tmp_path / f"{n}.old") == counted
    assert [counted["post"] for counted in counts] == sorted(counted["post"] for counted in counts)


def test_a_backup_is_not_begun_anew_by_every_write(places: Places, tmp_path: Path) -> None:
    grow(places.database, 12)
    left: list[int] = []
    with closing(Store(places.database)) as store:

        def report(pages_left: int, _pages: int) -> None:
            left.append(pages_left)
            if len(left) < 20:  # else it would never end where the promise is broken
                add_post(store)

        assert backup.backup(places.database, tmp_path / "copy.db", progress=report)["post"] == 123
    assert left == sorted(left, reverse=True)
    assert left[-1] == 0
    assert len(left) < 10


def test_a_backup_of_a_damaged_database_is_refused_and_the_last_one_stays(
    places: Places, tmp_path: Path
) -> None:
    target = tmp_path / "copy.db"
    backup.backup(places.database, target)
    before = target.read_bytes()
    flip(places.database, range(4096 * 3, 4096 * 6, 7))
    with pytest.raises(Damaged):
        backup.backup(places.database, target)
    assert target.read_bytes() == before
    assert names(tmp_path) == ["copy.db", "data"]


def test_a_copy_that_is_sound_but_lacks_rows_is_refused_and_the_last_one_stays(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, fold = tmp_path / "copy.db", backup.fold
    backup.backup(places.database, target)
    before = target.read_bytes()

    def fold_and_lose(part: Path) -> None:
        fold(part)
        with closing(sqlite3.connect(part)) as copy, copy:
            copy.execute("DELETE FROM delivery WHERE id = (SELECT min(id) FROM delivery)")
        assert backup.check(part) == []

    monkeypatch.setattr(backup, "fold", fold_and_lose)
    with pytest.raises(Damaged, match=r"holds .*'delivery': 5.*, and not .*'delivery': 6"):
        backup.backup(places.database, target)
    assert target.read_bytes() == before
    assert names(tmp_path) == ["copy.db", "data"]


def test_a_backup_of_what_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader, " * 1000)
    with pytest.raises(Damaged, match="letter"):
        backup.backup(path, tmp_path / "copy.db")
    assert names(tmp_path) == ["letter.txt"]


def test_a_backup_that_finds_no_room_leaves_the_last_one(places: Places, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", kilobytes=1200) as folder:
        target = folder / "copy.db"
        backup.backup(places.database, target)
        before = target.read_bytes()
        filler = fill(folder)
        with pytest.raises(DiskFull, match=str(target)):
            backup.backup(places.database, target)
        assert target.read_bytes() == before
        filler.unlink()
        assert names(folder) == ["copy.db"]
        backup.backup(places.database, target)


def test_a_disk_that_takes_no_more_files_is_full(places: Places, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", kilobytes=600, files=1) as folder:
        fill(folder)
        with pytest.raises(DiskFull, match=str(folder)):
            backup.backup(places.database, folder / "copy.db")


def test_a_folder_that_cannot_be_written_is_told(places: Places, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PostbellError, match="could not be copied") as said:
        backup.backup(places.database, tmp_path / "file" / "copy.db")
    assert "Nothing was changed" in str(said.value)


_KILLED = """
import os, signal, sys
from pathlib import Path
from postbell.store import backup

def end(left, pages):
    if left * 2 < pages:
        os.kill(os.getpid(), signal.SIGKILL)

backup.backup(Path(sys.argv[1]), Path(sys.argv[2]), progress=end)
"""


@pytest.mark.parametrize("before", [True, False])
def test_a_backup_that_is_killed_leaves_the_last_one_or_none(
    places: Places, tmp_path: Path, *, before: bool
) -> None:
    target = tmp_path / "copies" / "copy.db"
    target.parent.mkdir()
    if before:
        backup.backup(places.database, target)
    grow(places.database, 12)
    command = [sys.executable, "-c", _KILLED, str(places.database), str(target)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert ".copy.db.part" in names(target.parent)
    assert target.exists() == before
    if before:
        assert (posts_in(target), backup.check(target)) == (3, [])
    assert backup.check(places.database) == []
    assert backup.backup(places.database, target)["post"] == 123
    assert names(target.parent) == ["copy.db"]


# Which backups there are.


def test_only_backups_with_a_name_of_ours_are_pruned(tmp_path: Path) -> None:
    for hours in range(4):
        path = tmp_path / backup.backup_name("0001", START + timedelta(hours=hours))
        path.touch()
        os.utime(path, (hours, hours))
    (tmp_path / "postbell-before-the-move.db").touch()
    os.utime(tmp_path / "postbell-before-the-move.db", (0, 0))
    now = START + timedelta(hours=4)
    backup.prune_backups(tmp_path, 2, now=now)
    assert [path.name for path in backup.list_backups(tmp_path, now)] == [
        "postbell-0001-20261123T120000Z.db",
        "postbell-0001-20261123T110000Z.db",
        "postbell-before-the-move.db",
    ]


def test_what_was_made_by_a_clock_that_was_fast_comes_after_all_else(tmp_path: Path) -> None:
    ahead = [timedelta(days=4000), timedelta(days=3000)]
    for step in (*ahead, timedelta(hours=-3), timedelta(0)):
        (tmp_path / backup.backup_name("0004", START + step)).touch()
    for name, step in (("postbell-mine.db", timedelta(hours=-1)), ("postbell-far.db", timedelta(days=3500))):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, ((START + step).timestamp(),) * 2)
    assert [path.name for path in backup.list_backups(tmp_path, START)] == [
        "postbell-0004-20261123T090000Z.db",
        "postbell-mine.db",
        "postbell-0004-20261123T060000Z.db",
        "postbell-0004-20371105T090000Z.db",
        "postbell-far.db",
        "postbell-0004-20350209T090000Z.db",
    ]
    assert backup.last_backup(tmp_path, START) == START
    assert backup.last_backup(tmp_path, START - timedelta(hours=1)) == START - timedelta(hours=3)
    assert backup.last_backup(tmp_path, START - timedelta(days=1)) is None


def test_a_backup_is_as_old_as_its_name_says_however_it_was_copied(tmp_path: Path) -> None:
    for hours in range(3):
        path = tmp_path / backup.backup_name("0004", START - timedelta(hours=hours))
        path.touch()
        os.utime(path, (hours, hours))
    times = [path.stem[-7:-3] for path in backup.list_backups(tmp_path, START)]
    assert times == ["0900", "0800", "0700"]


@pytest.mark.parametrize("weeks", [0, 4])
def test_a_backup_that_was_just_made_stays_whatever_others_are_called(places: Places, weeks: int) -> None:
    fast, _rows = upkeep.back_up(places, None, keep=1, now=START + timedelta(days=3000))
    made, _rows = upkeep.back_up(places, None, keep=1, weeks=weeks, now=START)
    assert sorted(places.backups.iterdir()) == [made, *([fast] if weeks else [])]


def test_a_clock_that_was_set_far_back_costs_no_more_than_the_oldest_backup(places: Places) -> None:
    made = [
        upkeep.back_up(places, None, keep=2, weeks=3, now=START + timedelta(weeks=number))[0]
        for number in range(4)
    ]
    slow, _rows = upkeep.back_up(places, None, keep=2, weeks=3, now=START - timedelta(days=3000))
    assert sorted(places.backups.iterdir()) == [slow, *made[2:]]


def test_a_copy_without_tables_that_an_earlier_version_made_is_no_backup(places: Places) -> None:
    path, _rows = upkeep.back_up(places, None, keep=1, now=START)
    empty = places.backups / "postbell-empty-20261124T090000Z.db"
    empty.touch()
    assert backup.list_backups(places.backups, START) == [path]
    assert backup.last_backup(places.backups, START) == START
    backup.prune_backups(places.backups, 1, now=START)
    assert sorted(places.backups.iterdir()) == [path, empty]


def test_files_of_other_names_among_the_backups_are_left_alone(places: Places) -> None:
    path, _rows = upkeep.back_up(places, None, keep=1, now=START)
    names = ("postbell-0003-20261399T090000Z.db", "postbell-0003-abcdefghTijklmnZ.db", "postbell-x.db")
    others = [places.backups / name for name in names]
    for other in others:
        other.touch()
    assert backup.last_backup(places.backups, START) == START
    made, _rows = upkeep.back_up(places, None, keep=1, now=START + timedelta(days=1))
    assert sorted(places.backups.iterdir()) == sorted([made, *others])
    assert not path.exists()


def test_a_database_without_tables_is_not_backed_up(places: Places, tmp_path: Path) -> None:
    path, _rows = upkeep.back_up(places, None, keep=1, now=START)
    places.database.unlink()
    with closing(sqlite3.connect(places.database)) as database:
        database.execute("PRAGMA journal_mode = WAL")
    with pytest.raises(Damaged, match="no tables of Postbell"):
        upkeep.back_up(places, None, keep=1, now=START + timedelta(days=1))
    with pytest.raises(Damaged, match="no tables of Postbell"):
        backup.backup(places.database, tmp_path / "copy.db")
    assert [*places.backups.iterdir(), *tmp_path.glob("copy*")] == [path]


def test_backups_go_to_their_folder_and_the_oldest_leave_it(places: Places) -> None:
    made = [upkeep.back_up(places, None, keep=2, now=START + timedelta(hours=hours))[0] for hours in range(3)]
    assert sorted(places.backups.iterdir()) == made[1:]


def test_a_backup_to_a_place_of_ones_own_prunes_nothing(places: Places, tmp_path: Path) -> None:
    upkeep.back_up(places, None, keep=1, now=START)
    path, counts = upkeep.back_up(places, tmp_path / "mine.db", keep=1, now=START)
    assert (path, counts) == (tmp_path / "mine.db", THREE)
    assert len(list(places.backups.iterdir())) == 1
