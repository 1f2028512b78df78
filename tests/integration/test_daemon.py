"""The daemon as a process."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from postbell.domain.content import Content
from postbell.domain.post import Post
from postbell.domain.states import Outcome, PostEvent, PostState
from postbell.store import deliveries, posts
from support.home import Home, make_home
from support.sink import Sink, sink
from support.world import planned


@pytest.fixture
def far_side() -> Iterator[Sink]:
    with sink() as made:
        yield made


@pytest.fixture
def home(tmp_path: Path, far_side: Sink) -> Home:
    home = make_home(tmp_path)
    home.connect("webhook", "hook", {"url": far_side.url})
    return home


def _events(home: Home) -> list[str]:
    lines = home.log.read_text("utf-8").splitlines()
    return [json.loads(line)["event"] for line in lines if line.startswith("{")]


def test_two_thousand_due_posts_are_received_exactly_once(home: Home, far_side: Sink) -> None:
    with home.app() as app, app.ctx.store.write() as tx:
        _add_many(tx, 2000, app.ctx.now())
    with home.daemon():
        home.wait_for(lambda: home.states() == {"processed": 2000}, seconds=240)
    assert far_side.posts().total() == 2000
    assert set(far_side.posts().values()) == {1}


def test_posts_of_one_account_are_published_in_the_order_of_their_times(home: Home, far_side: Sink) -> None:
    with home.app() as app, app.ctx.store.write() as tx:
        _add_many(tx, 20, app.ctx.now())
    with home.daemon():
        home.wait_for(lambda: home.states() == {"processed": 20})
    texts = [received.body["data"]["text"] for received in far_side.received]
    assert texts == [f"post {number}" for number in range(20)]


def test_a_second_daemon_names_the_first_and_exits_with_75(home: Home) -> None:
    with home.daemon() as first:
        second = home.start()
        assert second.wait(20) == 75
        assert f"process {first.pid}" in home.tail()


def test_a_command_wakes_the_daemon_at_once(home: Home, far_side: Sink) -> None:
    with home.daemon():
        post = home.add("now", "hook")
        far_side.wait_for(1, seconds=10)  # without the bell it would take up to 30 s
        home.wait_for(lambda: home.states() == {"processed": 1})
    assert home.post(post).outcome is Outcome.PUBLISHED


def test_sigterm_lets_what_is_being_sent_end_and_starts_nothing_new(home: Home, far_side: Sink) -> None:
    home.add("first", "hook")
    far_side.hold()
    with home.daemon() as process:
        far_side.wait_for(1)
        process.send_signal(signal.SIGTERM)
        home.wait_for(lambda: "daemon_stopping" in _events(home))
        home.add("second", "hook")
        far_side.release()
        assert process.wait(20) == 0
    assert home.states() == {"processed": 1, "scheduled": 1}


def test_what_does_not_end_in_time_is_broken_off_and_looked_up_later(tmp_path: Path, far_side: Sink) -> None:
    home = make_home(tmp_path, "[daemon]\ndrain_seconds = 0.2\n")
    home.connect("webhook", "hook", {"url": far_side.url})
    post = home.add("slow", "hook")
    far_side.hold()
    with home.daemon() as process:
        far_side.wait_for(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert home.states() == {"unsure": 1}
    far_side.release()
    with home.daemon():
        home.wait_for(lambda: home.states() == {"processed": 1}, seconds=60)
    assert home.post(post).outcome is Outcome.PUBLISHED
    assert len(far_side.keys()) == 1


def test_sighup_reads_the_configuration_again_and_a_bad_one_changes_nothing(home: Home) -> None:
    with home.daemon() as process:
        home.places.config.write_text("[log]\nlevle = 'debug'\n")
        process.send_signal(signal.SIGHUP)
        home.wait_for(lambda: "config_not_reloaded" in _events(home))
        assert "did you mean level?" in home.tail()
        home.places.config.write_text("[log]\nlevel = 'debug'\n")
        process.send_signal(signal.SIGHUP)
        home.wait_for(lambda: "config_reloaded" in _events(home))
        assert process.poll() is None


def test_systemd_is_told_when_it_is_ready_alive_and_stopping(home: Home, tmp_path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(20)
        home.env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        home.add("later", "hook", "in 1 h")
        said = ""
        with home.daemon() as process:
            while not all(word in said for word in ("READY=1", "STATUS=Next: post", "WATCHDOG=1")):
                said += told.recv(4096).decode() + "\n"
            process.send_signal(signal.SIGTERM)
            while "STOPPING=1" not in said:
                said += told.recv(4096).decode() + "\n"


def test_a_damaged_database_is_not_served_and_not_replaced(home: Home) -> None:
    with home.places.database.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(8192))
    before = home.places.database.read_bytes()
    assert home.start().wait(20) == 1
    assert "damaged" in home.tail()
    assert home.places.database.read_bytes() == before


def test_a_data_folder_that_others_can_read_is_refused(home: Home) -> None:
    home.places.data_dir.chmod(0o755)
    assert home.start().wait(20) == 78
    assert f"chmod 700 {home.places.data_dir}" in home.tail()


def _add_many(tx: Connection, count: int, now: datetime) -> None:
    for number in range(count):
        at = now - timedelta(seconds=60) + timedelta(milliseconds=number)
        post = Post(
            id=f"p{number:07}",
            state=PostState.DRAFT,
            content=Content(text=f"post {number}"),
            at=at,
            created_at=now,
            updated_at=now,
        )
        posts.insert_post(tx, post)
        deliveries.add_deliveries(tx, post.id, [(1, f"k{number:019}")])
        posts.update_post(tx, post, PostEvent.SCHEDULE)
        deliveries.schedule_deliveries(tx, post.id, planned([1], at))
