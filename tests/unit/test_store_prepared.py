from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select, update

from postbell.domain.states import PostState
from postbell.errors import Damaged, PostbellError
from postbell.store.engine import Store
from postbell.store.many import as_time
from postbell.store.prepared import Prepared
from postbell.store.tables.core import account, post
from support.world import START, account_row, open_store, post_row


#: Between them they hold every kind of value.
TABLES = (account, post)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        with opened.write() as tx:
            tx.execute(insert(account), [account_row(0)])
            tx.execute(insert(post), [post_row(0, "scheduled")])
        yield opened


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_rows_are_read_as_sqlalchemy_reads_them(store: Store, table: Any) -> None:
    statement = select(table)
    with store.read() as tx:
        (found,) = Prepared(statement).rows(tx)
        assert found == tx.execute(statement).one()._asdict()
    assert type(found["created_at"]) is datetime


@pytest.mark.parametrize(
    "moment", [START, START.replace(microsecond=7), START.astimezone(timezone(timedelta(hours=5)))]
)
def test_instants_are_stored_as_sqlalchemy_stores_them(store: Store, moment: datetime) -> None:
    with store.write() as tx:
        tx.execute(update(post).values(updated_at=moment))
        assert Prepared(select(post.c.updated_at)).tuples(tx) == [(as_time(moment),)]
        assert Prepared(update(post).values(updated_at=bindparam("to"))).run(tx, {"to": moment}) == 1
        assert tx.execute(select(post.c.updated_at)).scalar_one() == moment.astimezone(UTC)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        as_time(datetime(2030, 1, 1))  # noqa: DTZ001 - this is what is refused


def test_what_a_statement_says_itself_need_not_be_given(store: Store) -> None:
    waiting = Prepared(select(post.c.id).where(post.c.state.in_((PostState.DRAFT, PostState.SCHEDULED))))
    with store.read() as tx:
        assert len(waiting.tuples(tx)) == 1


def test_what_cannot_be_read_tells_that_the_database_is_damaged(store: Store) -> None:
    with store.write() as tx:
        tx.exec_driver_sql("UPDATE post SET updated_at = 'yesterday'")
    with pytest.raises(Damaged), store.read() as tx:
        Prepared(select(post)).rows(tx)


def test_a_failure_of_sqlite_is_told_as_what_it_means(store: Store) -> None:
    with pytest.raises(PostbellError, match="cannot be opened for writing"), store.read() as tx:
        Prepared(update(post).values(text="another")).run(tx)
