from __future__ import annotations

import json
import os
import pty
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from postbell.__main__ import main
from postbell.services.upkeep import upkeep
from postbell.settings import Places
from postbell.store.engine import Store
from postbell.store.lock import DaemonLock
from support.old import make_old
from support.world import add_post


@pytest.fixture
def places(tmp_path: Path) -> Places:
    made = Places(data_dir=tmp_path / "data", config=tmp_path / "config.toml")
    upkeep.make_places(made, "")
    return made


def words(places: Places, *more: str) -> list[str]:
    return ["--data-dir", str(places.data_dir), "--config", str(places.config), *more]


def json_of(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (line,) = capsys.readouterr().out.splitlines()
    found: dict[str, Any] = json.loads(line)
    assert found.pop("schema_version") == 1
    return found


def name_an_account(places: Places, name: str) -> None:
    with closing(sqlite3.connect(places.database)) as database, database:
        database.execute(
            "INSERT INTO account (name, network, credentials, session, health, setbacks, created_at) "
            "VALUES (?, 'folder', '{}', '{}', 'ok', 0, '2026-11-22 00:00:00.000000')",
            (name,),
        )


def accounts_in(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [row[0] for row in database.execute("SELECT name FROM account ORDER BY name")]


def damage(places: Places) -> None:
    places.database.write_bytes(b"This is not a database. " * 400)


def test_check_says_that_a_sound_database_is_sound(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(places, "db", "check")) == 0
    assert "is sound" in capsys.readouterr().out


def test_check_lists_what_is_wrong_and_exits_with_1(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(places)
    assert main(words(places, "db", "check")) == 1
    told = capsys.readouterr()
    assert "not a database" in told.out
    assert "postbell db restore latest" in told.err


def test_check_tells_programs_the_same(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    damage(places)
    assert main(words(places, "db", "check", "--json")) == 1
    found = json_of(capsys)
    assert (found["path"], found["sound"]) == (str(places.database), False)
    assert found["problems"]


def test_check_finds_a_row_that_refers_to_nothing(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(places.database)) as database, database:
        database.execute(
            "INSERT INTO attempt (delivery_id, kind, started_at) VALUES (77, 'publish', '2026-11-22')"
        )
    assert main(words(places, "db", "check")) == 1
    assert "refers to a missing delivery" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["check", "current", "backup", "upgrade"])
def test_without_a_database_every_command_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    nowhere = Places(data_dir=tmp_path / "none", config=tmp_path / "none.toml")
    tmp_path.joinpath("none").mkdir()
    assert main(words(nowhere, "db", command)) == 3
    assert "postbell init" in capsys.readouterr().err
    assert not nowhere.database.exists()


def test_a_backup_goes_to_the_named_file_and_says_what_is_in_it(
    places: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name_an_account(places, "blog")
    target = tmp_path / "copy.db"
    assert main(words(places, "db", "backup", str(target))) == 0
    assert f"Backed up to {target}: 1 in account" in capsys.readouterr().out
    assert accounts_in(target) == ["blog"]
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_backup_without_a_name_goes_to_the_folder_of_backups(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(places, "db", "backup", "--json")) == 0
    found = json_of(capsys)
    assert Path(found["path"]).parent == places.backups
    assert found["rows"]["post"] == 0


def test_only_as_many_backups_stay_as_are_configured(places: Places) -> None:
    places.config.write_text("[backup]\nkeep = 1\nkeep_weeks = 0\n")
    (places.backups / "postbell-0001-20200101T000000Z.db").write_bytes(b"old")
    os.utime(places.backups / "postbell-0001-20200101T000000Z.db", (1, 1))
    assert main(words(places, "db", "backup", "--quiet")) == 2  # a global option stands before the command
    assert main(["--quiet", *words(places, "db", "backup")]) == 0
    assert len(list(places.backups.iterdir())) == 1


@pytest.mark.parametrize("target", [".", "data/postbell.db"])
def test_a_backup_never_takes_the_place_of_the_database_or_of_a_folder(
    places: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    before = places.database.read_bytes()
    assert main(words(places, "db", "backup", str(tmp_path / target))) == 4
    assert "name a new file" in capsys.readouterr().err
    assert places.database.read_bytes() == before


def test_on_a_terminal_a_backup_shows_how_far_it_is(places: Places) -> None:
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "postbell", *words(places, "db", "backup")]
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=follower, check=True)
    os.close(follower)
    shown = os.read(leader, 10_000).decode()
    os.close(leader)
    assert "Copying" in shown
    assert "100%" in shown


def test_restoring_brings_the_latest_backup_back_and_keeps_the_old_database(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    name_an_account(places, "before")
    assert main(["-q", *words(places, "db", "backup")]) == 0
    name_an_account(places, "after")
    assert main(words(places, "db", "restore", "latest", "--yes", "--json")) == 0
    found = json_of(capsys)
    assert accounts_in(places.database) == ["before"]
    assert accounts_in(Path(found["replaced"])) == ["after", "before"]
    assert found["rows"]["account"] == 1


def test_the_latest_backup_is_none_of_a_clock_that_was_fast(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-q", *words(places, "db", "backup")]) == 0
    (made,) = places.backups.iterdir()
    fast = made.rename(made.with_name("postbell-0004-20360101T000000Z.db"))
    os.utime(fast, (datetime(2036, 1, 1, tzinfo=UTC).timestamp(),) * 2)
    name_an_account(places, "since")
    assert main(["-q", *words(places, "db", "backup")]) == 0
    (newer,) = set(places.backups.iterdir()) - {fast}
    damage(places)
    assert main(words(places, "secrets", "decrypt", "--yes")) == 1
    assert f"postbell db restore {newer}" in capsys.readouterr().err
    assert main(words(places, "db", "restore", "latest", "--yes", "--json")) == 0
    assert json_of(capsys)["source"] == str(newer)
    assert accounts_in(places.database) == ["since"]


def test_restoring_where_the_database_is_gone_names_no_old_one(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-q", *words(places, "db", "backup")]) == 0
    places.database.unlink()
    assert main(words(places, "db", "restore", "latest", "--yes", "--json")) == 0
    assert json_of(capsys)["replaced"] is None
    places.database.unlink()
    assert main(words(places, "db", "restore", "latest", "--yes")) == 0
    told = capsys.readouterr().out
    assert "There was no database any more." in told
    assert "replaced-" not in told


def test_restoring_names_what_it_is_in_doubt_of(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(Store(places.database)) as store:
        post = add_post(store, to=("ann",), at=datetime(2020, 1, 1, tzinfo=UTC))
    assert main(["-q", *words(places, "db", "backup")]) == 0
    assert main(words(places, "db", "restore", "latest", "--yes")) == 0
    told = capsys.readouterr()
    assert "Restored" in told.out
    assert f"due since then, and perhaps published: {post.id}." in told.err
    assert "look, then `postbell settle`" in told.err


def test_restoring_asks_on_a_terminal_and_does_nothing_without_a_yes(places: Places) -> None:
    name_an_account(places, "before")
    assert main(["-q", *words(places, "db", "backup")]) == 0
    name_an_account(places, "after")
    leader, follower = pty.openpty()
    os.write(leader, b"n\n")
    command = [sys.executable, "-m", "postbell", *words(places, "db", "restore", "latest")]
    done = subprocess.run(command, stdin=follower, capture_output=True, text=True, check=False)
    os.close(leader)
    os.close(follower)
    assert done.returncode == 1
    assert "nothing was done" in done.stderr
    assert accounts_in(places.database) == ["after", "before"]


def test_nothing_is_restored_where_nobody_can_be_asked(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    name_an_account(places, "before")
    assert main(["-q", *words(places, "db", "backup")]) == 0
    name_an_account(places, "after")
    assert main(["--no-input", *words(places, "db", "restore", "latest")]) == 2
    assert "nobody can be asked; give --yes" in capsys.readouterr().err
    assert accounts_in(places.database) == ["after", "before"]


def test_a_mark_that_cannot_be_written_does_not_undo_a_restore(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-q", *words(places, "db", "backup")]) == 0
    places.mark.mkdir()
    capsys.readouterr()
    assert main(words(places, "db", "restore", "latest", "-y")) == 0
    assert f"{places.mark} cannot be written (Is a directory)" in capsys.readouterr().err
    assert main(["--json", *words(places, "db", "restore", "latest", "-y")]) == 0
    assert json_of(capsys)["unmarked"] == "Is a directory"


def test_restoring_what_is_not_there_names_the_backups_that_are(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(places, "db", "restore", "latest", "-y")) == 3
    assert main(words(places, "db", "restore", "/nowhere.db", "-y")) == 3
    assert "There is no backup at /nowhere.db" in capsys.readouterr().err


def test_a_damaged_backup_is_refused_and_nothing_changes(
    places: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name_an_account(places, "blog")
    (tmp_path / "bad.db").write_bytes(b"This is not a database. " * 400)
    assert main(words(places, "db", "restore", str(tmp_path / "bad.db"), "-y")) == 1
    assert "nothing was changed" in capsys.readouterr().err
    assert accounts_in(places.database) == ["blog"]


def test_nothing_is_restored_or_upgraded_under_a_working_daemon(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-q", *words(places, "db", "backup")]) == 0
    lock = DaemonLock(places.data_dir)
    lock.acquire()
    try:
        assert main(words(places, "db", "restore", "latest", "-y")) == 75
        assert main(words(places, "db", "upgrade")) == 75
    finally:
        lock.release()
    assert str(os.getpid()) in capsys.readouterr().err


def test_a_current_database_needs_no_upgrade(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(places, "db", "upgrade")) == 0
    assert "Nothing to do" in capsys.readouterr().out
    assert main(words(places, "db", "upgrade", "--json")) == 0
    assert json_of(capsys) == {"schema": "0004", "backup": None}


def test_an_upgrade_makes_a_backup_first(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    places.database.unlink()
    make_old(places.database)
    assert main(words(places, "db", "upgrade")) == 0
    assert "Upgraded to schema 0004" in capsys.readouterr().out
    assert len(list(places.backups.iterdir())) == 1


def test_the_database_of_a_newer_postbell_is_left_alone(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(places.database)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    assert main(words(places, "db", "upgrade")) == 78
    assert main(words(places, "db", "current", "--json")) == 0
    found = json_of(capsys)
    assert (found["schema"], found["needed"], found["current"]) == ("9999", "0004", False)


def test_the_schema_is_shown(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(places, "db", "current")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["database", "schema", "needed"]
