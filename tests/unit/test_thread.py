from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import IntegrityError

from postbell.domain.account import Account
from postbell.errors import Conflict, DatabaseLocked, DiskFull, NotFound, PostbellError
from postbell.store import accounts
from postbell.store.engine import Store, is_open
from postbell.store.thread import StoreThread
from support.world import START, account_of, add_account, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


@pytest.fixture
def thread(store: Store) -> Iterator[StoreThread]:
    made = StoreThread(store)
    yield made
    made.close()


def test_what_was_written_is_committed_when_the_call_returns(store: Store, thread: StoreThread) -> None:
    add_account(store)
    asyncio.run(thread.write(accounts.pause_account, "ann", START))
    assert account_of(store, "ann").paused_at == START


def test_arguments_and_results_go_through(store: Store, thread: StoreThread) -> None:
    ann = add_account(store)

    async def rest() -> Account:
        await thread.write(accounts.rest_account, ann.id, until=START, reason="asked to")
        return await thread.read(accounts.get_account, "ann")

    found = asyncio.run(rest())
    assert (found.rests_until, found.rest_reason) == (START, "asked to")


def test_a_failure_is_raised_where_it_was_asked_for_and_leaves_nothing(
    store: Store, thread: StoreThread
) -> None:
    add_account(store)

    def pause_two(tx: Connection) -> None:
        accounts.pause_account(tx, "ann", START)
        accounts.pause_account(tx, "bob", START)

    with pytest.raises(NotFound, match=r"no account named bob\. Accounts: ann"):
        asyncio.run(thread.write(pause_two))
    assert account_of(store, "ann").paused_at is None


def test_nothing_can_be_written_where_only_reading_was_asked_for(store: Store, thread: StoreThread) -> None:
    add_account(store)
    with pytest.raises(PostbellError):
        asyncio.run(thread.read(accounts.pause_account, "ann", START))


def test_everything_runs_on_one_thread_in_order_and_never_on_the_loop(thread: StoreThread) -> None:
    order: list[int] = []

    def note(_tx: Connection, number: int) -> str:
        order.append(number)
        return threading.current_thread().name

    async def many() -> list[str]:
        return await asyncio.gather(
            *(thread.write(note, n) if n % 2 else thread.read(note, n) for n in range(20))
        )

    (name,) = set(asyncio.run(many()))
    assert name.startswith("store")
    assert order == list(range(20))


