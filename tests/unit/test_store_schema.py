from __future__ import annotations

import importlib
import os
import pkgutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from postbell import store as store_package
from postbell.durable import create_file
from postbell.errors import BadConfig, DaemonRunning, Damaged, DatabaseLocked, NotFound, SchemaTooNew
from postbell.services.upkeep import upkeep
from postbell.settings import Places
from postbell.store import backup, schema
from postbell.store.engine import Store
from postbell.store.lock import DaemonLock
from postbell.store.tables.base import Base
from postbell.store.triggers import make_triggers
from support.old import layout, make_old
from support.world import START, add_post, make_database, open_store, post_of


def revision(path: Path) -> str | None:
    with closing(Store(path)) as store:
        return schema.revision_of(store)


# The tables and the migrations say the same.


def test_the_code_knows_every_migration_and_the_newest() -> None:
    scripts = ScriptDirectory.from_config(schema.alembic_config())
    assert scripts.get_current_head() == schema.HEAD
    assert {script.revision for script in scripts.walk_revisions()} == set(schema.KNOWN)


def test_a_migrated_database_is_what_the_tables_say(tmp_path: Path) -> None:
    for module in pkgutil.iter_modules(store_package.__path__):  # tables stand in several of them
        importlib.import_module(f"postbell.store.{module.name}")
    made = tmp_path / "made.db"
    engine = create_engine(f"sqlite:///{made}")
    Base.metadata.create_all(engine)
    with engine.begin() as tx:
        make_triggers(tx)
    engine.dispose()
    assert layout(make_database(tmp_path)) == layout(made)


def test_alembic_finds_nothing_to_change(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{make_database(tmp_path)}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_a_new_database_is_private_and_in_wal_mode(tmp_path: Path) -> None:
    path = tmp_path / "postbell.db"
    schema.migrate(path)
    assert path.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert revision(path) == schema.HEAD


def test_migrating_what_is_current_changes_nothing(tmp_path: Path) -> None:
    path = make_database(tmp_path)
    before = path.read_bytes()
    schema.migrate(path)
    assert path.read_bytes() == before


def test_a_database_that_is_locked_is_not_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "LOCK_WAIT", 0.05)
    path = make_database(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseLocked):
            schema.migrate(path)


# Databases of other versions.


