from __future__ import annotations

import os
import re
import sqlite3
import stat
import traceback
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError, StatementError

from postbell.durable import create_file
from postbell.errors import Damaged, DatabaseLocked, DiskFull, NotFound, PostbellError
from postbell.store import accounts, deliveries
from postbell.store.engine import Store, explain, require_file
from postbell.store.tables.core import account, delivery, post
from support.disk import fill, small_disk
from support.world import START, add_account, add_post, claim, make_database, open_store, post_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path, lock_wait=0.05) as opened:
        yield opened


def names(store: Store) -> list[str]:
    with store.read() as tx:
        return [found.name for found in accounts.list_accounts(tx)]


# What every connection is set to.


def test_a_commit_is_on_the_disk_when_it_returns(store: Store) -> None:
    with store.write() as tx:
        said = {name: tx.execute(text(f"PRAGMA {name}")).scalar_one() for name in PRAGMAS}
    assert said == PRAGMAS


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "journal_size_limit": 16_000_000}


def test_every_connection_of_the_pool_is_set_the_same(store: Store) -> None:
    with store._writer.connect() as one, store._writer.connect() as two:
        raws: list[Any] = [connection.connection.driver_connection for connection in (one, two)]
        assert raws[0] is not raws[1]
        for raw in raws:
            said = {name: raw.execute(f"PRAGMA {name}").fetchone()[0] for name in PRAGMAS}
            assert said == PRAGMAS


def test_a_writer_takes_the_lock_before_it_reads(store: Store) -> None:
    begun: list[str] = []
    event.listen(store._writer, "before_cursor_execute", lambda _c, _cur, sql, *_: begun.append(sql))
    with store.write() as tx:
        tx.execute(select(post.c.id))
    assert begun[0] == "BEGIN IMMEDIATE"


def test_a_reader_does_not_wait_for_a_writer(store: Store) -> None:
    add_account(store, "ann")
    with store.write() as tx:
        tx.execute(account.update().values(name="bob"))
        assert names(store) == ["ann"]
    assert names(store) == ["bob"]


def test_a_reader_sees_one_unchanging_state(store: Store) -> None:
    add_account(store, "ann")
    with store.read() as tx:
        assert len(accounts.list_accounts(tx)) == 1
        add_account(store, "bob")
        assert len(accounts.list_accounts(tx)) == 1
    assert names(store) == ["ann", "bob"]


def test_a_reader_cannot_write(store: Store) -> None:
    add_account(store, "ann")
    with pytest.raises(PostbellError), store.read() as tx:
        tx.execute(account.update().values(name="bob"))
    assert names(store) == ["ann"]


