from __future__ import annotations

import os
from pathlib import Path

import pytest

from postbell.store.engine import create_file


_NOBODY = 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files for somebody else")
def test_a_database_that_root_makes_belongs_to_the_owner_of_its_folder(tmp_path: Path) -> None:
    os.chown(tmp_path, _NOBODY, _NOBODY)
    create_file(tmp_path / "postbell.db")
    assert (tmp_path / "postbell.db").stat().st_uid == _NOBODY
