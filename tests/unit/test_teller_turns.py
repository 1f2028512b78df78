"""When the Teller takes a turn, and that nothing which goes wrong there goes further."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from postbell.services.telling.message import Message
from postbell.services.telling.noticing import News
from postbell.store import notices
from postbell.store.notices import Telling, WayState
from support.telling import Notebook, Told, fail, telling
from support.world import START


def wanted(told: Told) -> bool:
    with told.world.store.read() as tx:
        return told.teller.wanted(tx)


def test_a_turn_is_wanted_only_while_there_is_something_to_note_or_to_tell(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        assert not wanted(told)
        fail(told, "sky")
        assert wanted(told)
        await told.after(6)
        assert wanted(told)
        await told.after(31)
        assert not wanted(told)
        told.teller.troubles.begin("clock", "The clock went back.")
        assert wanted(told)

    telling(tmp_path, script)


def test_before_anything_was_looked_at_a_turn_is_wanted(tmp_path: Path) -> None:
    async def nothing(_told: Told) -> None:
        """Do nothing."""

    def before(told: Told) -> None:
        assert not wanted(told)
        told.teller.begin()
        assert wanted(told)

    telling(tmp_path, nothing, before=before)


def test_where_nobody_is_to_be_told_nothing_is_wanted(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        fail(told, "sky")
        assert not wanted(told)
        told.teller.news()
        await told.teller.turn()
        assert told.kept() == []

    telling(tmp_path, script, ways=[])


def test_news_ring_for_a_turn_but_not_again_and_again(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        told.teller.bell.clear()
        told.teller.news()  # too soon after the last look
        told.teller.news()
        await asyncio.sleep(0)
        assert not told.teller.bell.is_set()
        await told.teller.close(0)

    telling(tmp_path, script)


def test_news_after_a_while_ring_at_once(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        told.teller.bell.clear()
        told.pass_by(6)
        told.teller.news()
        async with asyncio.timeout(10):
            await told.teller.bell.wait()

    telling(tmp_path, script)


def test_what_waits_to_be_told_rings_by_itself(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        fail(told, "sky")
        await told.after(6)
        told.teller.bell.clear()
        async with asyncio.timeout(10):
            await told.teller.bell.wait()

    telling(tmp_path, script, gather_seconds=0.05)


def test_a_fault_while_telling_is_logged_and_goes_no_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def script(told: Told) -> None:
        async def break_down(_now: datetime) -> News:
            raise LookupError

        monkeypatch.setattr(told.teller, "_note", break_down)
        fail(told, "sky")
        assert await told.after(61) == []
        assert "telling_broke" in capsys.readouterr().out
        monkeypatch.undo()
        await told.after(61)
        assert await told.after(31) == ["1 failed"]

    telling(tmp_path, script)


def test_a_fault_in_one_way_does_not_silence_the_others(tmp_path: Path) -> None:
    good, bad = Notebook(), Notebook(name="bad")

    def break_down() -> None:
        raise LookupError

    async def script(told: Told) -> None:
        bad.before = break_down
        fail(told, "sky")
        await told.after(6)
        await told.after(31)
        assert good.titles == ["1 failed"]
        await told.after(61)
        await told.after(31)
        assert "Notices cannot be sent by bad: A fault in Postbell (LookupError)" in good.last

    telling(tmp_path, script, ways=[good, bad])


class Slow(Notebook):
    """A way that takes a message when it is let."""

    free: asyncio.Event
    begun: asyncio.Event

    async def tell(self, message: Message) -> None:
        self.begun.set()
        await self.free.wait()
        await super().tell(message)


@pytest.mark.parametrize("patient", [True, False])
def test_a_message_that_is_on_its_way_is_waited_for_when_the_daemon_stops(
    tmp_path: Path,
    patient: bool,  # noqa: FBT001
) -> None:
    slow = Slow()

    async def script(told: Told) -> None:
        slow.free, slow.begun = asyncio.Event(), asyncio.Event()
        fail(told, "sky")
        await told.after(6)
        told.pass_by(31)
        turn = asyncio.create_task(told.teller.turn())
        await slow.begun.wait()
        turn.cancel()
        if patient:
            slow.free.set()
        await told.teller.close(20 if patient else 0)
        assert [each.told_at is not None for each in told.kept()] == [patient]

    telling(tmp_path, script, ways=[slow])


def test_how_a_way_did_is_known_after_a_restart(tmp_path: Path) -> None:
    async def first(told: Told) -> None:
        told.notebook.failing = "nobody answers"
        fail(told, "sky")
        await told.after(6)
        await told.after(31)

    async def again(told: Told) -> None:
        assert states(told) == {"notebook": "nobody answers"}
        await told.after(31)
        assert states(told) == {"notebook": None}

    telling(tmp_path, first)
    telling(tmp_path, again)


def test_a_way_that_is_no_longer_configured_is_nobodys_trouble(tmp_path: Path) -> None:
    async def first(told: Told) -> None:
        fail(told, "sky")
        await told.after(6)
        await told.after(31)
        await told.after(61)
        await told.after(31)

    async def again(told: Told) -> None:
        assert await told.after(61) == []
        assert list(states(told)) == ["notebook"]
        assert told.teller.troubles.names() == []

    telling(tmp_path, first, ways=[Notebook(), Notebook(name="gone", failing="nobody answers")])
    telling(tmp_path, again)


def test_a_time_of_a_wrong_clock_does_not_hide_what_happens(tmp_path: Path) -> None:
    async def nobody(told: Told) -> None:
        later = Telling(since=START.replace(year=2099), ways=(WayState(name="notebook"),))
        with told.world.store.write() as tx:
            notices.save_telling(tx, later)

    async def somebody(told: Told) -> None:
        fail(told, "sky")
        await told.after(6)
        assert await told.after(31) == ["1 failed"]

    telling(tmp_path, nobody, ways=[])
    telling(tmp_path, somebody)


def states(told: Told) -> dict[str, str | None]:
    with told.world.store.read() as tx:
        kept = notices.load_telling(tx)
    assert kept is not None
    return {way.name: way.error for way in kept.ways}
