"""When the chores of the daemon are done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from postbell.beat import Beat, Chore
from postbell.errors import Damaged, DatabaseLocked, PostbellError
from postbell.store.engine import Store
from support.world import open_store


SHORT, NEVER = timedelta(milliseconds=5), timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


class Stage:
    """A beat that runs, and what became of it."""

    def __init__(self, store: Store, *chores: Chore) -> None:
        self.lived = asyncio.Semaphore(0)
        self.failures: list[PostbellError] = []
        self.beat = Beat(
            store, chores, every=SHORT, alive=self.lived.release, failed=self.failures.append, again_after=0
        )

    async def run(self, script: Awaitable[object]) -> None:
        running = [asyncio.create_task(self.beat.go())]
        running += [asyncio.create_task(self.beat.do(chore)) for chore in self.beat.chores]
        try:
            await asyncio.wait_for(asyncio.ensure_future(script), 20)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


class Counted:
    """Work that counts how often it is done."""

    def __init__(self) -> None:
        self.times = 0
        self._done = asyncio.Semaphore(0)

    async def __call__(self) -> None:
        self.times += 1
        self._done.release()

    async def wait_for(self, times: int) -> None:
        for _ in range(times):
            await self._done.acquire()


def _run(script: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(script())


def _yes(_tx: Connection) -> bool:
    return True


def _no(_tx: Connection) -> bool:
    return False


def test_a_chore_whose_time_has_come_is_done_again_and_again(store: Store) -> None:
    async def script() -> None:
        work = Counted()
        stage = Stage(store, Chore(name="work", work=work, every=SHORT))
        await stage.run(work.wait_for(3))

    _run(script)


def test_a_chore_is_not_done_at_a_beat_before_its_time(store: Store) -> None:
    async def script() -> None:
        often, seldom = Counted(), Counted()
        stage = Stage(
            store,
            Chore(name="often", work=often, every=SHORT),
            Chore(name="seldom", work=seldom, every=NEVER),
        )
        await stage.run(often.wait_for(5))
        assert seldom.times == 0

    _run(script)


def test_a_chore_that_comes_seldom_is_done_soon_after_the_start_where_that_is_wanted(store: Store) -> None:
    async def script() -> None:
        often, seldom = Counted(), Counted()
        stage = Stage(
            store,
            Chore(name="often", work=often, every=SHORT),
            Chore(name="seldom", work=seldom, every=NEVER, first=SHORT),
        )
        await stage.run(often.wait_for(5))
        assert seldom.times == 1

    _run(script)


def test_a_chore_with_nothing_to_do_is_not_done(store: Store) -> None:
    async def script() -> None:
        busy, idle = Counted(), Counted()
        stage = Stage(
            store,
            Chore(name="idle", work=idle, every=SHORT, wanted=_no),
            Chore(name="busy", work=busy, every=SHORT, wanted=_yes),
        )
        await stage.run(busy.wait_for(5))
        assert idle.times == 0

    _run(script)


def test_a_bell_has_a_chore_done_at_once_whether_its_time_has_come_or_not(store: Store) -> None:
    async def script() -> None:
        work = Counted()
        chore = Chore(name="work", work=work, every=NEVER, wanted=_no)
        chore.bell.set()
        await Stage(store, chore).run(work.wait_for(1))
        assert work.times == 1

    _run(script)


def test_a_bell_during_a_chore_has_it_done_once_more_but_never_twice_at_a_time(store: Store) -> None:
    async def script() -> None:
        at_work = most = 0
        again = asyncio.Semaphore(0)

        async def work() -> None:
            nonlocal at_work, most
            at_work += 1
            most = max(most, at_work)
            chore.bell.set()
            await asyncio.sleep(0)
            at_work -= 1
            again.release()

        async def thrice() -> None:
            for _ in range(3):
                await again.acquire()

        chore = Chore(name="work", work=work, every=NEVER)
        chore.bell.set()
        await Stage(store, chore).run(thrice())
        assert most == 1

    _run(script)


def test_a_slow_chore_keeps_no_other_one_and_no_sign_of_life_waiting(store: Store) -> None:
    async def script() -> None:
        work, begun = Counted(), asyncio.Event()

        async def hang() -> None:
            begun.set()
            await asyncio.Event().wait()

        slow = Chore(name="slow", work=hang, every=NEVER)
        slow.bell.set()
        stage = Stage(store, slow, Chore(name="work", work=work, every=SHORT))

        async def watch() -> None:
            await begun.wait()
            await work.wait_for(2)
            await stage.lived.acquire()

        await stage.run(watch())

    _run(script)


def test_trouble_with_the_database_is_told_and_the_chore_tried_again(store: Store) -> None:
    async def script() -> None:
        tries = Counted()

        async def work() -> None:
            await tries()
            raise DatabaseLocked("Another program has locked it.")

        chore = Chore(name="work", work=work, every=NEVER)
        chore.bell.set()
        stage = Stage(store, chore)
        await stage.run(tries.wait_for(2))
        assert [str(failure) for failure in stage.failures][:1] == ["Another program has locked it."]

    _run(script)


def test_a_damaged_database_ends_it(store: Store) -> None:
    async def script() -> None:
        async def work() -> None:
            raise Damaged("The database is damaged.")

        chore = Chore(name="work", work=work, every=NEVER)
        chore.bell.set()
        with pytest.raises(Damaged):
            await Stage(store, chore).beat.do(chore)

    _run(script)


def test_a_database_that_does_not_answer_has_every_chore_done_and_nothing_called_alive(
    tmp_path: Path,
) -> None:
    async def script() -> None:
        work = Counted()
        stage = Stage(Store(tmp_path / "gone.db"), Chore(name="work", work=work, every=SHORT, wanted=_no))
        await stage.run(work.wait_for(1))
        assert stage.lived.locked()

    _run(script)
