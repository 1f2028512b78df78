"""What a daemon tells that cannot go on."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postbell.errors import Damaged
from postbell.services.telling import last_words
from postbell.settings import NotifySettings, Places
from support.telling import Notebook


NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(data_dir=tmp_path, config=tmp_path / "config.toml")


def speak(
    places: Places,
    notebook: Notebook,
    error: Exception | None = None,
    *,
    after: timedelta = timedelta(),
    **settings: Any,
) -> list[str]:
    """Let a daemon end; return what was told so far."""
    ended = error or Damaged("The database is damaged.")
    last_words.speak(places, NotifySettings(**settings), ended, NOW + after, ways=[notebook])
    for path in places.config.parent.glob("*last-words") if not after else ():
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    return [message.body.splitlines()[0] for message in notebook.messages]


def test_the_user_is_told_why_and_what_to_do_in_the_words_of_the_error_alone(places: Places) -> None:
    notebook = Notebook()
    told = "The daemon has ended, and nothing is published before it runs again: The database is damaged."
    assert speak(places, notebook) == [told]
    assert notebook.titles == ["1 about the daemon"]
    assert notebook.last == told
    assert (places.data_dir / "last-words").stat().st_mode & 0o777 == 0o600


def test_a_fault_is_told_by_its_kind_alone(places: Places) -> None:
    notebook = Notebook()
    (told,) = speak(places, notebook, LookupError("canary"))
    assert told.endswith("a fault in it (LookupError)")
    assert "`postbell doctor`" in notebook.last


def test_a_file_that_the_system_refuses_is_named(places: Places) -> None:
    refusal = OSError(errno.EROFS, "Read-only file system", "/data/daemon.lock")
    (told,) = speak(places, Notebook(), refusal)
    assert told.endswith("before it runs again: /data/daemon.lock: Read-only file system")


def test_who_does_not_want_to_hear_of_the_daemon_hears_no_last_words(places: Places) -> None:
    assert speak(places, Notebook(), about=("failed", "missed")) == []


def test_quiet_hours_do_not_count_because_nobody_could_tell_it_afterwards(places: Places) -> None:
    assert len(speak(places, Notebook(), quiet="00:00-23:59", urgent=())) == 1


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
    last_words.speak(places, NotifySettings(), Damaged("It is damaged."), NOW)
    assert list(places.data_dir.iterdir()) == []


def test_where_nothing_can_be_written_it_is_told_all_the_same(tmp_path: Path) -> None:
    gone = Places(data_dir=tmp_path / "gone", config=tmp_path / "config.toml")
    assert len(speak(gone, Notebook())) == 1
    last_words.forget(gone)


def test_a_data_folder_that_cannot_be_written_does_not_make_it_say_the_same_at_each_start(
    tmp_path: Path,
) -> None:
    gone = Places(data_dir=tmp_path / "gone", config=tmp_path / "config.toml", runtime_dir=tmp_path)
    notebook = Notebook()
    for _ in range(2):
        assert len(speak(gone, notebook)) == 1
    last_words.forget(gone)
    assert len(speak(gone, notebook)) == 2


def test_a_file_that_is_no_text_says_nothing(places: Places) -> None:
    (places.data_dir / "last-words").write_bytes(b"\xff")
    assert len(speak(places, Notebook())) == 1
