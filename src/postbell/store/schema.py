"""The schema of the database file: made, checked and upgraded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from postbell.durable import create_file
from postbell.errors import BadConfig, Damaged, SchemaTooNew
from postbell.store.engine import LOCK_WAIT, Store, no_database, open_engine, told


if TYPE_CHECKING:
    from alembic.config import Config

#: The revision that this version of Postbell works with; the newest in `store/migrations/versions`.
HEAD = "0004"

#: Every revision that this version can bring to `HEAD`.
KNOWN = ("0001", "0002", "0003", "0004")


def revision_of(store: Store) -> str | None:
    """Return the revision of the database, or None if it has no tables yet. Raises Damaged."""
    with store.read() as tx:
        revisions = _revisions_in(tx)
    if revisions is not None and len(revisions) != 1:
        raise Damaged(f"The database {store.path} does not say of itself which schema it has: {revisions}.")
    return revisions[0] if revisions else None


def old_revision(store: Store) -> str | None:
    """Return the revision of a database that must be upgraded, None if it is current.

    Raises SchemaTooNew, or NotFound where there are no tables: only `init` makes some, and not where there
    was a database that has gone.
    """
    revision = revision_of(store)
    if revision == HEAD:
        return None
    if revision is None:
        raise no_database(store.path)
    if revision not in KNOWN:
        raise SchemaTooNew(
            f"The database {store.path} was written by a newer Postbell (schema {revision}, this one knows "
            f"{HEAD}). Nothing was changed. Install that version again, or restore an older backup."
        )
    return revision


def require_current(store: Store) -> None:
    """Raise where the database is not at the revision that this version works with."""
    if revision := old_revision(store):
        raise BadConfig(
            f"The database {store.path} has schema {revision}, this Postbell needs {HEAD}. "
            "Run `postbell db upgrade`: it makes a backup first."
        )


def migrate(path: Path) -> None:
    """Bring the schema to `HEAD`, whole or not at all. The caller holds the lock and has made a backup.

    Raises DatabaseLocked, DiskFull or Damaged; then nothing was changed.

    SQLite cannot change every table in place; Alembic writes it anew, and with foreign keys on that would
    delete what refers to it. They are off meanwhile, and checked before the commit.
    """
    from alembic import command
    from alembic.script import ScriptDirectory

    from postbell.store.triggers import drop_triggers, make_triggers

    create_file(path)
    engine = open_engine(path, "BEGIN IMMEDIATE", "foreign_keys = OFF", lock_wait=LOCK_WAIT)
    try:
        with told(path), engine.begin() as tx:
            config = alembic_config()
            config.attributes["connection"] = tx
            newest = ScriptDirectory.from_config(config).get_current_head()
            if _revisions_in(tx) != [newest]:
                drop_triggers(tx)
                command.upgrade(config, "head")
                make_triggers(tx)
            if broken := tx.execute(text("PRAGMA foreign_key_check")).all():
                raise Damaged(
                    f"The upgrade of {path} would leave {len(broken)} dangling rows; nothing was changed."
                )
    finally:
        engine.dispose()


def _revisions_in(tx: Connection) -> list[str] | None:
    if not inspect(tx).has_table("alembic_version"):
        return None
    return [str(each) for each in tx.execute(text("SELECT version_num FROM alembic_version")).scalars()]


def alembic_config() -> Config:
    """Return the settings of the migrations, which lie inside the package."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "postbell:store/migrations")
    config.set_main_option("path_separator", "os")
    return config