def test_what_fails_in_the_middle_leaves_nothing(store: Store) -> None:
    made = add_post(store)
    with pytest.raises(ZeroDivisionError), store.write() as tx:
        deliveries.cancel_waiting(tx, made.id, START + timedelta(days=1 // int(tx.closed)))
    assert post_of(store, made.id) == made


def test_a_fault_of_ours_is_not_called_something_else(store: Store) -> None:
    with pytest.raises(DBAPIError, match="no such table"), store.write() as tx:
        tx.execute(text("SELECT * FROM unheard_of"))
    assert explain(ValueError("no"), store.path) is None


# Times.


def test_a_time_is_stored_as_its_instant(store: Store) -> None:
    berlin = timezone(timedelta(hours=2))
    made = add_post(store, at=datetime(2026, 7, 1, 10, 0, tzinfo=berlin))
    found = post_of(store, made.id)
    assert found.at == datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
    assert found.at.tzinfo is UTC
    with store.read() as tx:
        stored = tx.execute(text("SELECT at, (SELECT due_at FROM delivery) FROM post")).one()
    assert tuple(stored) == ("2026-07-01 08:00:00.000000", "2026-07-01 08:00:00.000000")


NAIVE = re.compile("naive|aware|zone", re.IGNORECASE)


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    naive = START.replace(tzinfo=None)
    with pytest.raises(StatementError, match=NAIVE):
        add_post(store, at=naive)
    with pytest.raises(StatementError, match=NAIVE), store.read() as tx:
        tx.execute(select(delivery.c.id).where(delivery.c.due_at < naive))


# Other programs, other owners.


def test_a_database_that_another_program_has_locked_stores_nothing(store: Store) -> None:
    made = add_post(store)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseLocked, match="Another program has locked") as said:
            claim(store)
        assert str(store.path) in str(said.value)
        assert said.value.exit_code == 75
        other.execute("ROLLBACK")
    assert post_of(store, made.id) == made
    assert len(claim(store)) == 1


def test_a_glance_waits_for_nobody_and_who_reads_next_waits_again(tmp_path: Path) -> None:
    with closing(Store(make_database(tmp_path), lock_wait=7)) as store:
        asked = text("PRAGMA busy_timeout")
        with store.glance() as tx:
            assert tx.execute(asked).scalar_one() == 0
        with store.read() as tx:
            assert tx.execute(asked).scalar_one() == 7_000


def test_a_database_that_another_program_keeps_for_itself_is_locked_for_readers_too(tmp_path: Path) -> None:
    path = make_database(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO alembic_version VALUES ('x')")
        with open_store(tmp_path, lock_wait=0.05) as store:
            with pytest.raises(DatabaseLocked):
                names(store)
            other.close()
            assert names(store) == []


def test_a_database_that_is_gone_is_not_made_anew(store: Store) -> None:
    store.path.unlink()
    with pytest.raises(NotFound, match=r"postbell init"):
        names(store)
    with pytest.raises(NotFound, match=r"postbell init"):
        require_file(store.path)
    assert not store.path.exists()


def test_an_emptied_file_is_not_opened_while_there_are_traces_of_what_it_held(tmp_path: Path) -> None:
    path, log = tmp_path / "postbell.db", tmp_path / "postbell.db-wal"
    path.touch()
    log.write_text("what was written last")
    with closing(Store(path)) as store, pytest.raises(NotFound, match=f"is empty, but once.*{log}"):
        names(store)
    assert (path.read_text(), log.read_text()) == ("", "what was written last")


def test_of_many_traces_of_a_lost_database_the_newest_are_named_and_the_others_counted(
    tmp_path: Path,
) -> None:
    path = tmp_path / "postbell.db"
    (tmp_path / "postbell.mark").touch()
    (tmp_path / "backups").mkdir()
    for day in range(1, 8):
        (tmp_path / f"backups/postbell-0003-2026110{day}T000000Z.db").touch()
    with pytest.raises(NotFound) as said:
        require_file(path)
    told = str(said.value)
    assert all(name in told for name in ("postbell.mark", "1107T", "1106T"))
    assert f" and 5 more (`*.mark`, `replaced-*.db` and `backups/*.db` in {tmp_path})." in told


def test_a_database_that_belongs_to_somebody_else_is_named(tmp_path: Path) -> None:
    path = tmp_path / "postbell.db"
    path.mkdir()  # stands for every file that SQLite cannot open; root may read all others
    with closing(Store(path)) as store, pytest.raises(PostbellError, match="Check its owner"):
        names(store)


@pytest.mark.parametrize("name", ["what?.d", "a#b", "100%25", "with space", "ünï", "a&b=c;d"])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    with open_store(folder) as store:
        add_account(store, "ann")
        assert names(store) == ["ann"]
        assert (folder / "postbell.db").exists()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_file_and_its_side_files_are_private(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        with open_store(tmp_path) as store:
            add_account(store)
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(old)
    assert modes == {"postbell.db": 0o600, "postbell.db-wal": 0o600, "postbell.db-shm": 0o600}


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_text("content")
    create_file(path)
    assert path.read_text() == "content"


# A file that is not sound.


def test_what_is_no_database_is_damaged_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "postbell.db"
    path.write_bytes(b"these are not the bytes of a database " * 200)
    before = path.read_bytes()
    with closing(Store(path)) as store, pytest.raises(Damaged, match="postbell db restore"):
        names(store)
    assert path.read_bytes() == before


def test_a_damaged_page_is_told_and_nothing_is_stored(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        for _ in range(50):
            add_post(store, text="x" * 2000)
    path = tmp_path / "postbell.db"
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * (size - 8192))
    before = path.read_bytes()
    with open_store(tmp_path) as store, pytest.raises(Damaged, match="is damaged"):
        add_post(store)
    assert path.read_bytes() == before


def test_text_that_nobody_has_written_is_damage(store: Store) -> None:
    made = add_post(store)
    with store.write() as tx:
        tx.execute(text("UPDATE post SET title = CAST(x'ff41' AS TEXT)"))
    with pytest.raises(Damaged, match="is damaged"):
        post_of(store, made.id)


def test_a_name_that_nobody_has_written_is_damage(store: Store) -> None:
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("PRAGMA writable_schema = ON")
        other.execute(
            "UPDATE sqlite_master SET name = CAST(x'ff41' AS TEXT), sql = 'x' WHERE name = 'ix_post_at'"
        )
    with pytest.raises(Damaged, match="is damaged"):
        names(store)


# A full disk.


def test_a_full_disk_stores_nothing_and_is_told(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", kilobytes=1500) as folder, open_store(folder) as store:
        made = add_post(store)
        filler = fill(folder)
        with pytest.raises(DiskFull, match="is full; nothing was stored") as said:
            add_post(store, text="x" * 1_000_000)
        assert said.value.exit_code == 75
        assert post_of(store, made.id) == made
        with store.read() as tx:
            count = tx.execute(text("SELECT count(*) FROM post")).scalar_one()
        filler.unlink()
        add_post(store, text="x" * 100_000)
        with store.read() as tx:
            assert tx.execute(text("SELECT count(*) FROM post")).scalar_one() == count + 1


def test_a_claim_that_the_disk_cannot_take_claims_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", kilobytes=1500) as folder:
        with open_store(folder) as store:
            made = add_post(store)
        filler = fill(folder)  # not even the write-ahead log can be begun
        with open_store(folder) as store:
            with pytest.raises(DiskFull):
                claim(store)
            filler.unlink()
            assert post_of(store, made.id) == made
            assert len(claim(store)) == 1


@pytest.mark.parametrize(
    ("obstacle", "kind"),
    [
        ("CREATE TRIGGER no BEFORE UPDATE ON account BEGIN SELECT RAISE(ABORT, 'no'); END", DBAPIError),
        ("PRAGMA max_page_count = 1", DiskFull),
    ],
)
def test_what_a_statement_was_given_is_in_no_error(
    store: Store, obstacle: str, kind: type[Exception]
) -> None:
    found = add_account(store, "ann")
    secret = "canary" * 100_000
    with store.write() as tx:
        tx.execute(text(obstacle))
    with pytest.raises(kind) as caught, store.write() as tx:
        accounts.save_session(tx, found.id, {"access_jwt": secret})
    assert secret[:12] not in "".join(traceback.format_exception(caught.value))
