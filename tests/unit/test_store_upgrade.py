"""Databases of earlier versions, with everything that may be in them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from postbell.domain.states import DeliveryState, PostState
from postbell.store import accounts, posts, schema
from postbell.store.engine import Store
from support.old import NOW, TABLES, content, make_old
from support.world import locate


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A database of version 0.1 with posts and deliveries in every state."""
    path = tmp_path / "postbell.db"
    make_old(path)
    return path


NEW: dict[str, dict[str, Any]] = {
    "post": {"labels": "[]", "touched": 0, "allow_duplicate": 0, "segments": "[]", "bare": 0, "unchecked": 0},
    "post_media": {"part": 1},
    "media": {"shows": ""},
}


def test_an_upgrade_keeps_every_row_and_every_value_and_adds_what_says_nothing(old: Path) -> None:
    before = content(old)
    schema.migrate(old)
    after = content(old)
    for table in TABLES:
        assert len(after[table]) == len(before[table])
        for was, row in zip(before[table], after[table], strict=True):
            assert {name: row[name] for name in was} == was
            added = {name: value for name, value in row.items() if name not in was}
            assert added == dict.fromkeys(added) | NEW.get(table, {})


def test_an_upgraded_database_is_sound_and_refers_to_nothing_that_there_is_not(old: Path) -> None:
    schema.migrate(old)
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_numbers_of_deliveries_go_on_after_an_upgrade(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("DELETE FROM attempt WHERE delivery_id = 70")
        connection.execute("DELETE FROM delivery WHERE id = 70")
    schema.migrate(old)
    with closing(sqlite3.connect(old)) as connection, connection:
        names = "post_id, account_id, state, key, tries, warnings"
        row = f"INSERT INTO delivery ({names}) VALUES ('p1', 4, 'draft', 'new', 0, '[]')"
        assert connection.execute(row).lastrowid == 71


def test_an_upgraded_log_takes_removals_and_nothing_unknown(old: Path) -> None:
    schema.migrate(old)
    with closing(sqlite3.connect(old)) as connection:
        row = "INSERT INTO attempt (delivery_id, kind, started_at) VALUES (10, ?, ?)"
        connection.execute(row, ("remove", NOW))
        with pytest.raises(sqlite3.IntegrityError, match="ck_attempt_kind"):
            connection.execute(row, ("other", NOW))


def test_what_was_stored_before_an_upgrade_is_read_after_it(old: Path) -> None:
    schema.migrate(old)
    with closing(Store(old)) as store, store.read() as tx:
        found = posts.load_posts(tx, [f"p{number}" for number in range(1, 8)], locate)
        (ann,) = accounts.list_accounts(tx)
    assert {post.state for post in found} == set(PostState)
    assert {made.state for post in found for made in post.deliveries} == set(DeliveryState)
    assert {(post.labels, post.series_id, post.touched, post.allow_duplicate) for post in found} == {
        ((), None, False, False)
    }
    assert (ann.late_limit, ann.min_gap, ann.quotas, ann.slots) == (None, None, (), None)


class Cut(Exception):
    """A statement could not be executed."""


def cut_at(path: Path, number: int) -> bool:
    """Upgrade, with an end at one of the statements; return whether that was reached."""
    count = 0

    def begin(*_args: Any) -> None:
        nonlocal count
        count += 1
        if count == number:
            raise Cut

    event.listen(Engine, "before_cursor_execute", begin)
    try:
        schema.migrate(path)
    except Cut:
        return True
    finally:
        event.remove(Engine, "before_cursor_execute", begin)
    return False


def test_an_upgrade_that_is_cut_at_any_statement_changes_nothing(old: Path) -> None:
    before, number = content(old), 1
    while cut_at(old, number):
        number += 1
        assert content(old) == before
    assert number > 40
    with closing(Store(old)) as store:
        assert schema.revision_of(store) == schema.HEAD
