"""Long write transactions: a backlog is worked off in many short ones, so that nobody waits long to write.

How many rows a transaction changes is counted, and how many statements it takes: neither follows from how
much there is to do. What that comes to in milliseconds is for the benchmarks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert

from postbell.domain.states import DeliveryState
from postbell.services.sending.lateness import MOST
from postbell.store import deliveries
from postbell.store.engine import Store
from postbell.store.tables.core import account, delivery, post
from postbell.testing import FakeNetwork, Mode
from support.stage import Stage, live
from support.world import World, account_row, build_world, delivery_row, post_row


ACCOUNTS, SLOTS = 20, 10
HOUR = 3600.0


@dataclass
class Written:
    """What each writing transaction of a store did."""

    store: Store
    #: Rows that were changed, of each one that changed any.
    rows: list[int] = field(default_factory=list)
    #: Statements, of the same ones.
    statements: list[int] = field(default_factory=list)
    _changes: int = 0
    _count: int = 0
    _last: str = ""

    def __post_init__(self) -> None:
        # Asked of SQLite itself: not every statement goes through SQLAlchemy.
        event.listen(self.store._writer, "checkout", lambda raw, *_: raw.set_trace_callback(self._note))
        event.listen(self.store._writer, "commit", self._note_commit)

    def _note(self, statement: str) -> None:
        self._count += statement != self._last  # said again for what each trigger does because of it
        self._last = statement

    def _note_commit(self, tx: Connection) -> None:
        raw: Any = tx.connection.driver_connection
        if changed := raw.total_changes - self._changes:
            self.rows.append(changed)
            self.statements.append(self._count)
        self._changes, self._count = raw.total_changes, 0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as made:
        yield made


def store_backlog(world: World, count: int, **values: Any) -> None:
    """Store so many posts, due one second after the other, in turns for a few accounts."""
    with world.store.write() as tx:
        tx.execute(insert(account), [account_row(n) for n in range(ACCOUNTS)])
        tx.execute(insert(post), [post_row(n, "scheduled") for n in range(count)])
        rows = [delivery_row(n, n % ACCOUNTS, state="scheduled", begun_at=None) for n in range(count)]
        tx.execute(insert(delivery), [row | values for row in rows])


def drain(world: World) -> Written:
    """Ring until nothing waits any more, and return what was written."""

    async def script(stage: Stage) -> Written:
        written = Written(stage.store)
        while True:
            await stage.ring()
            with world.store.read() as tx:
                waiting = deliveries.count_by_state(tx).get(DeliveryState.SCHEDULED, 0)
            if not waiting:
                return written
            world.clock.advance(HOUR / 2)  # what was turned away may be tried again

    return live(world, script, slots=SLOTS)


def counts(world: World) -> dict[DeliveryState, int]:
    with world.store.read() as tx:
        return deliveries.count_by_state(tx)


def test_a_drained_backlog_is_written_down_by_slots_however_long_it_is(tmp_path: Path) -> None:
    modes = [Mode.PUBLISH, Mode.PUBLISH, Mode.REJECT, Mode.FAIL, Mode.LOSE_ANSWER, Mode.LIMIT] * 10
    found = []
    for count in (60, 300):
        folder = tmp_path / str(count)
        folder.mkdir()
        with build_world(folder, networks=[FakeNetwork(modes)]) as world:
            store_backlog(world, count, late_limit=10**6)
            written = drain(world)
            assert sum(counts(world).values()) == count
            assert DeliveryState.PROCESSING not in counts(world)
            found.append(written)
    # A claim changes four rows of each delivery, and an ending as many; they may share a transaction.
    for written in found:
        assert max(written.rows) <= SLOTS * 10
        assert max(written.statements) <= SLOTS * 10 + 40


def test_what_is_too_late_is_given_up_in_parts(world: World) -> None:
    count = MOST * 4 + 1
    store_backlog(world, count)
    world.clock.advance(timedelta(days=3))
    written = drain(world)
    assert counts(world) == {DeliveryState.MISSED: count}
    assert len(written.rows) == 5
    assert max(written.rows) <= MOST * 5  # two of each are events
    assert max(written.statements) <= 60


def test_a_ring_that_gives_up_a_part_publishes_nothing_before_it_has_given_up_all(world: World) -> None:
    """The newest of a series must not be overtaken by older ones that are superseded."""
    count = MOST * 2
    with world.store.write() as tx:
        tx.execute(insert(account).values(account_row(0)))
        tx.execute(insert(post), [post_row(n, "scheduled") for n in range(count)])
        rows = [
            delivery_row(n, 0, state="scheduled", begun_at=None, stream="s1", late_limit=10**6)
            for n in range(count)
        ]
        tx.execute(insert(delivery), rows)
    world.clock.advance(HOUR)

    async def script(stage: Stage) -> int:
        return await stage.ring()

    assert live(world, script) == 1
    assert [outgoing.post_id for outgoing in world.fake.posts] == [f"p{count - 1:06}"]
    assert counts(world) == {DeliveryState.MISSED: count - 1, DeliveryState.PROCESSED: 1}


def test_many_series_are_superseded_in_parts(world: World) -> None:
    series = MOST * 2
    with world.store.write() as tx:
        tx.execute(insert(account).values(account_row(0)))
        tx.execute(insert(post), [post_row(n, "scheduled") for n in range(series * 2)])
        rows = [
            delivery_row(n, 0, state="scheduled", begun_at=None, stream=f"s{n % series}", late_limit=10**6)
            for n in range(series * 2)
        ]
        tx.execute(insert(delivery), rows)
    world.clock.advance(HOUR)

    async def script(stage: Stage) -> Written:
        written = Written(stage.store)
        await stage.ring()
        return written

    written = live(world, script)
    assert counts(world)[DeliveryState.MISSED] == series
    assert max(written.rows) <= MOST * 5 + 10
    assert max(written.statements) <= 60
