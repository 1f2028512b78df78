"""Looking after the files: making them, upgrading, backing up, restoring."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from postbell.domain.post import Delivery
from postbell.durable import create_file, give
from postbell.errors import BadConfig, Damaged, NotFound
from postbell.services.sending import caution
from postbell.settings import Places
from postbell.store import backup, mark, schema, seal
from postbell.store.engine import Store, is_lost, no_database, require_file, traces_of
from postbell.store.lock import DaemonLock


def make_places(places: Places, example: str) -> list[Path]:
    """Make the folders, the configuration and the database that are missing; return what was made.

    Nothing that exists is changed. Raises NotFound where there was a database that has gone, or was emptied:
    an empty one in its place would forget what was published.
    """
    if is_lost(places.database):
        raise no_database(places.database)
    made = []
    for folder in (places.data_dir, places.media, places.backups):
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True)
            give(folder)
            made.append(folder)
    if not places.config.exists():
        places.config.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(places.config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(example)
        made.append(places.config)
    if not places.database.exists():
        with locked(places):
            _create(places.database)
        made.append(places.database)
    elif not _has_tables(places.database):  # an earlier run was broken off
        with locked(places):
            if traces_of(places.database):  # no: this one was emptied
                raise no_database(places.database)
            schema.migrate(places.database)
        made.append(places.database)
    return made


def upgrade(places: Places, *, keep: int, now: datetime, weeks: int = 0) -> Path | None:
    """Bring the database to the present schema; return the backup made first, None if it was current.

    Raises DaemonRunning while a daemon works on it, SchemaTooNew if it belongs to a newer Postbell, NotFound
    where there is none, or nothing in it.
    """
    with locked(places):
        return upgrade_locked(places, keep=keep, now=now, weeks=weeks)


def upgrade_locked(places: Places, *, keep: int, now: datetime, weeks: int = 0) -> Path | None:
    """Do the same for a caller that holds the daemon's lock."""
    require_file(places.database)
    with closing(Store(places.database)) as store:
        if (revision := schema.old_revision(store)) is None:
            return None
    saved = places.backups / backup.backup_name(revision, now)
    backup.backup(places.database, saved)
    schema.migrate(places.database)
    backup.prune_backups(places.backups, keep, weeks, now=now)
    return saved


def back_up(
    places: Places,
    target: Path | None,
    *,
    keep: int,
    now: datetime,
    weeks: int = 0,
    progress: backup.Progress | None = None,
    stop: backup.Stop | None = None,
) -> tuple[Path, dict[str, int]]:
    """Copy the database, also under a working daemon; return the copy and its rows by table.

    Without a target it goes to the folder of backups, of which the newest `keep` stay, and the newest of each
    of so many `weeks`. Raises Damaged where the database was emptied: a copy would take a good one's place.
    """
    require_plausible(places, now)
    path = target or places.backups / backup.backup_name(schema.HEAD, now)
    counts = backup.backup(places.database, path, progress=progress, stop=stop)
    if target is None:
        backup.prune_backups(places.backups, keep, weeks, now=now)
    return path, counts


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What a restore did."""

    #: Where the database that it replaced was kept; None if there was none any more.
    replaced: Path | None
    #: How many rows the restored one holds, by table.
    rows: dict[str, int]
    #: What was due since the backup was made, and may be public.
    doubted: list[Delivery]
    #: Why the mark beside the database could not be written; None if it was.
    unmarked: str | None = None


def restore(places: Places, source: Path, *, now: datetime) -> Restored:
    """Put a backup in the place of the database, and call unsure what may have been published since.

    Raises DaemonRunning, NotFound, or Damaged for a bad backup; then nothing was changed.
    """
    if not source.is_file():
        known = "\n".join(f"  {path}" for path in backup.list_backups(places.backups, now)) or "  none"
        raise NotFound(f"There is no backup at {source}. Backups in {places.backups}:\n{known}")
    with locked(places):
        aside = _free_name(places.data_dir, f"replaced-{now:%Y%m%dT%H%M%S}Z")
        machine, stock = mark.machine_name(), caution.Stock()

        def doubt(copy: Path) -> None:
            nonlocal stock
            schema.migrate(copy)
            with closing(Store(copy)) as store, store.write() as tx:
                stock = caution.begin_after_restore(tx, mark.read_file(places.mark), machine, now)
            backup.fold(copy)

        rows = backup.restore(source, places.database, aside=aside, prepare=doubt)
        with closing(Store(places.database)) as store, store.read() as tx:
            restored = mark.read_mark(tx)
        unmarked = None
        try:
            mark.MarkFile(places.mark).make(restored, now)
        except OSError as error:
            unmarked = error.strerror
        replaced = aside if aside.exists() else None
        return Restored(replaced=replaced, rows=rows, doubted=list(stock.doubted), unmarked=unmarked)


def _free_name(folder: Path, stem: str) -> Path:
    """Return a path for a database that neither it nor its log has yet: two may be replaced in one second."""
    taken = {path.name.partition(".")[0] for path in folder.glob(f"{stem}*")}
    names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
    return folder / f"{next(name for name in names if name not in taken)}.db"


def require_plausible(places: Places, now: datetime) -> None:
    """Raise Damaged, naming the newest backup at `now` (aware), where a glance shows the file is not sound.

    Takes no longer for a large one.
    """
    require_file(places.database)
    if problem := seal.look(places.database):
        raise _damaged(places, problem, now)


def require_sound(places: Places, now: datetime, *, stop: backup.Stop | None = None) -> None:
    """Read the whole database file; raise Damaged, naming the newest backup at `now`, where it is not sound.

    Raises sqlite3.OperationalError where `stop` says so.
    """
    require_file(places.database)
    if problems := backup.check(places.database, stop=stop):
        raise _damaged(places, problems[0], now)


def _damaged(places: Places, problem: str, now: datetime) -> Damaged:
    newest = backup.newest_backup(places.backups, now)
    mend = f"Restore with `postbell db restore {newest}`." if newest else "There is no backup to restore."
    return Damaged(f"The database {places.database} is damaged ({problem}). It was left as it is. {mend}")


def with_newest_backup(places: Places, damaged: Damaged, now: datetime) -> Damaged:
    """Return the same error, which names the newest backup at `now` (aware) too, if there is one."""
    newest = backup.newest_backup(places.backups, now)
    if newest is None or str(newest) in str(damaged):
        return damaged
    return Damaged(f"{damaged} The newest: `postbell db restore {newest}`.")


def require_private(places: Places) -> None:
    """Raise BadConfig where others can read the data folder, NotFound where there is nothing in it."""
    require_file(places.database)
    mode = places.data_dir.stat().st_mode & 0o777
    if mode & 0o077:
        raise BadConfig(
            f"Others can read {places.data_dir} (mode {mode:04o}), which holds the secrets of your accounts. "
            f"Run `chmod 700 {places.data_dir}`."
        )


def _has_tables(path: Path) -> bool:
    with closing(Store(path)) as store:
        return schema.revision_of(store) is not None


def _create(path: Path) -> None:
    """Make the database, whole or not at all."""
    create_file(path)
    try:
        schema.migrate(path)
    except BaseException:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        raise


@contextmanager
def locked(places: Places) -> Iterator[None]:
    """Keep daemons away until the block ends; raises DaemonRunning if one is there."""
    lock = DaemonLock(places.data_dir)
    lock.acquire()
    try:
        yield
    finally:
        lock.release()
