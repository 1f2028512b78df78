"""When the user is not disturbed, what is told of the daemon itself, and ways that fail."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from support.telling import Notebook, Told, fail, telling


# Quiet hours. It is nine in the morning at START.


def test_what_happens_in_quiet_hours_is_told_in_one_message_at_their_end(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        for name in ("sky", "blog"):
            fail(told, name)
            await told.after(6)
            assert await told.after(31) == []
        await told.after(3600)
        assert await told.after(31) == ["2 failed"]

    telling(tmp_path, script, quiet="08:00-10:00")


def test_outside_of_quiet_hours_nothing_waits_for_them(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        fail(told, "sky")
        await told.after(6)
        assert await told.after(31) == ["1 failed"]

    telling(tmp_path, script, quiet="22:00-07:00")


def test_what_is_urgent_is_told_in_quiet_hours_and_nothing_else(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        fail(told, "sky")
        told.teller.troubles.begin("clock", "The clock went back.")
        await told.after(6)
        assert await told.after(31) == ["1 about the daemon"]

    telling(tmp_path, script, quiet="08:00-10:00")


# The daemon's own troubles.


def test_a_trouble_and_its_end_are_told(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        told.teller.troubles.begin("clock", "The clock went back.", "Set it.")
        await told.after(6)
        await told.after(31)
        assert told.notebook.last == "The clock went back.\n  Set it."
        told.teller.troubles.begin("clock", "The clock went back.", "Set it.")
        await told.after(61)
        told.teller.troubles.end("clock", "The clock is right again.")
        await told.after(6)
        await told.after(61)
        assert [message.body for message in told.notebook.messages[1:]] == ["The clock is right again."]

    telling(tmp_path, script)


def test_a_trouble_that_ends_before_it_was_told_is_not_told(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        told.teller.troubles.begin("clock", "The clock went back.")
        await told.after(6)
        told.teller.troubles.end("clock")
        assert await told.after(61) == []
        assert [each.told_at for each in told.kept()] == [None]
        assert all(each.over_at for each in told.kept())

    telling(tmp_path, script)


def test_a_trouble_that_lasts_over_a_restart_is_told_once(tmp_path: Path) -> None:
    async def first(told: Told) -> None:
        told.teller.troubles.begin("clock", "The clock went back.")
        await told.after(6)
        assert await told.after(31) == ["1 about the daemon"]

    async def again(told: Told) -> None:
        told.teller.troubles.begin("clock", "The clock went back.")
        assert await told.after(61) == []
        told.teller.troubles.end("clock", "The clock is right again.")
        await told.after(6)
        await told.after(31)
        assert told.notebook.last == "The clock is right again."

    telling(tmp_path, first)
    telling(tmp_path, again)


def test_a_trouble_that_is_known_to_be_over_after_a_restart_is_ended(tmp_path: Path) -> None:
    async def first(told: Told) -> None:
        told.teller.troubles.begin("config", "The configuration is wrong.")
        await told.after(6)
        assert await told.after(31) == ["1 about the daemon"]

    async def again(told: Told) -> None:
        await told.after(6)
        assert await told.after(61) == ["1 about the daemon"]
        assert told.notebook.last == "The configuration was read."

    def well(told: Told) -> None:
        told.teller.troubles.end("config", "The configuration was read.")

    telling(tmp_path, first)
    telling(tmp_path, again, before=well)


def test_what_happens_a_second_time_is_told_a_second_time(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        for _ in range(2):
            told.teller.troubles.happen("clock", "The clock went back.")
            await told.after(61)
            await told.after(61)
        assert told.notebook.titles == ["1 about the daemon"] * 2

    telling(tmp_path, script)


def test_what_happens_a_second_time_before_it_was_told_is_told_once(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        for _ in range(2):
            told.teller.troubles.happen("clock", "The clock went back.")
        await told.after(6)
        assert await told.after(61) == ["1 about the daemon"]

    telling(tmp_path, script)


@pytest.mark.parametrize(("verb", "times"), [("happen", 1), ("begin", 0)])
def test_after_a_restart_what_happens_once_more_is_told_again_and_what_lasts_is_not(
    tmp_path: Path, verb: str, times: int
) -> None:
    async def first(told: Told) -> None:
        told.teller.troubles.begin("clock", "The clock went back.")
        await told.after(6)
        assert await told.after(31) == ["1 about the daemon"]

    def early(told: Told) -> None:
        told.pass_by(3600)
        getattr(told.teller.troubles, verb)("clock", "The clock went back.")

    async def again(told: Told) -> None:
        for _ in range(3):
            await told.after(61)
        assert told.notebook.titles == ["1 about the daemon"] * times
        assert [each.over_at is None for each in told.kept()] == [False] * times + [True]

    telling(tmp_path, first)
    telling(tmp_path, again, before=early)


def test_before_the_database_may_be_used_only_the_daemons_own_troubles_are_told(tmp_path: Path) -> None:
    async def first(told: Told) -> None:
        fail(told, "sky")
        await told.after(6)

    def unbegun(told: Told) -> None:
        told.teller.begin = lambda: None  # type: ignore[method-assign]

    async def again(told: Told) -> None:
        assert await told.after(61) == []
        told.teller.troubles.begin("database", "Nothing can be published.")
        await told.after(6)
        assert await told.after(61) == ["1 about the daemon"]

    telling(tmp_path, first)
    telling(tmp_path, again, before=unbegun)


def test_a_database_that_cannot_be_written_is_told_although_nothing_can_be_written_down(
    tmp_path: Path,
) -> None:
    async def script(told: Told) -> None:
        fail(told, "sky")
        with closing(sqlite3.connect(told.world.store.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await told.after(6)
            assert await told.after(31) == ["1 about the daemon"]
            assert "Nothing can be published: Another program has locked the database" in told.notebook.last
            assert await told.after(600) == ["1 about the daemon"]
            other.execute("ROLLBACK")
        await told.after(6)
        assert await told.after(61) == ["1 about the daemon", "1 about the daemon, 1 failed"]
        assert told.notebook.last.startswith("The database can be used again; what waited goes on.")
        assert [each.kind for each in told.kept()] == ["failed", "trouble", "trouble"]

    telling(tmp_path, script)


def test_what_was_told_while_nothing_could_be_written_is_not_told_again(tmp_path: Path) -> None:
    async def script(told: Told) -> None:
        fail(told, "sky")
        await told.after(6)
        told.pass_by(31)
        other = sqlite3.connect(told.world.store.path, isolation_level=None)
        with closing(other):
            told.notebook.before = lambda: other.execute("BEGIN IMMEDIATE")
            assert await told.after(0) == ["1 failed"]
            told.notebook.before = lambda: None
            await told.after(61)
            other.execute("ROLLBACK")
        await told.after(61)
        assert await told.after(61) == ["1 failed"]

    telling(tmp_path, script, about=("failed",))


# Ways that fail.


def test_what_nobody_takes_is_tried_again_less_and_less_often(tmp_path: Path) -> None:
    notebook = Notebook(failing="nobody answers")

    async def script(told: Told) -> None:
        told.notebook = notebook
        fail(told, "sky")
        await told.after(6)
        for seconds in (31, 61, 61):
            assert await told.after(seconds) == []
        notebook.failing = None
        assert await told.after(30) == []
        assert await told.after(31) == ["1 failed"]

    telling(tmp_path, script, ways=[notebook], about=("failed",))


def test_a_way_that_fails_is_told_by_the_others_and_so_is_its_end(tmp_path: Path) -> None:
    good, bad = Notebook(), Notebook(name="url 1 (ntfy)")

    async def script(told: Told) -> None:
        bad.failing = "nobody answers"
        fail(told, "sky")
        await told.after(6)
        await told.after(31)
        await told.after(61)
        await told.after(31)
        assert "Notices cannot be sent by url 1 (ntfy): nobody answers" in good.last
        bad.failing = None
        fail(told, "blog")
        for _ in range(4):
            await told.after(61)
        assert good.last == "Notices can be sent by url 1 (ntfy) again."

    telling(tmp_path, script, ways=[good, bad])
