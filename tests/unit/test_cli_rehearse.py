"""`postbell rehearse`."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postbell.cli import common
from postbell.clock import SystemClock
from support.command import Command, german, with_accounts


#: A Monday morning in Berlin.
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    monkeypatch.setattr(SystemClock, "now", lambda _clock: NOW)
    made = with_accounts(tmp_path)
    rule = ("--repeat", "daily", "--time", "12:00,15:00")
    made.done("series", "add", "Good day", "--to", "site", *rule)
    made.done("queue", "slots", "site", "daily 18:00")
    return made


def test_it_tells_what_happens_in_words(cli: Command) -> None:
    before = cli.stored()
    outage = ("--downtime", "today 11:00..today 15:30")
    ran = cli.done("rehearse", "--to", "in 1 d", *outage)
    lines = ran.out.splitlines()
    assert re.split("  +", lines[0]) == ["TIME", "ACCOUNT", "OUTCOME", "LATE", "POST", "TEXT"]
    assert re.split("  +", lines[1])[:3] == ["Mon 2026-11-23 12:00", "site", "missed"]
    assert re.split("  +", lines[2])[:4] == ["Mon 2026-11-23 15:00", "site", "published", "30 min"]
    assert "a newer post of its series is due; Postbell was not running" in ran.out
    assert lines[-4:-1] == ["", "Empty posting times:", "  Mon 2026-11-23 18:00 site"]
    summary = "1 published, 1 missed; the latest began 30 min late. Nothing was sent, nothing was stored."
    assert lines[-1] == summary
    assert cli.stored() == before
    assert not cli.site.exists()


def test_a_series_that_repeats_itself_is_named(cli: Command) -> None:
    out = cli.done("rehearse", "--to", "in 2 d").out
    assert re.search(
        r"^Series that repeat themselves; more texts help:\n  \w+ site, 3 times$", out, re.MULTILINE
    )


def test_each_account_is_shown_with_what_it_says_itself(cli: Command) -> None:
    cli.done("account", "adds", "sky", "--signature", "Ann")
    own = ("--set", "site.text=For the site", "--set", "site.title=A morning")
    cli.done("add", "For all", "--to", "site,sky", "--at", "today 11:00", *own)
    lines = cli.done("rehearse", "--to", "today 11:30", "--json").lines
    told = {line["account"]: (line["excerpt"], line["text"]) for line in lines if line["kind"] == "delivery"}
    assert told == {"site": ("A morning", "For the site"), "sky": ("For all Ann", "For all\n\nAnn")}
    assert "A morning" in cli.done("rehearse", "--to", "today 11:30").out


def test_with_json_each_thing_is_a_line(cli: Command) -> None:
    ran = cli.done("rehearse", "--to", "in 1 d", "--json")
    assert [line["kind"] for line in ran.lines] == ["delivery", "delivery", "empty_slot", "repeat", "summary"]
    assert ran.err == ""
    first, _, empty, _, summary = ran.lines
    assert (first["due_at"], first["outcome"], first["text"]) == (
        "2026-11-23T11:00:00Z",
        "published",
        "Good day",
    )
    assert empty["at"] == "2026-11-23T17:00:00Z"
    assert summary == {
        "schema_version": 1,
        "kind": "summary",
        "from": "2026-11-23T09:00:00Z",
        "to": "2026-11-24T09:00:00Z",
        "published": 2,
        "failed": 0,
        "missed": 0,
        "unsure": 0,
        "waiting": 0,
        "empty_slots": 1,
        "warnings": 1,
        "latest_seconds": 0.0,
    }


def test_where_nothing_is_due_that_is_said(cli: Command) -> None:
    out = cli.done("rehearse", "--to", "in 1 h").out
    assert out == "nothing is due. Nothing was sent, nothing was stored.\n"


def test_everything_that_is_wrong_is_told_at_once(cli: Command) -> None:
    ran = cli("rehearse", "--from", "2020-01-01", "--to", "nonsense", "--downtime", "today", "--json")
    assert ran.code == 4
    assert [each["where"] for each in ran.error["problems"]] == ["--to", "--downtime", "--from"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--to", "today 9:00"), "it is not after the beginning."),
        (("--downtime", "today 8:00..today 9:00"), "it is past, or begins after the end."),
        (("--downtime", "in 20 d..in 21 d"), "it is past, or begins after the end."),
        (("--downtime", "in 2 d..in 1 d"), "ends before it begins."),
    ],
)
def test_spans_that_make_no_sense_are_refused(cli: Command, words: tuple[str, ...], told: str) -> None:
    ran = cli("rehearse", *words)
    assert ran.code == 4
    assert told in ran.err


def test_on_a_terminal_a_bar_shows_how_far_it_is(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "is_terminal", lambda _stream: True)
    assert "Rehearsing" in cli.done("rehearse", "--to", "in 1 d").err
    assert cli.done("rehearse", "--to", "in 1 d", "--json").err == ""


def test_the_examples_in_the_help_run_as_they_stand(cli: Command) -> None:
    examples = re.findall(r"^ +postbell (.*)$", cli.done("rehearse", "--help").out, re.MULTILINE)
    assert len(examples) == 2
    for example in examples:
        assert cli.done(*shlex.split(example)).out
