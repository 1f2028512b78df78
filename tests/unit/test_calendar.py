"""When accounts post, as the database knows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, update

from postbell.domain.post import PlacedBy, Post
from postbell.domain.states import DeliveryState, Outcome, PostEvent
from postbell.store import calendar, deliveries, posts, responses
from postbell.store.engine import Store
from postbell.store.tables.core import delivery
from support.world import START, account_of, add_post, claim, delivery_in, open_store, planned, post_of


HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def taken(store: Store, name: str = "ann", **how: str) -> list[datetime]:
    account = account_of(store, name)
    with store.read() as tx:
        return calendar.taken_times(tx, account.id, START, START + 5 * HOUR, **how)


def queue(store: Store, *to: str, at: datetime) -> Post:
    """Schedule a post as the queue does."""
    made = add_post(store, to=to or ("ann",), at=at)
    ids = [each.account_id for each in made.deliveries]
    with store.write() as tx:
        posts.update_post(tx, made, PostEvent.SCHEDULE)
        deliveries.schedule_deliveries(tx, made.id, planned(ids, at, placed_by=PlacedBy.QUEUE))
    return post_of(store, made.id)


def test_what_is_scheduled_takes_its_time_in_order_and_both_ends_count(store: Store) -> None:
    for hours in (5, 0, 2, 6, -1):
        add_post(store, at=START + hours * HOUR)
    assert taken(store) == [START, START + 2 * HOUR, START + 5 * HOUR]


def test_drafts_and_other_accounts_take_no_time(store: Store) -> None:
    add_post(store, to=("bob",))
    add_post(store, to=("ann",), at=None)
    assert taken(store) == []


def test_the_post_that_is_moved_does_not_stand_in_its_own_way(store: Store) -> None:
    one, _ = add_post(store), add_post(store, at=START + HOUR)
    assert taken(store, besides=one.id) == [START + HOUR]


@pytest.mark.parametrize(
    ("state", "result", "takes"),
    [
        (DeliveryState.PROCESSING, Outcome.PUBLISHED, True),
        (DeliveryState.UNSURE, Outcome.PUBLISHED, True),
        (DeliveryState.PROCESSED, Outcome.PUBLISHED, True),
        (DeliveryState.PROCESSED, Outcome.FAILED, False),
        (DeliveryState.MISSED, Outcome.PUBLISHED, False),
        (DeliveryState.CANCELLED, Outcome.PUBLISHED, False),
    ],
)
def test_what_was_or_may_be_published_takes_its_time_and_what_ended_otherwise_does_not(
    store: Store, state: DeliveryState, result: Outcome, *, takes: bool
) -> None:
    made = delivery_in(store, state, result)
    assert made.due_at is not None
    with store.read() as tx:
        times = calendar.taken_times(tx, made.account_id, made.due_at, made.due_at)
    assert times == ([made.due_at] if takes else [])


def plan(store: Store, work: Callable[[Connection], object]) -> str:
    """Return how SQLite goes about the one question of `work(tx)`."""
    said: list[str] = []

    def explain(connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement.startswith("SELECT"):
            raw = connection.connection.driver_connection
            said.extend(row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    event.listen(store._reader, "before_cursor_execute", explain)
    with store.read() as tx:
        work(tx)
    return "\n".join(said)


def test_times_are_found_by_the_index_however_long_the_history_is(store: Store) -> None:
    by_time = "ix_delivery_queue (account_id=? AND state=? AND due_at>? AND due_at<?)"
    assert by_time in plan(store, lambda tx: calendar.taken_times(tx, 1, START, START + HOUR, besides="x"))
    assert by_time in plan(store, lambda tx: calendar.list_coming(tx, 1, START, START + HOUR))
    queued = plan(store, lambda tx: calendar.list_queued(tx, 1, START))
    assert "ix_delivery_queue (account_id=? AND state=? AND due_at>?)" in queued
    assert "SCAN" not in queued


def test_responses_are_looked_for_among_what_was_counted(store: Store) -> None:
    assert plan(store, lambda tx: responses.list_responses(tx, 1)).splitlines() == [
        "SCAN engagement",
        "SEARCH delivery USING INTEGER PRIMARY KEY (rowid=?)",
    ]


def test_what_is_to_come_is_told_with_its_post(store: Store) -> None:
    first = add_post(store)
    claim(store)
    second = add_post(store, at=START + HOUR)
    add_post(store, at=START + 2 * HOUR)
    with store.read() as tx:
        coming = calendar.list_coming(tx, account_of(store, "ann").id, START, START + HOUR)
    assert [each.post_id for each in coming] == [first.id, second.id]


def test_only_what_the_queue_has_placed_and_nobody_has_begun_is_queued(store: Store) -> None:
    add_post(store, at=START + HOUR)
    late, soon = queue(store, at=START + 2 * HOUR), queue(store, at=START + HOUR)
    queue(store, at=START - HOUR)
    begun = queue(store, "ann", "bob", at=START + 3 * HOUR)
    bob = next(each for each in begun.deliveries if each.account == "bob")
    with store.write() as tx:
        tx.execute(update(delivery).where(delivery.c.id == bob.id).values(due_at=START, try_at=START))
        tx.execute(update(delivery).where(delivery.c.due_at < START).values(state=DeliveryState.CANCELLED))
    (claimed,) = claim(store)
    assert claimed.delivery.id == bob.id
    with store.read() as tx:
        queued = calendar.list_queued(tx, account_of(store, "ann").id, START)
    assert [each.post_id for each in queued] == [soon.id, late.id]


def test_the_last_word_about_responses_counts(store: Store) -> None:
    made = delivery_in(store, DeliveryState.PROCESSED)
    other = delivery_in(store, DeliveryState.PROCESSED)
    with store.write() as tx:
        responses.record_responses(tx, other.id, 9, START)
        responses.record_responses(tx, made.id, 3, START)
        responses.record_responses(tx, made.id, 5, START)
        assert responses.list_responses(tx, made.account_id) == [(made.ended_at, 5.0)]


def test_only_the_latest_posts_teach_about_hours(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses, "_MOST_RESPONSES", 2)
    made = [delivery_in(store, DeliveryState.PROCESSED) for _ in range(3)]
    with store.write() as tx:
        ids = [each.id for each in made]
        tx.execute(update(delivery).where(delivery.c.id.in_(ids)).values(account_id=made[0].account_id))
        for number, each in enumerate(made):
            responses.record_responses(tx, each.id, number, START)
        known = responses.list_responses(tx, made[0].account_id)
    assert [count for _, count in known] == [2, 1]
