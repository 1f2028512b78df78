from __future__ import annotations

import os
from pathlib import Path

import pytest

from postbell.durable import create_file
from postbell.errors import BadConfig, NotFound
from postbell.services.upkeep import upkeep
from postbell.settings import Places
from support.disk import needs_root
from support.world import START


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(data_dir=tmp_path / "data", config=tmp_path / "etc/config.toml")


def test_what_is_made_is_private(places: Places) -> None:
    old = os.umask(0)
    try:
        made = upkeep.make_places(places, "# nothing\n")
    finally:
        os.umask(old)
    assert made == [places.data_dir, places.media, places.backups, places.config, places.database]
    modes = {path: path.stat().st_mode & 0o777 for path in made}
    assert modes == {path: 0o700 if path.is_dir() else 0o600 for path in made}
    assert places.config.read_text() == "# nothing\n"


def test_what_is_there_is_left_as_it_is(places: Places) -> None:
    upkeep.make_places(places, "# first\n")
    before = places.database.read_bytes()
    assert upkeep.make_places(places, "# second\n") == []
    assert places.config.read_text() == "# first\n"
    assert places.database.read_bytes() == before


def test_a_folder_that_others_can_read_is_refused_with_the_mend(places: Places) -> None:
    upkeep.make_places(places, "")
    upkeep.require_private(places)
    places.data_dir.chmod(0o750)
    with pytest.raises(BadConfig, match=f"mode 0750.*chmod 700 {places.data_dir}"):
        upkeep.require_private(places)


def test_where_there_is_no_database_there_is_nothing_to_look_after(places: Places) -> None:
    places.data_dir.mkdir()
    for work in (
        lambda: upkeep.upgrade(places, keep=1, now=START),
        lambda: upkeep.back_up(places, None, keep=1, now=START),
        lambda: upkeep.require_sound(places, START),
    ):
        with pytest.raises(NotFound, match="postbell init"):
            work()


def test_what_root_makes_belongs_to_the_owner_of_the_folder(places: Places) -> None:
    needs_root("only root can give files away")
    places.data_dir.mkdir()
    os.chown(places.data_dir, 4321, 4322)
    upkeep.make_places(places, "")
    upkeep.back_up(places, None, keep=1, now=START)
    found = [places.data_dir, *places.data_dir.rglob("*")]
    assert {path.name for path in found} >= {"postbell.db", "daemon.lock", "media", "backups"}
    assert {(path.stat().st_uid, path.stat().st_gid) for path in found} == {(4321, 4322)}


def test_what_others_make_stays_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    create_file(tmp_path / "x.db")
    assert (tmp_path / "x.db").stat().st_uid == tmp_path.stat().st_uid