def test_a_write_that_is_broken_off_is_finished_nevertheless(store: Store) -> None:
    add_account(store)
    gate, begun = threading.Event(), threading.Event()
    thread = StoreThread(store)

    def slowly(tx: Connection) -> None:
        accounts.pause_account(tx, "ann", START)
        begun.set()
        gate.wait(20)

    async def break_off() -> None:
        task = asyncio.create_task(thread.write(slowly))
        await asyncio.to_thread(begun.wait, 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.set()

    asyncio.run(break_off())
    thread.close()
    assert account_of(store, "ann").paused_at == START


# Writes that wait at the same time.


@dataclass
class Commits:
    """How often something became durable."""

    count: int = 0


@pytest.fixture
def commits(store: Store, monkeypatch: pytest.MonkeyPatch) -> Commits:
    monkeypatch.setattr("postbell.store.thread.LONG_ENOUGH", 60.0)
    seen = Commits()

    def note(_tx: Connection) -> None:
        seen.count += 1

    event.listen(store._writer, "commit", note)
    return seen


async def at_once(thread: StoreThread, *works: Callable[[Connection], object]) -> list[Any]:
    """Ask for these writes while the thread is busy, so that all of them wait when it goes on."""
    gate = threading.Event()
    busy = asyncio.create_task(thread.read(lambda _tx: gate.wait(20)))
    asked = [asyncio.create_task(thread.write(work)) for work in works]
    await asyncio.sleep(0)
    gate.set()
    ends = await asyncio.gather(*asked, return_exceptions=True)
    await busy
    return ends


def add(name: str) -> Callable[[Connection], str]:
    """Return what stores an account, and tells its name."""

    def work(tx: Connection) -> str:
        return accounts.add_account(
            tx,
            name=name,
            network="fake",
            server=None,
            credentials={},
            session={},
            handle=None,
            now=START,
        ).name

    return work


def stored(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as opened:
        return [name for (name,) in opened.execute("SELECT name FROM account ORDER BY id")]


def test_writes_that_wait_together_become_durable_together(
    store: Store, thread: StoreThread, commits: Commits
) -> None:
    names = [f"a{n}" for n in range(20)]
    assert asyncio.run(at_once(thread, *map(add, names))) == names
    assert stored(store.path) == names
    assert commits.count == 1


def test_of_writes_that_wait_together_each_fails_alone(store: Store, thread: StoreThread) -> None:
    ends = asyncio.run(at_once(thread, *map(add, ["ann", "ann", "bob", "ann", "cid"])))
    assert [type(end) for end in ends] == [str, Conflict, str, Conflict, str]
    assert stored(store.path) == ["ann", "bob", "cid"]


def test_where_the_first_fails_the_others_are_stored(store: Store, thread: StoreThread) -> None:
    def halfway(tx: Connection) -> None:
        add("half")(tx)
        raise ValueError("no further")

    ends = asyncio.run(at_once(thread, halfway, add("ann"), halfway, add("bob")))
    assert [type(end) for end in ends] == [ValueError, str, ValueError, str]
    assert stored(store.path) == ["ann", "bob"]


def test_what_fails_leaves_nothing_of_its_own_behind(store: Store, thread: StoreThread) -> None:
    def halfway(tx: Connection) -> None:
        add("half")(tx)
        raise ValueError("no further")

    asyncio.run(at_once(thread, add("ann"), halfway, add("bob")))
    assert stored(store.path) == ["ann", "bob"]


def test_a_failure_of_the_database_is_told_as_what_it_means(store: Store, thread: StoreThread) -> None:
    def fill(tx: Connection) -> None:
        (pages,) = tx.exec_driver_sql("PRAGMA page_count").one()
        tx.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        tx.exec_driver_sql("CREATE TABLE more (words)")
        tx.exec_driver_sql("INSERT INTO more VALUES (zeroblob(100000))")

    ends = asyncio.run(at_once(thread, add("ann"), fill, add("bob")))
    assert [type(end) for end in ends] == [str, DiskFull, str]
    assert stored(store.path) == ["ann", "bob"]


def test_where_sqlite_takes_everything_back_nobody_is_told_that_it_is_stored(
    store: Store, thread: StoreThread
) -> None:
    def fill(tx: Connection) -> None:
        tx.exec_driver_sql("PRAGMA cache_size = 10")  # so that it must write before the end
        (pages,) = tx.exec_driver_sql("PRAGMA page_count").one()
        tx.exec_driver_sql(f"PRAGMA max_page_count = {pages + 20}")
        tx.exec_driver_sql("CREATE TABLE more (words)")
        try:
            for _ in range(1000):
                tx.exec_driver_sql("INSERT INTO more VALUES (zeroblob(3000))")
        finally:
            assert not is_open(tx)

    ends = asyncio.run(at_once(thread, add("ann"), fill, add("bob")))
    assert [type(end) for end in ends] == [DiskFull, DiskFull, str]
    assert stored(store.path) == ["bob"]


def test_where_the_commit_fails_nobody_is_told_that_it_is_stored(store: Store, thread: StoreThread) -> None:
    def break_the_commit(tx: Connection) -> None:
        tx.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        tx.exec_driver_sql("INSERT INTO series_account (series_id, account_id) VALUES ('none', 99)")

    ends = asyncio.run(at_once(thread, add("ann"), break_the_commit, add("bob")))
    assert [type(end) for end in ends] == [IntegrityError] * 3
    assert stored(store.path) == []


def test_where_the_database_is_locked_all_who_wait_are_told(tmp_path: Path) -> None:
    with open_store(tmp_path, lock_wait=0.05) as store, closing(sqlite3.connect(store.path)) as other:
        thread = StoreThread(store)
        other.isolation_level = None
        other.execute("BEGIN EXCLUSIVE")
        ends = asyncio.run(at_once(thread, *map(add, ["ann", "bob", "cid"])))
        other.execute("ROLLBACK")
        assert [type(end) for end in ends] == [DatabaseLocked] * 3
        assert asyncio.run(at_once(thread, add("dan"))) == ["dan"]
        thread.close()
        assert stored(store.path) == ["dan"]


def test_what_is_told_as_stored_is_in_a_copy_of_the_files_made_at_that_moment(
    store: Store, thread: StoreThread, tmp_path: Path
) -> None:
    copies = []

    async def add_and_copy(name: str) -> None:
        await thread.write(add(name))
        folder = tmp_path / name
        folder.mkdir()
        for suffix in ("", "-wal"):
            shutil.copy(f"{store.path}{suffix}", folder / f"copy.db{suffix}")
        copies.append((name, folder / "copy.db"))

    async def many() -> None:
        await asyncio.gather(*(add_and_copy(f"a{n}") for n in range(10)))

    asyncio.run(many())
    assert len(copies) == 10
    for name, path in copies:
        assert name in stored(path)


def test_what_was_asked_for_is_done_though_nobody_waits_any_more(store: Store, thread: StoreThread) -> None:
    async def leave() -> None:
        gate = threading.Event()
        busy = asyncio.create_task(thread.read(lambda _tx: gate.wait(20)))
        asked = asyncio.create_task(thread.write(add("ann")))
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        gate.set()
        await busy
        await thread.write(add("bob"))

    asyncio.run(leave())
    assert stored(store.path) == ["ann", "bob"]


def test_a_loop_that_has_ended_stops_nobody(store: Store, thread: StoreThread) -> None:
    gate = threading.Event()

    async def leave() -> None:
        asked = [thread.read(lambda _tx: gate.wait(20)), thread.write(add("ann"))]
        await asyncio.wait([asyncio.create_task(each) for each in asked], timeout=0.01)

    asyncio.run(leave())
    gate.set()
    assert asyncio.run(thread.write(add("bob"))) == "bob"
    assert stored(store.path) == ["ann", "bob"]


def test_a_reader_sees_what_was_asked_to_be_written_before_and_not_what_comes_after(
    store: Store, thread: StoreThread
) -> None:
    def names(tx: Connection) -> list[str]:
        return [each.name for each in accounts.list_accounts(tx)]

    async def many() -> list[str]:
        asked = [thread.write(add("ann")), thread.read(names), thread.write(add("bob"))]
        return (await asyncio.gather(*asked))[1]  # type: ignore[return-value]

    assert asyncio.run(many()) == ["ann"]


def test_nobody_joins_a_transaction_that_has_lasted_long(
    thread: StoreThread, commits: Commits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postbell.store.thread.LONG_ENOUGH", 0.0)
    asyncio.run(at_once(thread, *map(add, ["ann", "bob", "cid"])))
    assert commits.count == 3


def test_whoever_waits_for_news_hears_of_each_write_that_is_durable_and_of_nothing_else(
    store: Store, thread: StoreThread
) -> None:
    seen: list[list[str]] = []
    thread.on_written = lambda: seen.append(stored(store.path))

    async def script() -> None:
        await thread.write(add("ann"))
        await thread.read(lambda tx: accounts.get_account(tx, "ann"))
        with pytest.raises(Conflict):
            await thread.write(add("ann"))
        await thread.write(add("bob"))

    asyncio.run(script())
    assert seen == [["ann"], ["ann", "bob"]]
