from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.errors import NotFound, PostbellError
from postbell.store import accounts
from postbell.store.engine import Store
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
        await thread.write(accounts.rest_account, ann.id, until=START, reason="asked to", setbacks=2)
        return await thread.read(accounts.get_account, "ann")

    found = asyncio.run(rest())
    assert (found.rests_until, found.rest_reason, found.setbacks) == (START, "asked to", 2)


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
