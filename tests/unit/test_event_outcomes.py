"""How a post ended, as it is told, is how the domain derives it: over all combinations."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from postbell.domain.event import Event, EventKind
from postbell.domain.states import DeliveryState, Outcome, PostState
from postbell.store import deliveries
from postbell.store.engine import Store
from postbell.store.events import events_after, last_id
from postbell.store.tables.core import account, delivery, post
from support.world import START, account_row, delivery_row, open_store, post_of, post_row


D = DeliveryState
#: Every way in which a delivery of a post that has ended can have ended.
ENDS: list[tuple[DeliveryState, Outcome | None]] = [
    (D.PROCESSED, Outcome.PUBLISHED),
    (D.PROCESSED, Outcome.FAILED),
    (D.MISSED, None),
    (D.UNSURE, None),
    (D.CANCELLED, None),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def seen(store: Store, after: int = 0) -> list[Event]:
    with store.read() as tx:
        return events_after(tx, after, 1000)


def now_at(store: Store) -> int:
    with store.read() as tx:
        return last_id(tx)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_what_is_told_of_an_end_is_the_outcome_that_the_domain_derives(store: Store, count: int) -> None:
    every = list(combinations_with_replacement(ENDS, count))
    with store.write() as tx:
        tx.execute(insert(account), [account_row(n) for n in range(count)])
        for number, ends in enumerate(every):
            tx.execute(insert(post), post_row(number, PostState.PROCESSING))
            tx.execute(insert(delivery), [row_of(number, n, *end) for n, end in enumerate(ends)])
            last_of_all = update(post).where(post.c.id == f"p{number:06}")
            tx.execute(last_of_all.values(state=PostState.PROCESSED))
    told = {each.post_id: each for each in seen(store) if each.data.get("outcome")}
    assert len(told) == len(every)
    for post_id, each in told.items():
        assert post_id
        found = post_of(store, post_id)
        assert (each.kind, each.data["outcome"]) == (f"post.{found.outcome}", found.outcome)
        assert [one["outcome"] for one in each.data["accounts"]] == [d.outcome for d in found.deliveries]


def row_of(number: int, n: int, state: DeliveryState, result: Outcome | None) -> dict[str, Any]:
    return delivery_row(number, n, state=state, result=result) | {"key": f"{number}-{n}"}


@pytest.mark.parametrize("others", list(combinations_with_replacement(ENDS, 2)))
@pytest.mark.parametrize("found", [True, False])
def test_a_doubt_that_ends_tells_the_end_anew_once_nothing_is_in_doubt(
    store: Store, others: Sequence[tuple[DeliveryState, Outcome | None]], *, found: bool
) -> None:
    with store.write() as tx:
        tx.execute(insert(account), [account_row(n) for n in range(3)])
        tx.execute(insert(post), post_row(1, PostState.PROCESSED))
        tx.execute(
            insert(delivery), [row_of(1, n, *end) for n, end in enumerate(((D.UNSURE, None), *others))]
        )
    before, first = now_at(store), post_of(store, "p000001").deliveries[0]
    assert post_of(store, "p000001").outcome is Outcome.UNSURE
    with store.write() as tx:
        settle(tx, first.id, found=found)
    (first_told, *told) = seen(store, before)
    assert first_told.kind == ("delivery.published" if found else "delivery.failed")
    outcome = post_of(store, "p000001").outcome
    assert [each.data["outcome"] for each in told] == ([] if outcome is Outcome.UNSURE else [outcome])


def settle(tx: Any, delivery_id: int, *, found: bool) -> None:
    if found:
        deliveries.record_published(
            tx, delivery_id, receipt_id="r", url=None, warnings=(), now=START, found=True
        )
    else:
        deliveries.give_up(tx, delivery_id, "it is not", START)


def test_what_triggers_write_is_what_the_domain_knows(store: Store) -> None:
    with closing(sqlite3.connect(store.path)) as database:
        rows = database.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    written = {word for (sql,) in rows for word in re.findall(r"'([a-z]+\.[a-z]+)'", sql)}
    ends = {f"post.{each}" for each in Outcome}
    steps = {f"delivery.{each or state}" for state, each in [*ENDS, (D.SCHEDULED, None)]}
    assert written | ends | steps == {str(kind) for kind in EventKind}
