"""`postbell next`, `agenda` and `month`."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postbell.clock import SystemClock
from support.command import Command, german, with_accounts


#: A Monday morning in Berlin.
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    monkeypatch.setattr(SystemClock, "now", lambda _clock: NOW)
    return with_accounts(tmp_path)


def _daily(cli: Command, *more: str) -> str:
    rule = ("--repeat", "daily", "--time", "12:00", *more)
    return str(cli.done("series", "add", "{Good|Nice} day", "--to", "site", *rule, "--json").json["id"])


def test_next_lists_posts_and_what_series_have_not_made_yet(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site,sky", "--at", "tomorrow 9am")
    series_id = _daily(cli)
    before = cli.stored()
    lines = cli.done("next", "--count", "70").out.splitlines()
    assert cli.stored() == before
    assert re.split("  +", lines[0]) == ["TIME", "ACCOUNT", "POST", "SERIES", "TEXT"]
    assert re.split("  +", lines[2]) == ["Tue 2026-11-24 09:00", "site", post_id, "Hello"]
    assert re.split("  +", lines[3]) == ["Tue 2026-11-24 09:00", "sky", post_id, "Hello"]
    at, *rest = re.split("  +", lines[70])
    assert at == "Fri 2027-01-29 12:00"
    assert rest[:3] == ["site", "not made yet", series_id]


def test_next_until_a_day_ends_where_that_begins(cli: Command) -> None:
    _daily(cli)
    found = cli.done("next", "--until", "2026-11-25", "--json").lines
    assert [each["local"] for each in found] == ["2026-11-23T12:00:00", "2026-11-24T12:00:00"]
    assert {
        key: found[0][key] for key in ("at", "zone", "account", "network", "outcome", "draft", "held")
    } == {
        "at": "2026-11-23T11:00:00Z",
        "zone": "Europe/Berlin",
        "account": "site",
        "network": "folder",
        "outcome": None,
        "draft": False,
        "held": None,
    }


def test_what_is_held_back_or_overdue_says_so(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.add("Hello", "--to", "site", "--at", "in 1 h")
    cli.done("pause", "--account", "site")
    assert "Hello (account site is paused)" in cli.done("next").out
    assert "[account site is paused]" in cli.done("agenda").out
    cli.done("resume", "--account", "site")
    monkeypatch.setattr(SystemClock, "now", lambda _clock: NOW.replace(hour=12))
    assert "Hello (overdue)" in cli.done("next").out


def test_where_nothing_comes_that_is_said(cli: Command) -> None:
    assert cli.done("next").err == "note: nothing will be published.\n"
    assert cli.done("agenda").err == "note: there is nothing in these days.\n"


def test_an_agenda_shows_drafts_and_what_comes_day_by_day(cli: Command) -> None:
    draft = cli.add("Idea", "--at", "tomorrow 8am", "--draft")
    post_id = cli.add("Hello", "--to", "site", "--at", "tomorrow 9am")
    assert cli.done("agenda", "--days", "2").out.splitlines() == [
        "Tuesday, 24 November 2026",
        f"  08:00    {draft}  Idea [draft]",
        f"  09:00  site  {post_id}  Hello",
    ]
    found = cli.done("agenda", "--from", "tomorrow", "--json").lines
    assert [(each["post"], each["draft"], each["account"]) for each in found] == [
        (draft, True, None),
        (post_id, False, "site"),
    ]


def test_a_month_is_a_grid_of_days(cli: Command) -> None:
    _daily(cli)
    for minute in range(5):
        cli.add(f"Hello {minute}", "--to", "site", "--at", f"tomorrow 9:0{minute}")
    lines = cli.done("month").out.splitlines()
    assert lines[0] == "November 2026"
    assert [name.strip() for name in lines[1].split("|")] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    column = [line.split("|")[1].strip() for line in lines if line.count("|") == 6]
    begin = column.index("24")
    assert column[begin : begin + 5] == ["24", "09:00 site", "09:01 site", "09:02 site", "and 3 more"]
    assert len(cli.done("month", "2026-12", "--json").lines) == 31


@pytest.mark.parametrize("which", ["2026-13", "december", "2026-1"])
def test_what_is_no_month_is_refused(cli: Command, which: str) -> None:
    ran = cli("month", which)
    assert ran.code == 4
    assert "is no month; write it like 2026-12." in ran.err


@pytest.mark.parametrize(
    "words", [("month", "9999-12"), ("month", "1000-01"), ("agenda", "--from", "9999-12-31")]
)
def test_what_is_too_far_away_is_refused(cli: Command, words: tuple[str, ...]) -> None:
    ran = cli(*words)
    assert ran.code == 4
    assert "is too far away" in ran.err


@pytest.mark.parametrize("name", ["next", "agenda", "month"])
def test_the_example_in_the_help_runs_as_it_stands(cli: Command, name: str) -> None:
    _daily(cli)
    (example,) = re.findall(r"^ +postbell (.*)$", cli.done(name, "--help").out, re.MULTILINE)
    assert cli.done(*shlex.split(example)).out
