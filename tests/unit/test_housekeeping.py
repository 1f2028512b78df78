"""What the daemon does for its database file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from postbell.domain.states import DeliveryState
from postbell.errors import Damaged, DiskFull
from postbell.sections import BackupSettings
from postbell.services.telling.troubles import Troubles
from postbell.services.upkeep import housekeeping, upkeep
from postbell.services.upkeep.housekeeping import Housekeeping
from postbell.settings import Settings
from postbell.store import backup, deliveries, retention, seal, wal
from postbell.store.tables.core import delivery
from postbell.store.thread import StoreThread
from support.disk import flip
from support.world import World, add_post, delivery_in


def keeper(world: World, **backup: Any) -> Housekeeping:
    settings, now = Settings(backup=BackupSettings(**backup)), world.clock.now
    thread = StoreThread(world.store)
    return Housekeeping(world.app.places, settings, now, thread=thread, troubles=Troubles(now))


def backups(world: World) -> list[Path]:
    return sorted(world.app.places.backups.iterdir())


def counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[tuple[Any, ...]]:
    """Let every call of a function be written down."""
    calls: list[tuple[Any, ...]] = []
    real: Callable[..., Any] = getattr(module, name)

    def call(*args: Any, **kw: Any) -> Any:
        calls.append(args)
        return real(*args, **kw)

    monkeypatch.setattr(module, name, call)
    return calls


# Proving.


def test_a_file_is_read_whole_unless_it_was_closed_as_it_should_be(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = counted(monkeypatch, backup, "check")
    path = world.app.places.database
    add_post(world.store)
    first = keeper(world)
    asyncio.run(first.prove())
    assert len(reads) == 1
    world.store.close()
    first.seal()
    assert seal.is_sealed(path)
    second = keeper(world)
    asyncio.run(second.prove())
    assert len(reads) == 1
    assert not seal.is_sealed(path)  # from now on a crash leaves none


def test_a_file_that_was_never_proved_is_not_sealed(world: World) -> None:
    keeper(world).seal()
    assert not seal.is_sealed(world.app.places.database)


def test_a_damaged_file_is_not_proved_and_not_changed(world: World) -> None:
    world.store.close()
    path = world.app.places.database
    flip(path, range(4096 * 3, 4096 * 9, 7))
    before = path.read_bytes()
    made = keeper(world)
    with pytest.raises(Damaged, match="left as it is"):
        asyncio.run(made.prove())
    made.seal()
    assert not seal.is_sealed(path)
    assert path.read_bytes() == before


def test_a_stop_breaks_off_the_reading(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "_STEPS", 1)
    made = keeper(world)
    made._stopped.set()
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        asyncio.run(made.prove())
    made.seal()
    assert not seal.is_sealed(world.app.places.database)


def test_who_waits_for_the_reading_may_stop_waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def script() -> None:
        begun, loop = asyncio.Event(), asyncio.get_running_loop()

        def read(_places: object, _now: object, *, stop: Callable[[], bool]) -> None:
            loop.call_soon_threadsafe(begun.set)
            while not stop():
                pass

        monkeypatch.setattr(upkeep, "require_sound", read)
        proving = asyncio.create_task(keeper(world).prove())
        await begun.wait()
        proving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await proving

    asyncio.run(script())


# The log.


def test_the_log_is_emptied_after_a_turn_without_a_write_and_then_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    empties = counted(monkeypatch, wal, "empty_log")
    made, path = keeper(world, every_hours=0), world.app.places.database

    async def script() -> None:
        await made.tend()
        add_post(world.store)
        await made.tend()
        assert (len(empties), wal.log_bytes(path) > 0) == (0, True)
        await made.tend()
        assert (len(empties), wal.log_bytes(path)) == (1, 0)
        await made.tend()
        assert len(empties) == 1

    asyncio.run(script())


def test_a_log_that_cannot_be_emptied_is_told_once_with_who_reads(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal, "LARGE", 1)
    made, path = keeper(world, every_hours=0), world.app.places.database
    add_post(world.store)
    with sqlite3.connect(path, isolation_level=None) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM post").fetchall()
        add_post(world.store)
        with capture_logs() as logged:
            asyncio.run(made.tend())
            asyncio.run(made.tend())
        reader.execute("COMMIT")
    reader.close()
    (told,) = [line for line in logged if line["event"] == "log_too_large"]
    assert "process" in str(told)
    (notice,) = made.troubles.untold()
    assert "The log of the database has grown" in notice.message
    asyncio.run(made.tend())
    assert (wal.log_bytes(path), made.troubles.names()) == (0, [])


def test_a_log_that_breaks_while_it_is_emptied_stops_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path) -> bool:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(wal, "LARGE", 1)
    monkeypatch.setattr(wal, "empty_log", full)
    add_post(world.store)
    asyncio.run(keeper(world, every_hours=0).tend())


# Backups.


def test_a_backup_is_made_when_one_is_due_and_not_before(world: World) -> None:
    made = keeper(world)
    asyncio.run(made.tend())
    (first,) = backups(world)
    assert backup.check(first) == []
    world.clock.advance(timedelta(hours=23))
    asyncio.run(made.tend())
    assert backups(world) == [first]
    world.clock.advance(timedelta(hours=1))
    asyncio.run(made.tend())
    assert len(backups(world)) == 2


@pytest.mark.parametrize(("kept", "left"), [({}, 2), ({"keep": 1, "keep_weeks": 0}, 1)])
def test_a_backup_from_a_time_that_is_still_to_come_counts_for_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, kept: dict[str, int], left: int
) -> None:
    copies = counted(monkeypatch, backup, "backup")
    made = keeper(world, **kept)
    asyncio.run(made.tend())
    world.clock.advance(timedelta(days=-400))
    asyncio.run(made.tend())
    asyncio.run(made.tend())
    assert (len(copies), len(backups(world))) == (2, left)


def test_where_the_user_wants_none_none_is_made(world: World) -> None:
    asyncio.run(keeper(world, every_hours=0).tend())
    assert backups(world) == []


def test_old_backups_go_by_the_rule(world: World) -> None:
    made = keeper(world, keep=3, keep_weeks=2)
    for _day in range(15):  # from a Monday to a Monday
        asyncio.run(made.tend())
        world.clock.advance(timedelta(days=1))
    days = [path.stem.rpartition("-")[2][:8] for path in backups(world)]
    assert days == ["20261205", "20261206", "20261207"]
    for _day in range(3):
        asyncio.run(made.tend())
        world.clock.advance(timedelta(days=1))
    days = [path.stem.rpartition("-")[2][:8] for path in backups(world)]
    assert days == ["20261206", "20261208", "20261209", "20261210"]


def test_a_backup_that_fails_is_told_and_tried_again_an_hour_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "_AGAIN_AFTER", 0.0)
    tries: list[None] = []

    def full(*_args: object, **_kw: object) -> None:
        tries.append(None)
        raise DiskFull("no room")

    monkeypatch.setattr(upkeep, "back_up", full)
    made = keeper(world)

    async def script() -> None:
        await made.tend()
        monkeypatch.setattr(housekeeping, "_AGAIN_AFTER", 3600.0)
        await made.tend()
        await made.tend()

    with capture_logs() as logged:
        asyncio.run(script())
    assert len(tries) == 2
    (notice,) = made.troubles.untold()
    assert (notice.message, notice.mend) == (
        "No backup can be made: no room",
        "Try it: `postbell db backup`.",
    )
    assert {(line["event"], line["reason"]) for line in logged} == {("backup_failed", "no room")}


def test_a_backup_that_finds_the_database_damaged_ends_the_daemon(world: World) -> None:
    world.store.close()
    flip(world.app.places.database, range(4096 * 3, 4096 * 9, 7))
    with pytest.raises(Damaged, match=r"postbell\.db is damaged"):
        asyncio.run(keeper(world).tend())
    assert backups(world) == []


def test_a_copy_that_went_bad_on_its_own_disk_ends_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bad(*_args: object, **_kw: object) -> None:
        raise Damaged("The copy is not sound")

    monkeypatch.setattr(upkeep, "back_up", bad)
    with capture_logs() as logged:
        asyncio.run(keeper(world).tend())
    assert [line["reason"] for line in logged] == ["The copy is not sound"]


# What is over.


def test_what_is_over_for_long_is_removed_soon_after_the_start_and_then_once_a_day(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = delivery_in(world.store, DeliveryState.PROCESSED)
    steps = counted(monkeypatch, retention, "prune_posts")
    world.clock.advance(timedelta(days=731))
    made = keeper(world, every_hours=0)

    async def script() -> None:
        await made.tend()
        await made.tend()
        made._keep_until = 0.0
        await made.tend()

    asyncio.run(script())
    assert len(steps) == 2
    with world.store.read() as tx:
        assert deliveries.list_deliveries(tx, delivery.c.id == old.id) == []
