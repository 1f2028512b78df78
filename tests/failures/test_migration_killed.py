"""An upgrade that is killed at any statement leaves the old database or the new one, and a backup."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from postbell.services.upkeep import upkeep
from postbell.settings import Places
from postbell.store import backup, schema
from support.old import content, layout, make_old
from support.world import START, make_database


#: Upgrades one data folder after the other, each in a child that ends itself before its nth statement, or its
#: nth commit; the child that is not asked for that many comes to the end, and is the last.
_KILLED = """
import itertools, os, shutil, signal, sys
from datetime import UTC, datetime
from pathlib import Path
import alembic.command, sqlalchemy.dialects.sqlite
from sqlalchemy import event
from sqlalchemy.engine import Engine
from postbell.services.upkeep import upkeep
from postbell.settings import Places
from postbell.store import schema
from postbell.store.tables import core as tables

def end_before(n):
    left = [n]
    def count(*_):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
    event.listen(Engine, "before_cursor_execute", count)
    event.listen(Engine, "commit", count)

def work(folder):
    if template:
        places = Places(data_dir=folder, config=folder / "config.toml")
        upkeep.upgrade(places, keep=3, now=datetime(2026, 11, 23, 9, tzinfo=UTC))
    else:
        schema.migrate(folder / "postbell.db")

template, root = sys.argv[1], Path(sys.argv[2])
for n in itertools.count(1):
    folder = root / str(n)
    folder.mkdir(mode=0o700)
    if template:
        shutil.copy(template, folder / "postbell.db")
    pid = os.fork()
    if not pid:
        end_before(n)
        work(folder)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != -signal.SIGKILL:
        break
print(n)
"""


def _kill_at_each(template: Path | str, root: Path) -> int:
    """Leave a folder for each moment; return how many there are, of which the last came to its end."""
    root.mkdir()
    command = [sys.executable, "-c", _KILLED, str(template), str(root)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=1200)
    return int(done.stdout)


def _revision(path: Path) -> str:
    with closing(sqlite3.connect(path)) as database:
        return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_an_upgrade_that_is_killed_at_any_statement_leaves_the_old_or_the_new_and_goes_on(
    tmp_path: Path, revision: str
) -> None:
    template = tmp_path / "template.db"
    make_old(template, revision)
    backup.fold(template)
    before, whole = layout(template), layout(make_database(tmp_path))
    rows = content(template)
    moments = _kill_at_each(template, tmp_path / "left")
    assert moments > 10
    for moment in range(1, moments + 1):
        places = Places(data_dir=tmp_path / "left" / str(moment), config=tmp_path / "config.toml")
        path = places.database
        assert (_revision(path), layout(path)) == (
            (schema.HEAD, whole) if moment == moments else (revision, before)
        )
        assert backup.check(path) == []
        for copy in backup.list_backups(places.backups, START):
            assert (_revision(copy), backup.check(copy)) == (revision, [])
        if moment < moments:
            assert content(path) == rows
            saved = upkeep.upgrade(places, keep=3, now=START)
            assert saved is not None
            assert _revision(saved) == revision
        assert layout(path) == whole
        assert {table: len(found) for table, found in content(path).items()} == {
            table: len(found) for table, found in rows.items()
        }
        assert backup.check(path) == []
        shutil.rmtree(places.data_dir)


def test_a_first_start_that_is_killed_leaves_nothing_or_everything(tmp_path: Path) -> None:
    moments = _kill_at_each("", tmp_path / "left")
    assert moments > 20
    complete = layout(make_database(tmp_path))
    for moment in range(1, moments + 1):
        path = tmp_path / "left" / str(moment) / "postbell.db"
        assert layout(path) == (complete if moment == moments else {})
        schema.migrate(path)
        assert layout(path) == complete
        assert backup.check(path) == []
