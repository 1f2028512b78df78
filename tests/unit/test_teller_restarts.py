"""What the user is told after a restart, and after a stop of any length."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.store.engine import Store
from support.telling import Told, fail, publish, telling


def after_a_stop(of: timedelta) -> Callable[[Told], None]:
    """Let a restart come so long after START."""
    return lambda told: told.pass_by(of.total_seconds())


def turn_is_wanted(told: Told) -> bool:
    with told.world.store.read() as tx:
        return told.teller.wanted(tx)


def later(store: Store) -> None:
    """Put everything that has ended into the past, and since when somebody is told further into it."""
    with closing(sqlite3.connect(store.path)) as database, database:
        database.execute(
            "UPDATE delivery SET ended_at = '2026-11-20 09:00:00.000000' WHERE ended_at NOT NULL"
        )
        database.execute("UPDATE telling SET since = '2026-11-19 09:00:00.000000'")


async def told_of_a_failure(told: Told) -> None:
    """Fail, and tell it."""
    fail(told, "sky")
    await told.after(6)
    assert await told.after(31) == ["1 failed"]


async def left_untold(told: Told) -> None:
    """Fail, and end before it is told."""
    fail(told, "sky")


async def told_afterwards(told: Told) -> None:
    """Tell what an earlier life had left untold."""
    assert await told.after(31) == ["1 failed"]


async def told_nothing(told: Told) -> None:
    """Tell nothing for ten minutes."""
    assert await told.after(600) == []


def test_nothing_is_told_twice_also_after_a_restart(tmp_path: Path) -> None:
    telling(tmp_path, told_of_a_failure)
    telling(tmp_path, told_nothing)


def test_what_could_not_be_told_before_a_restart_is_told_after_it(tmp_path: Path) -> None:
    telling(tmp_path, left_untold)
    telling(tmp_path, told_afterwards)


def test_what_happened_while_nobody_wanted_to_be_told_is_not_told_afterwards(tmp_path: Path) -> None:
    async def somebody(told: Told) -> None:
        assert await told.after(31) == []

    async def nobody(told: Told) -> None:
        fail(told, "sky")

    telling(tmp_path, somebody)
    telling(tmp_path, nobody, ways=[])
    with closing(Store(tmp_path / "data/postbell.db")) as store:
        later(store)
    telling(tmp_path, somebody)


@pytest.mark.parametrize("stop", [timedelta(days=3), timedelta(days=300)])
def test_what_failed_before_a_long_stop_is_told_after_it(tmp_path: Path, stop: timedelta) -> None:
    telling(tmp_path, left_untold)
    telling(tmp_path, told_afterwards, before=after_a_stop(stop))


def test_nothing_is_told_twice_after_a_stop_that_is_longer_than_notices_are_kept(tmp_path: Path) -> None:
    telling(tmp_path, told_of_a_failure)
    for days in (300, 600):
        telling(tmp_path, told_nothing, before=after_a_stop(timedelta(days=days)))


def test_after_a_restart_only_what_ended_since_the_last_day_is_looked_for(tmp_path: Path) -> None:
    """So whoever asks for more kinds is not told the whole past."""

    async def first(told: Told) -> None:
        publish(told, "sky", timedelta(hours=1))
        for _ in range(3):
            told.pass_by(24 * 3600)
            if turn_is_wanted(told):
                await told.teller.turn()
        publish(told, "blog", timedelta(hours=1))

    async def again(told: Told) -> None:
        assert await told.after(31) == ["1 late"]
        assert "to blog was published" in told.notebook.last

    telling(tmp_path, first, about=("failed",))
    telling(tmp_path, again, before=after_a_stop(timedelta(days=4)))


def test_the_past_before_the_first_day_is_not_told(tmp_path: Path) -> None:
    async def nobody(told: Told) -> None:
        fail(told, "sky")

    async def somebody(told: Told) -> None:
        assert await told.after(31) == []
        fail(told, "blog")
        await told.after(6)
        assert await told.after(31) == ["1 failed"]

    telling(tmp_path, nobody, ways=[])
    with closing(Store(tmp_path / "data/postbell.db")) as store:
        later(store)
    telling(tmp_path, somebody)