def test_a_current_database_is_accepted(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        schema.require_current(store)


def test_a_database_without_tables_is_made_by_init_alone(tmp_path: Path) -> None:
    places = Places(data_dir=tmp_path, config=tmp_path / "config.toml")
    create_file(places.database)
    with closing(Store(places.database)) as store:
        assert schema.revision_of(store) is None
        with pytest.raises(NotFound, match=r"no database at .*postbell init"):
            schema.require_current(store)
    with pytest.raises(NotFound, match="postbell init"):
        upkeep.upgrade(places, keep=3, now=START)
    assert not places.backups.exists()
    upkeep.make_places(places, "")
    assert revision(places.database) == schema.HEAD


def test_an_old_database_is_not_current_and_the_mend_is_named(tmp_path: Path) -> None:
    make_old(tmp_path / "postbell.db", "0001")
    with (
        closing(Store(tmp_path / "postbell.db")) as store,
        pytest.raises(BadConfig, match=r"has schema 0001.*postbell db upgrade") as said,
    ):
        schema.require_current(store)
    assert said.value.exit_code == 78


def test_a_database_that_does_not_say_which_schema_it_has_is_damaged(tmp_path: Path) -> None:
    places = places_in(tmp_path)
    with closing(sqlite3.connect(places.database)) as database, database:
        database.execute("DELETE FROM alembic_version")
    for work in (
        lambda: upkeep.upgrade(places, keep=3, now=START),
        lambda: upkeep.make_places(places, ""),
    ):
        with pytest.raises(Damaged, match="which schema"):
            work()


def test_a_newer_database_is_refused_untouched(tmp_path: Path) -> None:
    places = places_in(tmp_path)
    set_revision(places.database, "9999")
    before = places.database.read_bytes()
    with closing(Store(places.database)) as store, pytest.raises(SchemaTooNew, match="schema 9999") as said:
        schema.require_current(store)
    assert said.value.exit_code == 78
    with pytest.raises(SchemaTooNew):
        upkeep.upgrade(places, keep=3, now=START)
    assert places.database.read_bytes() == before
    assert list(places.backups.iterdir()) == []


def set_revision(path: Path, name: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (name,))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def places_in(folder: Path) -> Places:
    places = Places(data_dir=folder, config=folder / "config.toml")
    make_database(folder)
    places.backups.mkdir()
    return places


# An upgrade that goes wrong. These use a second migration that exists only here.

SECOND = """
import sqlalchemy as sa
from alembic import op

revision = "0999"
down_revision = "{head}"


def upgrade():
    with op.batch_alter_table("post", recreate="always") as batch:
        batch.add_column(sa.Column("colour", sa.String()))
    {then}
"""
Install = Callable[[str], None]


@pytest.fixture
def second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a second migration that writes the posts anew, and then does what it is told."""
    folder = tmp_path / "versions"
    folder.mkdir()
    own = Path(schema.__file__).parent / "migrations/versions"
    original = schema.alembic_config

    def config() -> Config:
        made = original()
        made.set_main_option("version_locations", os.pathsep.join([str(own), str(folder)]))
        return made

    def install(then: str) -> None:
        (folder / "second.py").write_text(SECOND.format(head=schema.KNOWN[-1], then=then))
        monkeypatch.setattr(schema, "alembic_config", config)

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return install


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(tmp_path: Path, second: Install) -> None:
    path = make_database(tmp_path)
    before = layout(path)
    second("raise RuntimeError('half-way')")
    with pytest.raises(RuntimeError, match="half-way"):
        schema.migrate(path)
    assert (layout(path), revision(path)) == (before, schema.HEAD)
    second("pass")
    schema.migrate(path)
    assert revision(path) == "0999"
    assert "colour VARCHAR" in layout(path)["table post"]


def test_an_upgrade_writes_a_table_anew_without_loss_of_what_refers_to_it(
    tmp_path: Path, second: Install
) -> None:
    with open_store(tmp_path) as store:
        made = add_post(store, to=("ann", "bob"))
        second("pass")
        schema.migrate(store.path)
        assert post_of(store, made.id) == made


def test_an_upgrade_that_would_leave_dangling_rows_is_taken_back(tmp_path: Path, second: Install) -> None:
    with open_store(tmp_path) as store:
        made = add_post(store)
        second("op.execute('DELETE FROM account')")
        with pytest.raises(Damaged, match="1 dangling rows; nothing was changed"):
            schema.migrate(store.path)
        assert post_of(store, made.id) == made
    assert revision(tmp_path / "postbell.db") == schema.HEAD


def test_an_upgrade_makes_a_backup_first(
    tmp_path: Path, second: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = places_in(tmp_path)
    with closing(Store(places.database)) as store:
        made = add_post(store)
    assert upkeep.upgrade(places, keep=3, now=START) is None
    was = schema.HEAD
    monkeypatch.setattr(schema, "HEAD", "0999")
    second("pass")
    saved = upkeep.upgrade(places, keep=3, now=START)
    assert saved == places.backups / f"postbell-{was}-20261123T090000Z.db"
    assert (revision(saved), revision(places.database)) == (was, "0999")
    with closing(Store(saved)) as store:
        assert post_of(store, made.id) == made


def test_the_backup_stays_when_the_upgrade_fails(
    tmp_path: Path, second: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = places_in(tmp_path)
    monkeypatch.setattr(schema, "HEAD", "0999")
    second("raise RuntimeError('half-way')")
    with pytest.raises(RuntimeError):
        upkeep.upgrade(places, keep=3, now=START)
    (saved,) = places.backups.iterdir()
    assert backup.check(saved) == []


def test_nothing_is_upgraded_while_a_daemon_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = places_in(tmp_path)
    monkeypatch.setattr(schema, "HEAD", "0999")
    lock = DaemonLock(places.data_dir)
    lock.acquire()
    with pytest.raises(DaemonRunning):
        upkeep.upgrade(places, keep=3, now=START)
    lock.release()


# A first start that breaks off.


def test_a_first_start_that_was_killed_is_finished_by_the_next(tmp_path: Path) -> None:
    places = Places(data_dir=tmp_path / "data", config=tmp_path / "config.toml")
    upkeep.make_places(places, "")
    whole = layout(places.database)
    places.database.unlink()
    create_file(places.database)
    assert upkeep.make_places(places, "") == [places.database]
    assert layout(places.database) == whole
    assert upkeep.make_places(places, "") == []


def test_a_first_start_that_fails_leaves_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> None:
        path.with_name("postbell.db-wal").touch()
        raise Damaged

    monkeypatch.setattr(schema, "migrate", fail)
    places = Places(data_dir=tmp_path / "data", config=tmp_path / "config.toml")
    with pytest.raises(Damaged):
        upkeep.make_places(places, "")
    assert list(places.data_dir.glob("postbell.db*")) == []
