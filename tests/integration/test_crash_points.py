"""A process that is killed at the worst moments: nothing lost, nothing twice, no human needed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from postbell.domain.states import Outcome
from support.home import Home, make_home
from support.sink import Sink, sink


@pytest.fixture
def far_side() -> Iterator[Sink]:
    with sink() as made:
        yield made


@pytest.fixture
def home(tmp_path: Path, far_side: Sink) -> Home:
    home = make_home(tmp_path)
    home.connect("webhook", "hook", {"url": far_side.url, "secret": "whsec_c2VjcmV0IGtleQ=="})
    return home


def _finish(home: Home) -> None:
    with home.daemon():
        home.wait_for(lambda: set(home.states()) == {"processed"})


@pytest.mark.parametrize("point", ["before_claim", "claimed", "answered", "recorded"])
def test_a_kill_loses_nothing_and_publishes_nothing_twice(point: str, home: Home, far_side: Sink) -> None:
    posts = [home.add(f"post {n}", "hook") for n in range(3)]
    home.crash_at(point)
    assert home.sound()
    _finish(home)
    assert [home.post(post).outcome for post in posts] == [Outcome.PUBLISHED] * 3
    assert len(far_side.keys()) == 3
    assert set(far_side.posts()) == {"post 0", "post 1", "post 2"}
    assert home.sound()


@pytest.mark.parametrize("point", ["before_claim", "claimed", "recorded"])
def test_nothing_is_sent_again_that_was_not_under_way(point: str, home: Home, far_side: Sink) -> None:
    for number in range(3):
        home.add(f"post {number}", "hook")
    home.crash_at(point)
    _finish(home)
    assert far_side.posts().total() == 3


def test_a_kill_while_the_network_works_on_it_leads_to_one_post(home: Home, far_side: Sink) -> None:
    post = home.add("under way", "hook")
    far_side.hold()
    process = home.start()
    far_side.wait_for(1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert home.states() == {"processing": 1}
    far_side.release()
    _finish(home)
    assert home.post(post).outcome is Outcome.PUBLISHED
    assert len(far_side.keys()) == 1


def test_a_folder_gets_one_file_across_a_kill_after_the_writing(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    (tmp_path / "site").mkdir()
    home.connect("folder", "site", {"path": str(tmp_path / "site")})
    post = home.add("Hello", "site")
    home.crash_at("answered")
    assert home.states() == {"processing": 1}
    _finish(home)
    assert home.post(post).outcome is Outcome.PUBLISHED
    assert len(list((tmp_path / "site").glob("*.md"))) == 1
