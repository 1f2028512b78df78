from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, update

from postbell.domain.notice import NoticeKind
from postbell.domain.post import AttemptKind
from postbell.domain.states import DeliveryState, PostState
from postbell.store import (
    attempts,
    deliveries,
    edits,
    glance,
    noteworthy,
    notices,
    overdue,
    pauses,
    posts,
    published,
    queue,
    removals,
    summary,
)
from postbell.store.engine import Store
from postbell.store.posts import Filter
from postbell.store.tables.core import account, delivery, post
from support.world import START, account_row, after, delivery_row, locate, open_store, post_row


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A database with 20,000 posts, most of them published long ago."""
    with open_store(tmp_path_factory.mktemp("full")) as opened:
        with opened.write() as tx:
            tx.execute(insert(account), [account_row(n) for n in range(10)])
            old, new = range(19_000), range(19_000, 20_000)
            tx.execute(insert(post), [post_row(n, "processed") for n in old])
            tx.execute(insert(post), [post_row(n, "scheduled") for n in new])
            rows = [delivery_row(n, n % 10, state="processed", result="published") for n in old]
            rows += [delivery_row(n, n % 10, state="scheduled") for n in new]
            tx.execute(insert(delivery), rows)
        yield opened


@dataclass
class Watched:
    """A transaction that tells of the statements that go to the driver without SQLAlchemy."""

    tx: Connection
    note: Callable[[str, Any], None]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tx, name)

    @property
    def connection(self) -> Any:
        return SimpleNamespace(driver_connection=self)

    def execute(self, statement: Any, values: Any = None) -> Any:
        if not isinstance(statement, str):
            return self.tx.execute(statement, values)
        self.note(statement, values)
        raw: Any = self.tx.connection.driver_connection
        return raw.execute(statement, values)


def plans(store: Store, work: Any) -> list[str]:
    """Return what SQLite does for each statement of `work(tx)`."""
    said: list[str] = []

    def explain(raw: Any, statement: str, values: Any) -> None:
        said.extend(row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", values))

    def note(connection: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        if not statement.startswith(("BEGIN", "EXPLAIN")):
            explain(connection.connection.driver_connection, statement, values)

    event.listen(store._writer, "before_cursor_execute", note)
    try:
        with store.write() as tx:
            raw = tx.connection.driver_connection
            work(Watched(tx, lambda statement, values: explain(raw, statement, values)))
            tx.rollback()
    finally:
        event.remove(store._writer, "before_cursor_execute", note)
    assert said
    return said


#: Small tables, and reading in the order of an index up to the limit of the list.
HARMLESS = (
    *("SCAN account", "SCAN CONSTANT", "SCAN post USING INDEX ix_post_at", "SCAN pause"),
    "SCAN notice USING INDEX ix_notice_open",  # what is still to be told
    "SCAN label VIRTUAL TABLE",  # the labels of one post
    "SCAN delivery USING INDEX ix_delivery_stream",  # one step of it
    "SCAN listed VIRTUAL TABLE",  # what a statement was given
)

LONG_AFTER = after(19_500)

#: The posts that their caller calls alike.
CALLED = Filter(external_id="cms-4711", limit=20)

READING: dict[str, Any] = {
    "next_due": queue.next_due,
    "next_change": lambda tx: glance.next_change(tx, LONG_AFTER),
    "list": lambda tx: posts.list_posts(tx, Filter(limit=20), locate),
    "list_state": lambda tx: posts.list_posts(tx, Filter(state=PostState.SCHEDULED, limit=20), locate),
    "list_since": lambda tx: posts.list_posts(tx, Filter(since=LONG_AFTER, limit=20), locate),
    "list_external_id": lambda tx: posts.list_posts(tx, CALLED, locate),
    "find_ids": lambda tx: posts.find_ids(tx, "p0001"),
    "overdue": lambda tx: summary.overdue(tx, LONG_AFTER, now=LONG_AFTER),
    "late": lambda tx: overdue.list_overdue(tx, before=START, now=LONG_AFTER),
    "superseded": lambda tx: overdue.list_superseded(tx, LONG_AFTER),
    "stream": lambda tx: overdue.is_superseded(tx, 19_999, LONG_AFTER),
    "pauses": lambda tx: pauses.list_pauses(tx, LONG_AFTER),
    "suspects": queue.has_suspects,
    "in_state": lambda tx: deliveries.list_in_state(tx, DeliveryState.UNSURE),
    "lost": lambda tx: noteworthy.find_lost(tx, LONG_AFTER),
    "published_late": lambda tx: noteworthy.find_late(tx, LONG_AFTER, timedelta(minutes=5)),
    "newly_unsure": noteworthy.find_unsure,
    "refused": noteworthy.find_refused,
    "behind": lambda tx: noteworthy.find_behind(tx, LONG_AFTER, LONG_AFTER),
    "notices_over": noteworthy.find_over,
    "notices_pending": lambda tx: notices.count_pending(tx, LONG_AFTER, LONG_AFTER),
    "notices_lasting": lambda tx: notices.list_open(tx, NoticeKind.OVERDUE),
    "lost_lately": lambda tx: summary.lost_since(tx, LONG_AFTER, 20),
    "removals": lambda tx: removals.due_removals(tx, LONG_AFTER, 100),
    "edits": lambda tx: edits.due_edits(tx, LONG_AFTER, 100),
    "put off edits": lambda tx: edits.postpone_edits(tx, 1, now=LONG_AFTER, until=LONG_AFTER),
}

WRITING: dict[str, Any] = {
    "claim": lambda tx: queue.claim_due(tx, LONG_AFTER, 10, locate),
    "claim_suspect": lambda tx: queue.claim_due(tx, LONG_AFTER, 10, locate, suspects=True),
    "step_aside": lambda tx: deliveries.step_aside(tx, 1, LONG_AFTER),
    "free_stuck": lambda tx: deliveries.free_stuck(tx, 1, LONG_AFTER),
    "publish": lambda tx: deliveries.record_published(
        tx, _set(tx, state="processing"), receipt_id="r", url=None, warnings=(), now=LONG_AFTER
    ),
    "retry": lambda tx: deliveries.record_retry(tx, _set(tx, state="processing"), "down", LONG_AFTER),
    "resend": lambda tx: deliveries.resend(tx, _set(tx, state="unsure"), try_at=LONG_AFTER),
    "cancel": lambda tx: deliveries.cancel_waiting(tx, "p019999", LONG_AFTER),
    "miss": lambda tx: overdue.miss(tx, [19_999], "too late", LONG_AFTER),
    "publish_many": lambda tx: published.record_all_published(tx, [_tried(tx)]),
    "late_reasons": lambda tx: overdue.record_late(tx, {19_999: "slept"}),
    "end_pauses": lambda tx: pauses.end_pauses(tx, LONG_AFTER),
}


def _set(tx: Any, *, state: str) -> int:
    tx.execute(update(delivery).where(delivery.c.id == 19_999).values(state=state))
    return 19_999


def _tried(tx: Any) -> published.Published:
    delivery_id = _set(tx, state="processing")
    opened = attempts.open_attempts(tx, [delivery_id], AttemptKind.PUBLISH, LONG_AFTER)
    return published.Published(
        delivery_id=delivery_id,
        account_id=10,
        attempt_id=opened[delivery_id],
        receipt_id="r",
        url=None,
        warnings=(),
        metrics_at=None,
        now=LONG_AFTER,
        delete_at=None,
    )


@pytest.mark.parametrize("work", [*READING.values(), *WRITING.values()], ids=[*READING, *WRITING])
def test_the_history_is_never_read_as_a_whole(full: Store, work: Any) -> None:
    plan = plans(full, work)
    assert [step for step in plan if step.startswith("SCAN") and not step.startswith(HARMLESS)] == []


RINGING = WRITING | {
    name: READING[name] for name in ("late", "superseded", "stream", "next_due", "next_change")
}


def test_what_may_have_ended_a_process_is_found_by_indexes(full: Store) -> None:
    found = [step for step in plans(full, queue.has_suspects) if " delivery " in step]
    assert found == [
        "SEARCH delivery USING INDEX ix_delivery_again (tries>?)",
        "SEARCH delivery USING INDEX ix_delivery_state (state=?)",  # what is unsure or under way
    ]


@pytest.mark.parametrize(
    "more",
    [{}, {"beyond": (LONG_AFTER, "p")}, {"beyond": (None, "p")}, {"state": PostState.SCHEDULED}],
    ids=str,
)
def test_what_callers_call_alike_is_found_by_its_index_in_the_order_of_the_list(
    full: Store, more: dict[str, Any]
) -> None:
    plan = plans(full, lambda tx: posts.list_posts(tx, replace(CALLED, **more), locate))
    found = [step.replace("COVERING ", "") for step in plan[:2]]
    assert found[0].startswith("SEARCH post USING INDEX ix_post_external_id (external_id=?"), found
    assert "ORDER BY" not in found[1]


@pytest.mark.parametrize("work", RINGING.values(), ids=RINGING)
def test_a_step_is_taken_without_a_look_at_all_that_wait(full: Store, work: Any) -> None:
    assert [step for step in plans(full, work) if step.endswith("_state (state=?)")] == []
