"""Whether there is anything to do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, update

from postbell.domain.states import DeliveryState
from postbell.store import glance
from postbell.store.engine import Store
from postbell.store.tables import delivery
from support.world import START, add_post, delivery_in, open_store


SECOND = timedelta(seconds=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def test_there_is_something_to_send_once_it_is_due(store: Store) -> None:
    add_post(store, at=START)
    with store.read() as tx:
        assert not glance.any_to_send(tx, START - SECOND)
        assert glance.any_to_send(tx, START)


@pytest.mark.parametrize("state", [each for each in DeliveryState if each is not DeliveryState.SCHEDULED])
def test_what_does_not_wait_is_not_to_be_sent(store: Store, state: DeliveryState) -> None:
    delivery_in(store, state)
    with store.read() as tx:
        assert not glance.any_to_send(tx, START)


def test_something_is_in_doubt_only_while_it_is_unsure(store: Store) -> None:
    delivery_in(store, DeliveryState.PROCESSED)
    with store.read() as tx:
        assert not glance.any_unsure(tx)
    delivery_in(store, DeliveryState.UNSURE)
    with store.read() as tx:
        assert glance.any_unsure(tx)


def test_something_is_to_be_taken_away_from_its_time_on_until_that_is_done(store: Store) -> None:
    found = delivery_in(store, DeliveryState.PROCESSED)
    _set(store, found.id, delete_at=START)
    with store.read() as tx:
        assert not glance.any_to_remove(tx, START - SECOND)
        assert glance.any_to_remove(tx, START)
    _set(store, found.id, deleted_at=START)
    with store.read() as tx:
        assert not glance.any_to_remove(tx, START)


def test_every_question_is_one_step_through_an_index(store: Store) -> None:
    plans = []
    with store.read() as tx:

        def explain(
            connection: Connection, _cursor: object, statement: str, parameters: Any, *_: object
        ) -> None:
            cursor = connection.connection.cursor()
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            rows = cursor.fetchall()
            plans.append(" ".join(str(row[3]) for row in rows))

        event.listen(tx, "before_cursor_execute", explain)
        glance.any_to_send(tx, START), glance.any_unsure(tx), glance.any_to_remove(tx, START)
    assert [plan.split("INDEX ")[1].split(" ")[0] for plan in plans] == [
        "ix_delivery_state",
        "ix_delivery_state",
        "ix_delivery_delete_at",
    ]


def _set(store: Store, delivery_id: int, **values: object) -> None:
    with store.write() as tx:
        tx.execute(update(delivery).where(delivery.c.id == delivery_id).values(values))
