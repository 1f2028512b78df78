"""Series are written, changed and ended at another machine as they are on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import pictures
from support.elsewhere import Two, told, two_in


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with two_in(tmp_path_factory.mktemp("remote")) as made:
        yield made


_DAILY = ("--to", "out", "--repeat", "daily", "--time", "07:30", "--start", "2099-01-01")
_WEEKS = ("--to", "out", "--gap", "2 weeks", "--start", "2099-01-01 09:00")
#: Each writes a series; it is changed by the commands of `_SERIES_CHANGED` then.
_SERIES_WRITTEN = [
    ("add", "Good day", *_DAILY, "--label", "a,b", "--link", "https://x.example", "--title", "Day"),
    ("add", "Good day", *_DAILY, "--then", "and on", "--late-limit", "6 h", "--count", "3"),
    ("add", "Good day", "--to", "out,other", "--cron", "0 9 * * mon"),
    ("recycle", "Did you know?", *_WEEKS, "--count", "5", "--comment", "More", "--comment-after", "5 min"),
    ("recycle", "Did you know?", "--to", "out", "--library", "facts"),
    ("add", "Nothing", "--to", "nobody", "--repeat", "daily"),
    ("add", "Nothing", "--to", "out", "--repeat", "someday", "--link", "x"),
    ("add", "Nothing", "--to", "out,nobody", "--link", "x"),
    ("recycle", "Nothing", "--to", "nobody", "--gap", "0 d"),
]
_SERIES_CHANGED = [
    ("edit", "SERIES", "Another text", "--title", "A title", "--label", "c", "--late-limit", ""),
    ("edit", "SERIES", "--start", "2099-02-01", "--variant", "", "--comment", "", "--delete-after", "3 d"),
    ("edit", "SERIES", "--to", "other", "--end", "2099-12-31", "--json"),
    ("edit", "SERIES", "--to", "nobody"),
    ("show", "SERIES", "--json"),
]


@pytest.mark.parametrize("written", _SERIES_WRITTEN, ids=lambda words: " ".join(words[:2]))
def test_a_series_is_written_and_changed_alike(two: Two, written: tuple[str, ...]) -> None:
    found = []
    for run in (two.here, two.there):
        first = run("series", *written, "--json")
        series = json.loads(first.out)["id"] if first.code == 0 else "nothing"
        asked = [tuple(series if word == "SERIES" else word for word in each) for each in _SERIES_CHANGED]
        wishes = [first, run("series", *written, "--dry-run"), run("series", *written, "--dry-run", "--json")]
        found.append([told(each, series) for each in (*wishes, *(run("series", *each) for each in asked))])
        two.here("series", "end", series, "--yes")
    for here, there in zip(*found, strict=True):
        assert here == there


def test_texts_of_a_series_go_along(two: Two) -> None:
    found = []
    for run in (two.here, two.there):
        words = ("add", "Good {day|night}", *_DAILY, "--variant", "Hello", "--variant", "Hi", "--json")
        first = run("series", *words)
        series = json.loads(first.out)["id"]
        found.append([told(each, series) for each in (first, run("series", "edit", series, "--variant", ""))])
        two.here("series", "end", series, "--yes")
    assert found[0][0] == found[1][0]
    assert (found[0][1][0], found[1][1][0]) == (0, 0)  # with which text it begins is chance


def test_files_of_a_series_go_along(two: Two, tmp_path: Path) -> None:
    cat = pictures.written(tmp_path, "cat.png", pictures.png())
    found = []
    for run in (two.here, two.there):
        first = run("series", "add", "A cat", *_DAILY, "--media", f"{cat}=It sits", "--json")
        series = json.loads(first.out)["id"]
        asked = [("edit", series, "--media", f"{cat}=It stands", "--json"), ("edit", series, "--no-media")]
        asked += [("edit", series, "--media", str(tmp_path / "none.png"))]
        found.append([told(each, series) for each in (first, *(run("series", *each) for each in asked))])
        two.here("series", "end", series, "--yes")
    assert found[0] == found[1]
    ran = two.there("series", "add", "A cat", *_DAILY, "--media", str(cat), "--dry-run")
    assert "removed after a day" in ran.err


def test_a_series_is_ended_and_told_alike(two: Two) -> None:
    found = []
    for run in (two.here, two.there):
        add = ("series", "add", "Good morning", "--to", "out", "--repeat", "daily", "--time", "07:30")
        series = json.loads(two.here(*add, "--json").out)["id"]
        words = [("series", "rrule", series[:6]), ("series", "end", series, "--yes", "--json")]
        words += [("series", "end", series, "--yes"), ("series", "show", series)]
        found.append([told(run(*each), series) for each in words])
    assert found[0] == found[1]


@pytest.mark.parametrize("more", [("--yes",), ("--yes", "--json"), ("--all", "--yes")], ids=str)
def test_a_series_is_deleted_and_told_alike(two: Two, more: tuple[str, ...]) -> None:
    found = []
    for run in (two.here, two.there):
        add = ("series", "add", "Good morning", "--to", "out", "--repeat", "daily", "--time", "07:30")
        series = json.loads(two.here(*add, "--json").out)["id"]
        upcoming = json.loads(two.here("series", "show", series, "--json").out)["next"]
        two.here("edit", upcoming[0]["post"], "By hand")
        words = [("series", "delete", series, *more), ("series", "delete", series, "--yes")]
        found.append([told(run(*each), series) for each in words])
        two.here("delete", upcoming[0]["post"], "--yes")
    assert found[0] == found[1]
