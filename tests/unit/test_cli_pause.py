"""Pausing and resuming from the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from postbell.store.tables.core import delivery
from support.command import Command, with_accounts


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(tmp_path)
    return with_accounts(tmp_path)


def test_an_account_is_paused_and_resumed(cli: Command) -> None:
    cli.done("add", "Hello", "--to", "sky", "--at", "in 2 h")
    ran = cli.done("pause", "--account", "sky")
    assert ran.out == "Paused account sky until it is resumed: 1 delivery held back.\n"
    assert ran.err.startswith("note: what falls due meanwhile is published late when it goes on, if it is ")
    assert "overdue by at most 1 d then" in ran.err
    assert "paused" in cli.done("account", "list").out
    ran = cli.done("resume", "--account", "sky")
    assert ran.out == "Resumed account sky: nothing fell due meanwhile.\n"
    assert "paused" not in cli.done("account", "list").out
    assert cli.done("resume", "--account", "sky").out == "Nothing to do: account sky was not paused.\n"


def test_several_things_are_paused_until_a_time_and_shown_in_the_status(cli: Command) -> None:
    words = ("--all", "--account", "sky", "--label", "big sale")
    ran = cli.done("pause", *words, "--until", "in 2 h", "--json")
    assert [(line["scope"], line["name"]) for line in ran.lines] == [
        ("everything", ""),
        ("account", "sky"),
        ("label", "big sale"),
    ]
    assert all(line["until"] > line["since"] and line["waiting"] == 0 for line in ran.lines)
    status = cli.done("status", "--json").json
    assert [(each["scope"], each["name"]) for each in status["pauses"]] == [
        ("everything", ""),
        ("label", "big sale"),
    ]
    assert status["pauses"][0]["until"] == ran.lines[0]["until"]
    assert [held["until"] for held in status["held"]] == [ran.lines[0]["until"]]
    told = cli.done("status").out
    assert "held back   everything is paused until " in told
    assert "; `postbell resume --label 'big sale'`\n" in told
    assert "paused until " in cli.done("account", "list").out


def test_a_resume_says_what_is_published_late_and_what_is_missed(cli: Command) -> None:
    cli.done("pause", "--all")
    for text in ("One", "Two"):
        cli.done("add", text, "--to", "site", "--at", "now")
    with cli.store() as store, store.write() as tx:
        tx.execute(update(delivery).where(delivery.c.id == 1).values(due_at=datetime(2020, 1, 1, tzinfo=UTC)))
    assert "overdue     1 held back by a pause\n" in cli.done("status").out
    ran = cli.done("resume", "--all")
    assert ran.out == "Resumed everything: 1 delivery published late, now; 1 delivery missed.\n"
    cli.done("pause", "--all")
    found = cli.done("resume", "--all", "--json").json
    assert (found["was_paused"], found["late"], found["missed"]) == (True, 1, 1)


def test_what_is_still_paused_is_told_at_a_resume(cli: Command) -> None:
    cli.done("pause", "--all", "--account", "sky")
    assert (
        "note: everything is paused; `postbell resume --all`.\n" in cli.done("resume", "--account", "sky").err
    )


def test_a_label_that_nothing_has_is_told(cli: Command) -> None:
    ran = cli.done("pause", "--label", "news")
    assert "note: no post that is to come has the label news yet.\n" in ran.err
    assert ran.out == "Paused label news until it is resumed: nothing waits yet.\n"


def test_what_there_is_not_is_refused_by_name(cli: Command) -> None:
    ran = cli("pause", "--account", "sty", "--series", "nope")
    assert ran.code == 4
    assert "--account: there is no account named sty. Did you mean sky?" in ran.err
    assert "--series: there is no series 'nope'." in ran.err


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_nothing_named_is_wrong_usage(cli: Command, command: str) -> None:
    ran = cli(command)
    assert ran.code == 2
    assert "Say what is meant: --account, --series, --label or --all." in ran.err


def test_a_pause_does_not_end_in_the_past(cli: Command) -> None:
    ran = cli("pause", "--all", "--until", "2020-01-01 10:00")
    assert ran.code == 4
    assert ran.err.startswith('postbell: --until: "2020-01-01 10:00" is past')
    assert cli.done("status", "--json").json["pauses"] == []
