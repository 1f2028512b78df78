"""What a daemon tells that cannot go on."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postbell.errors import Damaged
from postbell.services import last_words
from postbell.settings import Places
from support.telling import Notebook


NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(data_dir=tmp_path, config=tmp_path / "config.toml")


def speak(
    places: Places, notebook: Notebook, error: Exception | None = None, *, after: timedelta = timedelta()
) -> list[str]:
    """Let a daemon end; return what was told so far."""
    last_words.speak(places, [notebook], error or Damaged("The database is damaged."), NOW + after)
    if (path := places.data_dir / "last-words").exists() and not after:
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    return [message.body.splitlines()[0] for message in notebook.messages]


def test_the_user_is_told_why_and_what_to_look_at(places: Places) -> None:
    notebook = Notebook()
    told = "The daemon has ended, and nothing is published before it runs again: The database is damaged."
    assert speak(places, notebook) == [told]
    assert notebook.titles == ["1 about the daemon"]
    assert "`postbell doctor`" in notebook.last
    assert (places.data_dir / "last-words").stat().st_mode & 0o777 == 0o600


def test_a_fault_is_told_by_its_kind_alone(places: Places) -> None:
    (told,) = speak(places, Notebook(), LookupError("canary"))
    assert told.endswith("a fault in it (LookupError)")


def test_a_daemon_that_is_started_again_and_again_says_it_once_a_day(places: Places) -> None:
    notebook = Notebook()
    speak(places, notebook)
    assert len(speak(places, notebook, after=timedelta(hours=23))) == 1
    assert len(speak(places, notebook, after=timedelta(hours=25))) == 2


def test_something_else_is_told_at_once(places: Places) -> None:
    notebook = Notebook()
    speak(places, notebook)
    assert len(speak(places, notebook, Damaged("It is gone."))) == 2


def test_what_nobody_took_is_told_at_the_next_end(places: Places) -> None:
    notebook = Notebook(failing="no server")
    assert speak(places, notebook) == []
    notebook.failing = None
    assert len(speak(places, notebook)) == 1


def test_after_a_good_start_it_is_told_again(places: Places) -> None:
    notebook = Notebook()
    speak(places, notebook)
    last_words.forget(places)
    assert len(speak(places, notebook)) == 2


def test_without_a_way_nothing_is_written(places: Places) -> None:
    last_words.speak(places, [], Damaged("It is damaged."), NOW)
    assert list(places.data_dir.iterdir()) == []


def test_where_nothing_can_be_written_it_is_told_all_the_same(tmp_path: Path) -> None:
    gone = Places(data_dir=tmp_path / "gone", config=tmp_path / "config.toml")
    assert len(speak(gone, Notebook())) == 1
    last_words.forget(gone)
