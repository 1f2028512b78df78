"""A machine that sleeps, or a process that is stopped: what came due is sent once, and says why so late."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from lab.harness import LabHome, WallClock, make_lab_home, wall_clock
from lab.server import Server, far_side
from postbell import bell
from postbell.domain.states import Outcome


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with far_side(tmp_path / "far-side") as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, server: Server) -> LabHome:
    made = make_lab_home(tmp_path)
    made.join(server, "lab_named", "asked")
    made.join(server, "webhook", "hook")
    return made


HOURS = timedelta(hours=3)


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return wall_clock(tmp_path)


def sleeping(clock: WallClock) -> dict[str, str]:
    """Return the environment of a machine all of whose clocks go on while it sleeps."""
    return {name: value for name, value in clock.env.items() if name != "FAKETIME_DONT_FAKE_MONOTONIC"}


def lives_through(home: LabHome, clock: WallClock) -> list[str]:
    """Stop the daemon, let three hours pass, and let it go on; return the posts that came due meanwhile."""
    posts = [home.add("meanwhile", to, "in 20 min") for to in ("asked", "hook")]
    later = home.add("later", "asked", "in 5 h")
    with home.daemon() as process:
        os.kill(process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        clock.set(HOURS)
        os.kill(process.pid, signal.SIGCONT)
        # Half a minute later it would look by itself.
        bell.ring(home.places.data_dir)
        home.wait_for(lambda: home.states() == {"processed": 2, "scheduled": 1})
    assert home.post(later).outcome is None
    return posts


def check(home: LabHome, posts: list[str], reason: str) -> None:
    for post in posts:
        (only,) = home.post(post).deliveries
        assert (only.outcome, only.late_reason) == (Outcome.PUBLISHED, reason)
        assert only.lateness is not None
        assert HOURS - timedelta(hours=1) < only.lateness < HOURS


def test_what_came_due_while_the_machine_slept_is_sent_once_and_says_so(
    home: LabHome, clock: WallClock, server: Server
) -> None:
    home.env = sleeping(clock)
    posts = lives_through(home, clock)
    check(home, posts, "the machine was asleep, or Postbell was stopped")
    assert server.accepted() == {("asked", "meanwhile"): 1, ("hook", "meanwhile"): 1}
    assert server.count("looked") == 0, "to sleep is no cause for caution"


def test_a_clock_that_was_set_while_the_process_was_stopped_is_told_from_a_sleep(
    home: LabHome, clock: WallClock, server: Server
) -> None:
    home.env = clock.env
    posts = lives_through(home, clock)
    check(home, posts, "the clock was set")
    assert server.accepted() == {("asked", "meanwhile"): 1, ("hook", "meanwhile"): 1}
    assert server.count("looked") == 1
