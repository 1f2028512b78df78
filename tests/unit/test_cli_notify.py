"""`postbell notify`, and what status and doctor say of notices."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from postbell.domain.notice import Notice, NoticeKind
from postbell.store import notices
from postbell.store.notices import Telling, WayState
from support.command import Command, with_accounts
from support.world import START


@pytest.fixture
def cli(tmp_path: Path) -> Command:
    return with_accounts(tmp_path / "home")


def configure(cli: Command, **settings: Any) -> None:
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    cli.config.write_text("\n".join(["[notify]", *lines]), "utf-8")


def program(script: str) -> list[str]:
    return [sys.executable, "-c", script]


def note(cli: Command, **more: Any) -> None:
    values: dict[str, Any] = {"kind": NoticeKind.FAILED, "subject": "1", "at": START, "message": "It failed."}
    with cli.store() as store, store.write() as tx:
        notices.keep_notices(tx, [Notice(**values | more)])


# Trying.


def test_a_test_is_sent_by_every_way(cli: Command, tmp_path: Path) -> None:
    script = f"import sys; open({str(tmp_path / 'kept')!r}, 'w').write(sys.stdin.read())"
    configure(cli, command=program(script))
    ran = cli.done("notify", "test")
    assert ran.out == "command took the message.\n"
    assert (tmp_path / "kept").read_text().startswith("Postbell: a test\n\nThis is how Postbell tells you")


def test_a_test_that_nobody_takes_ends_with_7(cli: Command) -> None:
    configure(cli, command=program("import sys; sys.exit('no server')"))
    ran = cli("notify", "test")
    assert (ran.code, ran.out) == (7, "")
    assert "command: " in ran.err
    assert "ended with 1: no server." in ran.err


def test_a_test_that_some_take_ends_with_8(cli: Command) -> None:
    configure(cli, command=program("pass"), urls_file="/nowhere/urls")
    ran = cli("notify", "test", "--json")
    assert ran.code == 8
    assert [(line["way"], line["told"]) for line in ran.lines] == [("command", True), ("urls_file", False)]
    assert "cannot be read" in ran.lines[1]["error"]


def test_without_a_way_a_test_says_where_to_give_one(cli: Command) -> None:
    ran = cli("notify", "test")
    assert ran.code == 78
    assert f"[notify] in {cli.config}" in ran.err


def test_a_test_that_is_taken_ends_the_trouble_in_the_status(cli: Command) -> None:
    configure(cli, command=program("pass"))
    failing = WayState(name="command", failing_since=START, error="It is broken.")
    with cli.store() as store, store.write() as tx:
        notices.save_telling(tx, Telling(since=START, ways=(failing,)))
    assert "Notices cannot be sent by command since 2026-11-23 09:00:00Z: It is broken." in status(cli)
    cli.done("notify", "test")
    assert "cannot be sent" not in status(cli)


# Reading.


def test_what_was_told_is_listed_the_newest_first(cli: Command) -> None:
    note(cli, told_at=START, over_at=START, post_id="k7f2", account="sky")
    note(cli, subject="2", message="It is to be told.")
    note(cli, subject="3", message="It was settled.", over_at=START)
    lines = cli.done("notify", "list").out.splitlines()
    assert lines[0].split() == ["AT", "TOLD", "WHAT"]
    assert [line.split("  ", 1)[1].split() for line in lines[1:]] == [
        ["no", "It", "was", "settled."],
        ["to", "be", "told", "It", "is", "to", "be", "told."],
        ["yes", "It", "failed."],
    ]
    first = cli.done("notify", "list", "--limit", "3", "--json").lines[-1]
    assert (first["kind"], first["post"], first["account"], first["message"]) == (
        "failed",
        "k7f2",
        "sky",
        "It failed.",
    )
    assert len(cli.done("notify", "list", "--limit", "1", "--json").lines) == 1


def test_an_empty_list_says_so(cli: Command) -> None:
    assert "you were told nothing yet" in cli.done("notify", "list").err


# Status and doctor.


def status(cli: Command) -> str:
    return cli.done("status").out


def test_status_says_by_which_ways_you_are_told(cli: Command) -> None:
    assert "notices" not in status(cli)
    configure(cli, command=program("pass"))
    note(cli)
    assert "command, nothing yet" in status(cli)
    assert "1 to be told" in status(cli)
    found = cli.done("status", "--json").json["notices"]
    way = {"name": "command", "told_at": None, "failing_since": None, "error": None}
    assert found == {"untold": 1, "ways": [way]}


def test_a_way_that_cannot_work_is_told_before_it_was_needed(cli: Command) -> None:
    configure(cli, command=["/nowhere/tell"])
    assert "Notices cannot be sent by command: There is no program /nowhere/tell" in status(cli)
    assert "You cannot be told by command: There is no program /nowhere/tell" in cli("doctor").out


def test_doctor_looks_at_every_way(cli: Command, tmp_path: Path) -> None:
    urls = tmp_path / "urls"
    urls.write_text("json://127.0.0.1/canary\ncanary://canary\n")
    urls.chmod(0o644)
    configure(cli, command=program("pass"), urls_file=str(urls))
    ran = cli("doctor")
    assert ran.code == 1
    assert "You are told by command." in ran.out
    assert "You are told by url 1 (json)." in ran.out
    assert "You cannot be told by url 2 (canary): Apprise does not understand" in ran.out
    assert f"Run `chmod 600 {urls}`." in ran.out


def test_doctor_names_a_way_that_took_nothing_lately(cli: Command) -> None:
    configure(cli, command=program("pass"))
    failing = WayState(name="command", failing_since=START, error="It is broken.")
    with cli.store() as store, store.write() as tx:
        notices.save_telling(tx, Telling(since=START, ways=(failing,)))
    assert "Notices cannot be sent by command since 2026-11-23 09:00:00Z: It is broken." in cli("doctor").out


def test_doctor_says_how_to_be_told(cli: Command) -> None:
    assert f"Give `urls` or `command` under [notify] in {cli.config}." in cli("doctor").out
