"""The daemon lives through the nights in which clocks in Berlin leave out an hour, and show one twice."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from lab.harness import LabHome, WallClock, make_lab_home, wall_clock
from lab.server import Server, far_side
from postbell import bell
from postbell.clock import SystemClock
from postbell.domain.repeat_words import recurrence_from
from postbell.services.series.series import WantedSeries, add_series


#: A time on the wall that there is not in the one night, and twice in the other.
HALF_PAST_TWO = "02:30 Europe/Berlin"

_serial = itertools.count()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with far_side(tmp_path / "far-side") as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, server: Server) -> LabHome:
    made = make_lab_home(tmp_path, 'timezone = "UTC"\n')
    made.join(server, "lab_named", "ann")
    return made


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return wall_clock(tmp_path)


class Night:
    """One night of a daemon, which is told what time it is."""

    def __init__(self, home: LabHome, clock: WallClock, server: Server) -> None:
        self.home, self.clock, self.server = home, clock, server
        home.env = clock.env

    def plan(self, day: date) -> None:
        """Store a post for half past two, and a series that comes every night."""
        self.home.add("once", "ann", f"{day} {HALF_PAST_TWO}")
        with self.home.app() as app:
            words = {"repeat": "daily", "time": "02:30", "tz": "Europe/Berlin", "start_date": str(day)}
            rule = recurrence_from(words, zone=app.ctx.zone, today=SystemClock().now().date())
            add_series(app.ctx, WantedSeries(rule=rule, text="every night", to=("ann",)))

    def set(self, now: datetime) -> None:
        """Let it be that time."""
        self.clock.set(now - SystemClock().now())

    def public_at(self, now: datetime) -> list[str]:
        """Let it be that time, and return what is public when all that is due by then was sent."""
        probe = f"probe {next(_serial)}"
        self.home.add(probe, "ann", f"{now - timedelta(seconds=1):%Y-%m-%d %H:%M:%S} UTC")
        self.set(now)
        bell.ring(self.home.places.data_dir)
        self.server.wait_for(lambda entries: any(each.text == probe for each in entries))
        texts = [each.text for each in self.server.entries() if each.what == "accepted"]
        return sorted(text for text in texts if not text.startswith("probe"))


@pytest.fixture
def night(home: LabHome, clock: WallClock, server: Server) -> Night:
    return Night(home, clock, server)


def test_a_time_that_is_left_out_is_moved_forward_by_the_gap(night: Night) -> None:
    """At 01:00 in UTC the clock goes from 02:00 to 03:00: half past two is half past three."""
    night.plan(date(2027, 3, 28))
    at = datetime(2027, 3, 28, tzinfo=UTC)
    night.set(at.replace(hour=0, minute=40))
    with night.home.daemon():
        assert night.public_at(at.replace(hour=1, minute=29)) == []
        assert night.public_at(at.replace(hour=1, minute=31)) == ["every night", "once"]
        assert night.public_at(at.replace(hour=2, minute=29)) == ["every night", "once"]
    assert _hours(night, "every night")[:2] == ["2027-03-28 01:30", "2027-03-29 00:30"]


def test_a_time_that_comes_twice_counts_once_the_first(night: Night) -> None:
    """At 01:00 in UTC the clock goes back from 03:00 to 02:00: half past two comes at 00:30 and at 01:30."""
    night.plan(date(2027, 10, 31))
    at = datetime(2027, 10, 31, tzinfo=UTC)
    night.set(at.replace(hour=0, minute=10))
    with night.home.daemon():
        assert night.public_at(at.replace(hour=0, minute=29)) == []
        assert night.public_at(at.replace(hour=0, minute=31)) == ["every night", "once"]
        assert night.public_at(at.replace(hour=1, minute=29)) == ["every night", "once"]
        assert night.public_at(at.replace(hour=1, minute=31)) == ["every night", "once"]
    assert _hours(night, "every night")[:2] == ["2027-10-31 00:30", "2027-11-01 01:30"]


def _hours(night: Night, text: str) -> list[str]:
    """Return when the posts of the series are due, in UTC."""
    sql = "SELECT substr(at, 1, 16) FROM post WHERE text = ? ORDER BY at"
    return [str(at) for (at,) in night.home.ask(sql, text)]
