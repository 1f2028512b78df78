from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from postbell.domain.pause import Pause, PauseScope
from postbell.domain.states import DeliveryState, Outcome, PostState
from postbell.store import accounts, deliveries, overdue, pauses
from postbell.store.engine import Store
from postbell.store.tables.core import account, delivery, post
from support.world import (
    START,
    account_row,
    add_account,
    add_post,
    after,
    claim,
    delivery_in,
    delivery_of,
    delivery_row,
    open_store,
    post_of,
    post_row,
)


LATER = START + timedelta(hours=1)
HOUR = timedelta(hours=1)

D, P = DeliveryState, PostState


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def bound(store: Store, made: Any, **values: Any) -> None:
    """Write into the row of the only delivery of a post."""
    with store.write() as tx:
        tx.execute(update(delivery).where(delivery.c.post_id == made.id).values(values))


def late(store: Store, now: datetime, before: datetime = START) -> list[str]:
    with store.read() as tx:
        return [each.post_id for each in overdue.list_overdue(tx, before=before, now=now)]


# What is too late.


def test_what_has_no_limit_of_its_own_is_overdue_by_the_general_one(store: Store) -> None:
    made = add_post(store)
    assert late(store, LATER, before=START) == []
    assert late(store, LATER, before=after(1)) == [made.id]


def test_what_has_a_limit_of_its_own_is_not_overdue_by_the_general_one(store: Store) -> None:
    made = add_post(store)
    bound(store, made, late_limit=90_000, expires_at=START + timedelta(seconds=90_000))
    assert late(store, after(90_000), before=after(80_000)) == []
    assert late(store, after(90_001), before=after(80_000)) == [made.id]


def test_the_last_moment_itself_is_not_too_late(store: Store) -> None:
    made = add_post(store)
    bound(store, made, expires_at=after(60))
    assert late(store, after(60)) == []
    assert late(store, after(60) + timedelta(microseconds=1)) == [made.id]


def test_what_has_a_last_moment_alone_is_still_bound_by_the_general_limit(store: Store) -> None:
    made = add_post(store)
    bound(store, made, expires_at=after(1e6))
    assert late(store, LATER, before=after(1)) == [made.id]


def test_only_what_waits_is_overdue(store: Store) -> None:
    for state in D:
        delivery_in(store, state)
    with store.read() as tx:
        found = overdue.list_overdue(tx, before=START, now=LATER)
    assert [each.state for each in found] == [D.SCHEDULED]


@pytest.mark.parametrize("until", [None, LATER + HOUR])
@pytest.mark.parametrize("scope", [*PauseScope, "account"])
def test_what_is_paused_is_overdue_only_after_it_is_resumed(
    store: Store, scope: str, until: datetime | None
) -> None:
    made = add_post(store)
    with store.write() as tx:
        tx.execute(update(post).values(labels=["news", "x"]))
        name = {"label": "x", "account": "ann"}.get(scope, "")
        if scope == "account":
            accounts.pause_account(tx, "ann", START, until)
        else:
            if scope == PauseScope.SERIES:
                name = series_of(tx, made.id)
            pauses.pause(tx, Pause(scope=PauseScope(scope), name=name, since=START, until=until))
    assert late(store, LATER, before=after(1)) == []
    if until:
        assert late(store, until, before=after(1)) == [made.id]


def series_of(tx: Any, post_id: str) -> str:
    """Let a post be one of a series, and return that."""
    row: dict[str, Any] = {
        "id": "s1",
        "state": "active",
        "rule": {},
        "text": "x",
        "variants": [],
        "overrides": {},
    }
    row |= {"labels": [], "created_at": START, "updated_at": START, "version": 1, "made": 1}
    tx.execute(insert(post.metadata.tables["series"]).values(row))
    tx.execute(update(post).where(post.c.id == post_id).values(series_id="s1", slot="a"))
    return "s1"


# Newer ones of a series.


def series_rows(store: Store, *said: tuple[str, float, str, str]) -> None:
    """Fill the tables: (stream, due after START, state, labels) for each, all of the first account."""
    with store.write() as tx:
        tx.execute(insert(account).values(account_row(0)))
        for number, (stream, seconds, state, label) in enumerate(said, start=1):
            tx.execute(
                insert(post).values(post_row(number, "scheduled") | {"labels": [label] if label else []})
            )
            result = "published" if state == "processed" else None
            row = delivery_row(number, 0, state=state, result=result, due_at=after(seconds))
            tx.execute(insert(delivery).values(row | {"try_at": after(seconds), "stream": stream or None}))


def superseded(store: Store, now: datetime) -> list[str]:
    with store.read() as tx:
        return [each.post_id for each in overdue.list_superseded(tx, now)]


def test_all_but_the_newest_that_is_due_of_a_series_are_superseded(store: Store) -> None:
    series_rows(store, *(("s1", seconds, "scheduled", "") for seconds in (0, 60, 120, 180)))
    assert superseded(store, after(59)) == []
    assert superseded(store, after(60)) == ["p000001"]
    assert superseded(store, after(179)) == ["p000001", "p000002"]


