"""The wall clock is set while the daemon runs, or while it does not.

It says what is due, so what is due by it is sent, once; a clock that runs by itself says how long a wait is.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from lab.faults import Plan
from lab.harness import LabHome, WallClock, make_lab_home, wall_clock
from lab.server import Server, far_side
from postbell import bell
from postbell.domain.caution import Cause
from postbell.domain.states import Outcome
from postbell.services.upkeep import health


HOUR = timedelta(hours=1)
_serial = itertools.count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with far_side(tmp_path_factory.mktemp("far-side")) as running:
        yield running


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return wall_clock(tmp_path)


@pytest.fixture
def home(tmp_path: Path, clock: WallClock, server: Server) -> LabHome:
    """A Postbell whose accounts have names of their own at the far side."""
    made = make_lab_home(tmp_path)
    made.env = clock.env
    number = next(_serial)
    for network, name in (("lab_named", "asked"), ("webhook", "hook")):
        made.join(server, network, f"{name}-{number}")
    return made


def accounts(home: LabHome) -> tuple[str, str]:
    asked, hook = (name for (name,) in home.ask("SELECT name FROM account ORDER BY id"))
    return asked, hook


def step(home: LabHome, clock: WallClock, ahead: timedelta) -> None:
    """Set the daemon's clock, and let it look at once instead of within half a minute."""
    clock.set(ahead)
    bell.ring(home.places.data_dir)


def looked(server: Server, account: str) -> int:
    return sum(entry.what == "looked" and entry.account == account for entry in server.entries())


def times_set(home: LabHome) -> int:
    return home.log.read_text().count("clock_was_set")


def test_a_step_far_forwards_sends_what_is_due_once_after_a_look(
    home: LabHome, clock: WallClock, server: Server
) -> None:
    asked, hook = accounts(home)
    posts = [home.add("due in an hour", to, "in 1 h") for to in (asked, hook)]
    later = home.add("due in three hours", asked, "in 3 h")
    with home.daemon():
        step(home, clock, 2 * HOUR)
        home.wait_for(lambda: home.states() == {"processed": 2, "scheduled": 1})
        assert looked(server, asked) == 1
        for number, ahead in enumerate((timedelta(), 2 * HOUR), 2):
            step(home, clock, ahead)
            home.wait_for(lambda: times_set(home) == number)  # noqa: B023 - it is called at once
        home.add("after all that", asked)
        home.wait_for(lambda: home.states() == {"processed": 3, "scheduled": 1})
    ours = {key: count for key, count in server.accepted().items() if key[0] in (asked, hook)}
    assert ours == {
        (asked, "due in an hour"): 1,
        (hook, "due in an hour"): 1,
        (asked, "after all that"): 1,
    }
    for post in posts:
        (only,) = home.post(post).deliveries
        assert (only.outcome, only.late_reason) == (Outcome.PUBLISHED, "the clock was set")
    assert home.post(later).outcome is None


def test_a_correction_of_less_than_an_hour_is_no_cause_for_caution(
    home: LabHome, clock: WallClock, server: Server
) -> None:
    asked, _hook = accounts(home)
    post = home.add("soon", asked, "in 40 min")
    with home.daemon():
        step(home, clock, timedelta(minutes=50))
        home.wait_for(lambda: home.post(post).outcome is Outcome.PUBLISHED)
    assert (server.accepted()[asked, "soon"], looked(server, asked), times_set(home)) == (1, 0, 0)


@pytest.mark.parametrize("back", [HOUR, timedelta(days=3650)], ids=["an hour", "ten years"])
def test_a_step_back_sends_nothing_again_and_loses_nothing(
    home: LabHome, clock: WallClock, server: Server, back: timedelta
) -> None:
    asked, hook = accounts(home)
    with home.daemon():
        for to in (asked, hook):
            home.add("before", to)
        home.wait_for(lambda: home.states() == {"processed": 2})
        waiting = home.add("in a minute", asked, "in 1 min")
        step(home, clock, -back)
        home.wait_for(lambda: times_set(home) == 1)
        step(home, clock, timedelta(minutes=2))
        home.wait_for(lambda: home.post(waiting).outcome is Outcome.PUBLISHED)
    ours = {key: count for key, count in server.accepted().items() if key[0] in (asked, hook)}
    assert ours == {(asked, "before"): 1, (hook, "before"): 1, (asked, "in a minute"): 1}


def test_a_wait_after_a_failure_does_not_last_for_as_long_as_the_step(
    home: LabHome, clock: WallClock, server: Server
) -> None:
    """The daemon starts two hours ahead, fails there, and has its clock put right."""
    asked, _hook = accounts(home)
    post = home.add("refused once", asked)
    server.plan(Plan(script={asked: ["503"]}))
    clock.set(2 * HOUR)
    with home.daemon():
        home.wait_for(lambda: home.ask("SELECT tries FROM delivery") == [(1,)])
        home.wait_for(lambda: home.states() == {"scheduled": 1})
        step(home, clock, timedelta())
        home.wait_for(lambda: home.post(post).outcome is Outcome.PUBLISHED)
    assert server.accepted()[asked, "refused once"] == 1


def test_a_clock_that_went_back_while_nothing_ran_is_noticed_at_the_start_and_told(
    home: LabHome, clock: WallClock, server: Server
) -> None:
    asked, _hook = accounts(home)
    clock.set(3 * HOUR)
    with home.daemon():
        home.add("before", asked)
        home.wait_for(lambda: home.states() == {"processed": 1})
    clock.set(timedelta())
    with home.daemon():
        home.wait_for(lambda: Cause.CLOCK_SET.told in home.log.read_text())
        with home.app() as app:
            assert any("went back" in trouble for trouble in health.status(app.ctx, home.places).troubles)
    assert server.accepted()[asked, "before"] == 1
