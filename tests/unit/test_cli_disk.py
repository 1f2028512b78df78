"""A database that somebody else holds, and a disk without room: try later, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from postbell.store.engine import LOCK_WAIT, Store
from support.command import Command, with_accounts
from support.disk import fill, small_disk


@pytest.fixture
def cli(tmp_path: Path) -> Command:
    return with_accounts(tmp_path)


@pytest.fixture
def full(cli: Command, tmp_path: Path) -> Iterator[Command]:
    """The same Postbell on a small disk that is full."""
    with small_disk(tmp_path / "disk", kilobytes=1024) as disk:
        there = Command(disk)
        shutil.copytree(cli.data, there.data)
        shutil.copy(cli.config, there.config)
        there.done("account", "list")
        fill(disk)
        yield there


def test_a_locked_database_is_told_and_nothing_is_stored(
    cli: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postbell.app.Store", partial(Store, lock_wait=0.05))
    before = cli.stored()
    with closing(sqlite3.connect(cli.data / "postbell.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        ran = cli("add", "Hello", "--to", "site", "--now")
        assert cli("list").code == 0  # whoever only reads waits for nobody
    assert ran.code == 75
    assert "Another program has locked the database" in ran.err
    assert "nothing was stored" in ran.err
    assert cli.stored() == before


def test_a_database_that_is_locked_for_long_is_waited_for_and_then_told(cli: Command) -> None:
    before = cli.stored()
    with closing(sqlite3.connect(cli.data / "postbell.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        begun = time.monotonic()
        ran = cli("add", "Hello", "--to", "site", "--now", "--json")
        assert time.monotonic() - begun >= LOCK_WAIT - 1
    assert (ran.code, ran.error["code"]) == (75, "database_locked")
    assert cli.stored() == before


def test_a_post_does_not_fit_on_a_full_disk(full: Command) -> None:
    ran = full("add", "Hello " * 20_000, "--to", "site", "--now")
    assert ran.code == 75
    assert "is full; nothing was stored. Free some space and try again." in ran.err
    (full.folder / "filler").unlink()
    assert full.done("list").out == ""


def test_a_picture_does_not_fit_on_a_full_disk(full: Command, tmp_path: Path) -> None:
    Image.effect_noise((512, 512), 100).save(tmp_path / "bell.png")
    filler = full.folder / "filler"
    os.truncate(filler, filler.stat().st_size - 100_000)  # room for SQLite's side files, not for the picture
    ran = full("add", "Hello", "--to", "site", "--media", str(tmp_path / "bell.png"))
    assert ran.code == 75
    assert f"bell.png cannot be stored in {full.data}/media: the disk is full. Nothing was stored" in ran.err
    filler.unlink()
    assert full.stored()["files"] == []
    assert full.done("list").out == ""


def test_a_database_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", kilobytes=64) as disk:
        cli = Command(disk)
        ran = cli("init")
        assert ran.code == 75
        assert "full" in ran.err
        assert not (cli.data / "postbell.db").exists()
