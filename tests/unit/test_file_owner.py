from __future__ import annotations

import os
from pathlib import Path

from postbell.durable import create_file
from postbell.store import backup
from support.disk import needs_root
from support.world import make_database


_NOBODY = 65534


def test_a_database_that_root_makes_belongs_to_the_owner_of_its_folder(tmp_path: Path) -> None:
    needs_root("only root can make files for somebody else")
    os.chown(tmp_path, _NOBODY, _NOBODY)
    create_file(tmp_path / "postbell.db")
    assert (tmp_path / "postbell.db").stat().st_uid == _NOBODY


def test_a_backup_that_root_makes_elsewhere_stays_with_root(tmp_path: Path) -> None:
    needs_root("only root can make files for somebody else")
    data, home = tmp_path / "data", tmp_path / "home"
    for folder in (data, data / "backups", home):
        folder.mkdir()
        os.chown(folder, _NOBODY, _NOBODY)
    database = make_database(data)
    for folder, owner in ((data / "backups", _NOBODY), (home, 0)):
        backup.backup(database, folder / "copy.db")
        assert (folder / "copy.db").stat().st_uid == owner
