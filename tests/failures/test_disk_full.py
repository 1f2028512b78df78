"""On a full disk reading goes on, nothing new is taken, and nothing is sent that could be forgotten."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from postbell.services.posts.compose import add_post
from postbell.services.posts.wanted import Wanted
from postbell.store import wal
from support.command import Command
from support.disk import fill, small_disk
from support.home import Home, make_home
from support.sink import Sink, sink


POSTS = [f"post {number}" for number in range(5)]


@pytest.fixture
def far_side() -> Iterator[Sink]:
    with sink() as made:
        yield made


@pytest.fixture
def home(tmp_path: Path, far_side: Sink) -> Iterator[Home]:
    """A Postbell on a small disk; what its daemons print lies elsewhere."""
    with small_disk(tmp_path / "disk", kilobytes=6000) as disk:
        made = make_home(disk, "[backup]\nevery_hours = 0\n")
        made.connect("webhook", "hook", {"url": far_side.url})
        yield replace(made, log=tmp_path / "daemon.log")


def _add_soon(home: Home) -> None:
    """Schedule all of them together: none may fall due before the disk is full."""
    with home.app() as app:
        for text in POSTS:
            add_post(app.ctx, Wanted(text=text, to=("hook",), when=home.when(app, "in 3 s")))


def _all_published_once(home: Home, far_side: Sink, texts: list[str]) -> None:
    home.wait_for(lambda: home.states() == {"processed": len(texts)}, seconds=60)
    assert far_side.posts() == dict.fromkeys(texts, 1)
    assert home.sound()


def test_what_falls_due_on_a_full_disk_is_sent_once_after_there_is_room(home: Home, far_side: Sink) -> None:
    cli = Command(home.places.data_dir.parent)
    with home.daemon():
        _add_soon(home)
        filler = fill(home.places.data_dir)
        home.wait_for(lambda: "database_not_usable" in home.tail())
        assert far_side.posts() == {}
        assert home.states() == {"scheduled": 5}

        assert len(cli.done("list", "--json").lines) == 5
        status = cli.done("status", "--json").json
        assert "The disk of the database is full" in "\n".join(status["troubles"])
        assert cli("status", "--exit-code").code == 1
        refused = cli("add", "one more " * 5000, "--to", "hook", "--now")
        assert (refused.code, "nothing was stored" in refused.err) == (75, True)

        filler.unlink()
        _all_published_once(home, far_side, POSTS)


def test_a_result_that_finds_no_room_is_kept_in_mind_until_there_is(home: Home, far_side: Sink) -> None:
    with home.daemon():
        far_side.hold()
        home.add("under way", "hook")
        far_side.wait_for(1)
        filler = fill(home.places.data_dir)
        far_side.release()
        home.wait_for(lambda: "database_not_written_yet" in home.tail())
        assert home.states() == {"processing": 1}
        filler.unlink()
        _all_published_once(home, far_side, ["under way"])


def test_a_daemon_that_dies_on_a_full_disk_and_is_started_on_it_goes_on_by_itself(
    home: Home, far_side: Sink
) -> None:
    with home.daemon() as process:
        _add_soon(home)
        filler = fill(home.places.data_dir)
        home.wait_for(lambda: "database_not_usable" in home.tail())
        process.send_signal(signal.SIGKILL)
        process.wait()
    with home.daemon():
        filler.unlink()
        _all_published_once(home, far_side, POSTS)


def test_a_limit_on_the_size_of_files_is_waited_for_like_a_full_disk(home: Home, far_side: Sink) -> None:
    with home.daemon() as process:
        _add_soon(home)
        _soft, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (wal.log_bytes(home.places.database), hard))
        home.wait_for(lambda: "does not let" in home.tail())
        assert far_side.posts() == {}
        assert home.states() == {"scheduled": 5}
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        _all_published_once(home, far_side, POSTS)
