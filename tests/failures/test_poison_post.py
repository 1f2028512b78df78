"""A poison post: what ends the process again and again is left alone, and all others go on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.faults import Plan
from lab.harness import LabHome, make_lab_home
from lab.networks.lab_deadly import EXIT
from lab.nursery import Nursery, nursery
from lab.server import Server, far_side
from postbell.domain.post import Post
from postbell.domain.states import DeliveryState, Outcome
from postbell.services.sending.quarantine import MOST_DEATHS


OTHERS = [f"other-{number}" for number in range(8)]


@pytest.fixture(scope="module")
def nest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with nursery(tmp_path_factory.mktemp("nursery") / "log") as made:
        yield made


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    # Slow enough that others are under way whenever the process ends.
    with far_side(tmp_path / "far-side", Plan(latency=(0.05, 0.3))) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, server: Server) -> LabHome:
    home = make_lab_home(tmp_path)
    home.join(server, "lab_deadly", "ann")
    for name in OTHERS:
        home.join(server, "lab_named", name)
        for number in range(3):
            home.add(f"{name} {number}", name)
    return home


def _deaths(home: LabHome, nest: Nursery) -> int:
    """Start daemons until one does not die of the post; return how many did."""
    deaths = 0
    while _live(home, nest) == EXIT:
        deaths += 1
    return deaths


def _live(home: LabHome, nest: Nursery) -> int:
    """Run a daemon until it dies, or has nothing left to do; return how it ended."""
    life = nest.start(*home.options, "run")
    try:
        home.wait_for(lambda: _is_over(home) or not _is_alive(life.pid))
    finally:
        if _is_alive(life.pid):
            life.signal(signal.SIGTERM)
    return life.wait()


def _is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _is_over(home: LabHome) -> bool:
    """Whether nothing is left that a daemon would send, or look up."""
    left = dict(home.states())
    left.pop("processed", None)
    quarantined = home.ask("SELECT count(*) FROM delivery WHERE state = 'unsure' AND message LIKE '%looked%'")
    return left == ({"unsure": 1} if quarantined[0][0] else {})


def _others_are_published_once(home: LabHome, server: Server) -> bool:
    expected = {(name, f"{name} {number}"): 1 for name in OTHERS for number in range(3)}
    return {of: count for of, count in server.accepted().items() if of[0] != "ann"} == expected


def _only(post: Post) -> tuple[DeliveryState, Outcome | None, str]:
    (delivery,) = post.deliveries
    return delivery.state, delivery.outcome, str(delivery.message)


def test_a_post_that_ends_the_process_has_failed_after_three_times_and_the_others_are_published(
    home: LabHome, nest: Nursery, server: Server
) -> None:
    poison = home.add("deadly before", "ann")
    assert _deaths(home, nest) == MOST_DEATHS
    _, outcome, told = _only(home.post(poison))
    assert outcome is Outcome.FAILED
    assert "Postbell ended 3 times in a row while it sent this" in told
    assert f"`postbell retry {poison}`" in told
    assert _others_are_published_once(home, server)
    assert home.run("retry", poison).returncode == 0
    assert _deaths(home, nest) == MOST_DEATHS  # what the user asks for is done, and the count begins anew
    assert _only(home.post(poison))[1] is Outcome.FAILED


def test_a_post_that_ends_the_process_when_it_is_public_is_found_and_sent_once(
    home: LabHome, nest: Nursery, server: Server
) -> None:
    poison = home.add("deadly after", "ann")
    assert _deaths(home, nest) == 1
    assert _only(home.post(poison))[1] is Outcome.PUBLISHED
    assert server.accepted()["ann", "deadly after"] == 1
    assert _others_are_published_once(home, server)


def test_a_look_up_that_ends_the_process_is_given_up_after_three_times(
    home: LabHome, nest: Nursery, server: Server
) -> None:
    poison = home.add("deadly to find", "ann")
    server.plan(Plan(script={"ann": ["accept+close"]}, latency=(0.05, 0.3)))
    assert _deaths(home, nest) == MOST_DEATHS
    state, _, told = _only(home.post(poison))
    assert state is DeliveryState.UNSURE
    assert f"`postbell settle {poison}`" in told
    assert server.accepted()["ann", "deadly to find"] == 1
    assert _others_are_published_once(home, server)
