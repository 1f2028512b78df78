"""What the daemon writes where standard error goes to the journal."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from support.home import Home, make_home


def _under_journal(folder: Path) -> Home:
    home = make_home(folder)
    home.log.touch()
    found = home.log.stat()
    home.env = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
    return home


def _lines(home: Home) -> list[str]:
    return home.log.read_text("utf-8").splitlines()


def test_under_the_journal_every_line_is_json_behind_its_priority(tmp_path: Path) -> None:
    home = _under_journal(tmp_path)
    with home.daemon():
        pass
    lines = _lines(home)
    assert {line[:4] for line in lines} == {"<6>{"}
    events = [json.loads(line.removeprefix("<6>")) for line in lines]
    assert [event["event"] for event in events] == ["daemon_started", "daemon_stopping", "daemon_stopped"]
    assert {event["level"] for event in events} == {"info"}


def test_a_warning_has_the_priority_of_a_warning(tmp_path: Path) -> None:
    home = _under_journal(tmp_path)
    with home.daemon() as process:
        home.places.config.write_text("[log]\nlevle = 'debug'\n")
        process.send_signal(signal.SIGHUP)
        home.wait_for(lambda: "config_not_reloaded" in home.tail())
    (line,) = [line for line in _lines(home) if "config_not_reloaded" in line]
    assert line.startswith("<4>{")


def test_where_standard_error_is_not_the_journal_there_is_no_priority(tmp_path: Path) -> None:
    # Every child of a service inherits the variable, with whatever output of its own.
    home = make_home(tmp_path)
    home.env = {"JOURNAL_STREAM": "1:2"}
    with home.daemon():
        pass
    assert json.loads(_lines(home)[0])["event"] == "daemon_started"