def test_series_do_not_supersede_one_another_and_what_is_none_is_never_superseded(store: Store) -> None:
    series_rows(store, ("s1", 0, "scheduled", ""), ("s2", 1, "scheduled", ""))
    assert superseded(store, LATER) == []
    with store.write() as tx:
        tx.execute(update(delivery).values(stream=None))
    assert superseded(store, LATER) == []


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        ("draft", False),
        ("cancelled", False),
        ("missed", True),
        ("unsure", True),
        ("processed", True),
        ("scheduled", True),
    ],
)
def test_a_newer_one_counts_unless_it_was_cancelled(store: Store, state: str, *, counts: bool) -> None:
    series_rows(store, ("s1", 0, "scheduled", ""), ("s1", 60, state, ""))
    assert superseded(store, LATER) == (["p000001"] if counts else [])
    with store.read() as tx:
        assert overdue.is_superseded(tx, 1, LATER) is counts
        assert not overdue.is_superseded(tx, 2, LATER)


def test_of_two_of_a_series_at_the_same_instant_the_later_written_is_the_newer(store: Store) -> None:
    series_rows(store, ("s1", 0, "scheduled", ""), ("s1", 0, "scheduled", ""))
    assert superseded(store, LATER) == ["p000001"]


def test_what_is_held_back_neither_supersedes_nor_is_superseded(store: Store) -> None:
    series_rows(store, ("s1", 0, "scheduled", "x"), ("s1", 1, "scheduled", ""), ("s1", 2, "scheduled", "x"))
    with store.write() as tx:
        pauses.pause(tx, Pause(scope=PauseScope.LABEL, name="x", since=START))
    assert superseded(store, LATER) == []
    with store.write() as tx:
        pauses.resume(tx, PauseScope.LABEL, "x", LATER)
    assert superseded(store, LATER) == ["p000001", "p000002"]


def test_nothing_of_a_paused_account_is_superseded_until_it_is_resumed(store: Store) -> None:
    series_rows(store, ("s1", 0, "scheduled", ""), ("s1", 1, "scheduled", ""))
    with store.write() as tx:
        accounts.pause_account(tx, "a0", START)
    assert superseded(store, LATER) == []
    with store.write() as tx:
        accounts.resume_account(tx, "a0", LATER)
    assert superseded(store, LATER) == ["p000001"]


def test_what_stands_behind_something_else_is_superseded_when_its_turn_comes(store: Store) -> None:
    series_rows(store, ("", 0, "scheduled", ""), ("s1", 1, "scheduled", ""), ("s1", 2, "scheduled", ""))
    assert superseded(store, LATER) == []
    with store.write() as tx:
        overdue.miss(tx, [1], "away", LATER)
    assert superseded(store, LATER) == ["p000002"]


# Giving up.


def test_what_is_missed_says_why_and_ends_its_post(store: Store) -> None:
    old, young = add_post(store, at=START), add_post(store, at=LATER)
    with store.write() as tx:
        (missed,) = overdue.miss(tx, [old.deliveries[0].id], "it was due for too long", LATER)
    assert (missed.post_id, missed.state, missed.ended_at) == (old.id, D.MISSED, LATER)
    assert missed.message == "it was due for too long"
    assert (post_of(store, old.id).state, post_of(store, old.id).outcome) == (P.PROCESSED, Outcome.MISSED)
    assert post_of(store, young.id) == young


def test_a_missed_delivery_says_how_its_last_try_ended(store: Store) -> None:
    made = delivery_in(store, D.PROCESSING)
    with store.write() as tx:
        deliveries.record_retry(tx, made.id, "the network was down", LATER)
        (missed,) = overdue.miss(tx, [made.id], "too late", LATER)
    assert missed.message == "too late; the last try: the network was down"


def test_more_can_be_missed_than_a_statement_has_variables(store: Store) -> None:
    add_account(store)
    rows = [post_row(n, "scheduled") for n in range(1500)]
    with store.write() as tx:
        tx.execute(insert(post), rows)
        tx.execute(insert(delivery), [delivery_row(n, 0, state="scheduled") for n in range(1500)])
    with store.write() as tx:
        driver: Any = tx.connection.driver_connection
        driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)  # as SQLite was built for long
        found = overdue.list_overdue(tx, before=after(1500), now=LATER)
        assert len(overdue.miss(tx, [each.id for each in found], "too late", LATER)) == 1500
    with store.read() as tx:
        assert deliveries.count_by_state(tx) == {D.MISSED: 1500}
        assert set(tx.execute(select(post.c.state)).scalars()) == {P.PROCESSED}


# Trying again.


def test_what_is_tried_again_is_due_now_and_for_as_long_as_its_own_limit(store: Store) -> None:
    made = delivery_in(store, D.MISSED)
    with store.write() as tx:
        values = {"late_limit": 60, "expires_at": START, "stream": "s1"}
        tx.execute(update(delivery).where(delivery.c.id == made.id).values(values))
        deliveries.reopen(tx, made.id, LATER)
    again = delivery_of(store, made.id)
    assert (again.due_at, again.expires_at, again.stream) == (LATER, LATER + timedelta(seconds=60), None)


def test_what_is_tried_again_without_a_limit_has_no_last_moment(store: Store) -> None:
    made = delivery_in(store, D.PROCESSED, Outcome.FAILED)
    with store.write() as tx:
        tx.execute(update(delivery).values(expires_at=START))
        deliveries.reopen(tx, made.id, LATER)
    assert delivery_of(store, made.id).expires_at is None
    assert late(store, LATER + HOUR, before=LATER) == []


def test_what_was_published_knows_when_it_is_taken_away(store: Store) -> None:
    add_post(store)
    (taken,) = claim(store)
    with store.write() as tx:
        deliveries.record_published(
            tx, taken.delivery.id, receipt_id="r", url=None, warnings=(), now=START, delete_at=LATER
        )
    assert delivery_of(store, taken.delivery.id).delete_at == LATER
