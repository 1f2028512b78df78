"""Timeout after accept: however an answer is lost, nothing is sent twice, and who can be asked is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.faults import LOST, VANISHED, Plan
from lab.harness import LabHome, make_lab_home
from lab.nursery import Nursery, nursery
from lab.server import Server, far_side
from postbell.domain.post import Delivery
from postbell.domain.states import DeliveryState, Outcome


#: What an answer that is no error, but says nothing, is to a webhook: it may say what it likes.
SAYS_NOTHING = "accept+nonsense"
#: One account for each fault: they are all lost at the same time.
CONFIG = """timezone = "UTC"
[daemon]
concurrency = 100
[retry]
first_wait_seconds = 1
longest_wait_seconds = 10
[http]
deadline_seconds = 20
"""


@pytest.fixture(scope="module")
def nest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with nursery(tmp_path_factory.mktemp("nursery") / "log", speed=20) as made:
        yield made


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with far_side(tmp_path / "far-side") as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> LabHome:
    return make_lab_home(tmp_path, CONFIG)


def _send(home: LabHome, server: Server, network: str, faults: tuple[str, ...]) -> dict[str, str]:
    """Schedule one post for each fault, on an account of its own; return their ids by fault."""
    names = {fault: f"{network}-{number}" for number, fault in enumerate(faults)}
    for name in names.values():
        home.join(server, network, name)
    # The deadline comes after one second, the answer after three.
    server.plan(Plan(script={names[fault]: [fault] for fault in faults}, delay=3))
    return {fault: home.add("hello", name) for fault, name in names.items()}


def _deliveries(home: LabHome, posts: dict[str, str]) -> dict[str, Delivery]:
    return {fault: home.post(post).deliveries[0] for fault, post in posts.items()}


def _states(home: LabHome) -> set[str]:
    return {state for (state,) in home.ask("SELECT DISTINCT coalesce(result, state) FROM delivery")}


def _tried(home: LabHome) -> set[str]:
    return {result for (result,) in home.ask("SELECT DISTINCT result FROM attempt WHERE kind = 'publish'")}


@pytest.mark.parametrize("network", ["lab_asked", "lab_named"])
def test_what_was_accepted_is_found_and_published_with_its_address(
    network: str, home: LabHome, server: Server, nest: Nursery
) -> None:
    posts = _send(home, server, network, LOST)
    with nest.daemon(home):
        home.wait_for(lambda: _states(home) == {"published"}, seconds=60)
    assert _tried(home) == {"unsure"}
    assert set(server.accepted().values()) == {1}
    for each in _deliveries(home, posts).values():
        assert each.url == f"https://lab.example/{each.account}/{each.key}"
    assert server.count("asked") == len(LOST), "what was found was sent again"


@pytest.mark.parametrize("network", ["lab_asked", "lab_named"])
def test_what_is_absent_is_sent_again_and_published_once(
    network: str, home: LabHome, server: Server, nest: Nursery
) -> None:
    _send(home, server, network, VANISHED)
    with nest.daemon(home):
        home.wait_for(lambda: _states(home) == {"published"}, seconds=60)
    assert set(server.accepted().values()) == {1}
    assert server.count("asked") + 1 == 2 * len(VANISHED), "one call was not even read"
    absent = home.ask("SELECT count(*) FROM attempt WHERE kind = 'find' AND result = 'absent'")
    assert absent[0][0] >= len(VANISHED), "something was sent again that nobody had looked for"


def test_a_webhook_gets_the_same_id_again_and_takes_it_once(
    home: LabHome, server: Server, nest: Nursery
) -> None:
    posts = _send(home, server, "webhook", LOST + VANISHED)
    with nest.daemon(home):
        home.wait_for(lambda: _states(home) == {"published"}, seconds=60)
    assert set(server.accepted().values()) == {1}
    repeated = {entry.account for entry in server.entries() if entry.what == "repeated"}
    wanted = {each.account for fault, each in _deliveries(home, posts).items() if fault in LOST}
    assert repeated == wanted - {_deliveries(home, posts)[SAYS_NOTHING].account}


def test_where_nobody_can_be_asked_it_stays_unsure_until_the_user_settles_it(
    home: LabHome, server: Server, nest: Nursery
) -> None:
    posts = _send(home, server, "lab_blind", LOST + VANISHED)
    with nest.daemon(home):
        home.wait_for(lambda: _states(home) == {"unsure"}, seconds=60)
        asked = server.count("asked")
        for fault, post in posts.items():
            home.settle(post, f"lab_blind-{list(posts).index(fault)}", public=fault in LOST)
        home.wait_for(lambda: _states(home) == {"published"}, seconds=60)
    assert set(server.accepted().values()) == {1}
    assert server.count("asked") == asked + len(VANISHED), "what is unsure was sent again by itself"
    assert {each.outcome for each in _deliveries(home, posts).values()} == {Outcome.PUBLISHED}


def test_a_network_that_takes_a_post_long_after_it_was_given_up_has_it_once(
    home: LabHome, server: Server, nest: Nursery
) -> None:
    """The first look-up finds nothing, because the network is still at work on it."""
    home.join(server, "lab_asked", "ann")
    server.plan(Plan(script={"ann": ["late"]}, delay=2))
    post = home.add("hello", "ann")
    with nest.daemon(home):
        home.wait_for(lambda: _states(home) == {"published"}, seconds=60)
    assert server.accepted() == {("ann", "hello"): 1}
    assert server.count("asked") == 1
    assert server.count("looked") > 1
    assert home.post(post).deliveries[0].state is DeliveryState.PROCESSED
