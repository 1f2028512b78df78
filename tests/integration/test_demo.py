"""The installed demo."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from postbell.__main__ import main
from postbell.cli import demo_stage


POSTBELL = Path(sys.executable).with_name("postbell")


def environment(folder: Path) -> Mapping[str, str]:
    return {**os.environ, "TMPDIR": str(folder), "HOME": str(folder)}


def daemons_in(folder: Path) -> list[int]:
    """The processes whose command line names the folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes()
        except OSError:  # it has just ended
            continue
        if os.fsencode(folder) in words:
            found.append(int(place.parent.name))
    return found


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the temporary folders of this process are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], float]:
    """What one run tells programs, in which folder, and how long it took."""
    folder = tmp_path_factory.mktemp("demo")
    begun = time.monotonic()
    done = subprocess.run(
        [POSTBELL, "demo", "--json"], env=environment(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, json.loads(done.stdout), time.monotonic() - begun


def test_every_post_of_the_demo_ends_as_it_should(shown: tuple[Path, dict[str, Any], float]) -> None:
    _, told, _ = shown
    assert told["well"]
    ends = {act["title"]: act["post"]["outcome"] or act["post"]["state"] for act in told["posts"]}
    assert ends == {
        "now": "published",
        "in 4 seconds": "published",
        "with a picture": "published",
        "a draft": "draft",
        "fails on purpose": "failed",
    }


def test_the_failure_says_what_is_wrong_with_which_folder(shown: tuple[Path, dict[str, Any], float]) -> None:
    _, told, _ = shown
    (delivery,) = told["posts"][-1]["post"]["deliveries"]
    assert "broken: it is not a folder" in delivery["message"]


def test_the_published_files_stay_where_the_demo_says(shown: tuple[Path, dict[str, Any], float]) -> None:
    _, told, _ = shown
    site = Path(told["site"])
    pages = [path.read_text("utf-8") for path in site.rglob("*.md")]
    assert len(pages) == 3
    assert sum("Hello from the Postbell demo." in page for page in pages) == 1
    assert sum("A golden bell in front of a blue evening sky" in page for page in pages) == 1
    assert len(list(site.rglob("*.png"))) == 1
    assert (site / "feed.xml").read_text("utf-8").count("<entry>") == 3


def test_the_demo_ends_by_itself_within_twenty_seconds_and_leaves_nothing_running(
    shown: tuple[Path, dict[str, Any], float],
) -> None:
    folder, told, seconds = shown
    assert seconds < 20
    assert told["seconds"] < 20
    assert daemons_in(folder) == []


def test_a_plain_log_shows_each_state_once_and_the_table_of_outcomes(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo"]) == 0
    told = capsys.readouterr().out
    steps = [line[14:].split() for line in told.splitlines() if line[2:3] == ":"]
    later = [words[-1] for words in steps if words[:3] == ["in", "4", "seconds"]]
    assert later == ["scheduled", "processing", "published"]
    assert ["a", "draft", "draft"] in steps
    assert "rm -r" in told
    assert "All went as it should" in told
    assert daemons_in(here) == []


def test_an_outcome_other_than_expected_is_named_and_the_exit_code_is_1(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    act = demo_stage.Act(title="now", text="Hello", account="site", expected="failed")
    monkeypatch.setattr(demo_stage, "ACTS", (act,))
    assert main(["demo"]) == 1
    told = capsys.readouterr()
    assert "now: it is published, not failed" in told.err
    assert "Something went wrong" in told.out
    assert daemons_in(here) == []


def test_a_published_file_that_vanished_is_noticed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    act = demo_stage.Act(title="now", text="Hello", account="site")
    monkeypatch.setattr(demo_stage, "ACTS", (act,))
    with demo_stage.set_stage(here) as stage:
        stage.begin()
        until = time.monotonic() + 10
        while not stage.posts()[0].outcome and time.monotonic() < until:
            time.sleep(0.02)
        posts = stage.posts()
    assert stage.faults(posts) == []
    for page in stage.site.glob("*.md"):
        page.unlink()
    assert len(stage.faults(posts)) == 2


def test_a_daemon_that_does_not_start_is_told_with_its_log(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert main(["demo"]) == 1
    assert "The daemon did not start" in capsys.readouterr().err
    assert daemons_in(here) == []


def test_on_a_terminal_the_states_change_in_their_place(tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    demo = subprocess.Popen([POSTBELL, "demo"], env=environment(tmp_path), stdout=follower, stderr=follower)
    os.close(follower)
    shown = bytearray()
    try:
        while chunk := os.read(leader, 65536):
            shown += chunk
    except OSError:  # Linux says EIO when the last writer has gone
        pass
    os.close(leader)
    assert demo.wait() == 0
    assert "→".encode() in shown
    assert b"\x1b[" in shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_demo_takes_its_daemon_and_its_folder_with_it(
    tmp_path: Path, number: signal.Signals
) -> None:
    with subprocess.Popen(
        [POSTBELL, "demo"], env=environment(tmp_path), stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout
        assert "daemon" in demo.stdout.readline()
        demo.send_signal(number)
        assert demo.wait() == 130
    assert daemons_in(tmp_path) == []
    assert list(tmp_path.glob("postbell-demo-*")) == []
