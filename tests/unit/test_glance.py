"""Whether there is anything to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, update

from postbell.domain.pause import Pause, PauseScope
from postbell.domain.states import DeliveryState
from postbell.store import accounts, glance, pauses, queue
from postbell.store.engine import Store
from postbell.store.tables.core import account, delivery, post
from support.world import START, account_of, add_post, delivery_in, open_store


SECOND = timedelta(seconds=1)
LATER = START + 600 * SECOND


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


def held_by_label(tx: Connection) -> None:
    tx.execute(update(post).values(labels=["x"]))
    pauses.pause(tx, Pause(scope=PauseScope.LABEL, name="x", since=START, until=LATER))


#: Why what is due at START may be sent at LATER and not before.
WAITS: dict[str, Callable[[Connection], object]] = {
    "due": lambda tx: tx.execute(update(delivery).values(due_at=LATER, try_at=LATER)),
    "again": lambda tx: tx.execute(update(delivery).values(tries=3, try_at=LATER)),
    "snoozed": lambda tx: tx.execute(update(delivery).values(tries=0, try_at=LATER)),
    "rests": lambda tx: accounts.rest_account(tx, 1, until=LATER, reason="asked to"),
    "distant": lambda tx: tx.execute(update(account).values(next_post_at=LATER)),
    "paused": lambda tx: accounts.pause_account(tx, "ann", START, LATER),
    "label": held_by_label,
    "everything": lambda tx: pauses.pause(
        tx, Pause(scope=PauseScope.EVERYTHING, name="", since=START, until=LATER)
    ),
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
def test_the_next_change_is_when_what_waits_may_be_sent(
    store: Store, wait: Callable[[Connection], object]
) -> None:
    add_post(store, at=START)
    with store.write() as tx:
        wait(tx)
        assert [each.ready_at for each in queue.next_due(tx)] == [LATER]
        assert glance.next_change(tx, START) == LATER
        assert glance.next_change(tx, LATER - SECOND) == LATER
        assert glance.next_change(tx, LATER) is None


def test_of_several_the_first_change_counts(store: Store) -> None:
    for seconds in (50, 30, 40):
        add_post(store, at=START + seconds * SECOND)
    add_post(store, to=("bob",))
    with store.write() as tx:
        accounts.rest_account(tx, account_of(store, "bob").id, until=START + 35 * SECOND, reason="asked to")
        found = [glance.next_change(tx, START + seconds * SECOND) for seconds in (0, 30, 35, 50)]
    assert found == [*(START + seconds * SECOND for seconds in (30, 35, 40)), None]


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
