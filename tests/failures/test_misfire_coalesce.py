"""No daemon runs for a while: what is sent late, what is missed, and that a series is never a machine gun."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from lab.harness import LabHome, clock_ahead, make_lab_home
from lab.server import Server, far_side
from postbell.app import App
from postbell.clock import SystemClock
from postbell.domain.post import SUPERSEDED
from postbell.domain.repeat_words import recurrence_from
from postbell.domain.when import parse_when
from postbell.services.posts.compose import add_post
from postbell.services.posts.wanted import Terms, Wanted
from postbell.services.series.series import WantedSeries, add_series
from support.marks import left_by_daemon


SECOND, MINUTES, HOURS, DAYS = (
    timedelta(seconds=1),
    timedelta(minutes=5),
    timedelta(hours=3),
    timedelta(days=3),
)
PUBLISHED, MISSED = "published", "missed"
#: How the posts end that were due at the beginning, and how many of the series' ends how.
TABLE: dict[timedelta, dict[str, dict[str, int]]] = {
    SECOND: {
        "plain": {PUBLISHED: 1},
        "late by ten minutes at most": {PUBLISHED: 1},
        "not after an hour": {PUBLISHED: 1},
        "late by a week at most": {PUBLISHED: 1},
    },
    MINUTES: {
        "plain": {PUBLISHED: 1},
        "late by ten minutes at most": {PUBLISHED: 1},
        "not after an hour": {PUBLISHED: 1},
        "late by a week at most": {PUBLISHED: 1},
        "hourly": {PUBLISHED: 1},
        "daily": {PUBLISHED: 1},
    },
    HOURS: {
        "plain": {PUBLISHED: 1},
        "late by ten minutes at most": {MISSED: 1},
        "not after an hour": {MISSED: 1},
        "late by a week at most": {PUBLISHED: 1},
        "hourly": {PUBLISHED: 1, MISSED: 2},
        "daily": {PUBLISHED: 1},
    },
    DAYS: {
        "plain": {MISSED: 1},
        "late by ten minutes at most": {MISSED: 1},
        "not after an hour": {MISSED: 1},
        "late by a week at most": {PUBLISHED: 1},
        "hourly": {PUBLISHED: 1, MISSED: 71},
        "daily": {PUBLISHED: 1, MISSED: 2},
    },
}

_serial = itertools.count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with far_side(tmp_path_factory.mktemp("far-side")) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, server: Server) -> LabHome:
    """A Postbell on which a daemon has run until now."""
    made = make_lab_home(tmp_path, 'timezone = "UTC"\n')
    made.join(server, "lab_named", f"ann-{next(_serial)}")
    with made.app() as app:
        now = SystemClock().now()
        left_by_daemon(app)
        _plan(app, now, to=_account(made))
    return made


def _account(home: LabHome) -> str:
    return str(home.ask("SELECT name FROM account")[0][0])


def _plan(app: App, now: datetime, to: str) -> None:
    """Store what is due now, and series that begin in a minute or two."""
    limits = {
        "plain": Terms(),
        "late by ten minutes at most": Terms(late_limit=timedelta(minutes=10)),
        "not after an hour": Terms(not_after=now + timedelta(hours=1)),
        "late by a week at most": Terms(late_limit=timedelta(days=7)),
    }
    when = parse_when("now", now=now, zone=app.ctx.zone)
    for text, terms in limits.items():
        add_post(app.ctx, Wanted(text=text, to=(to,), when=when, terms=terms))
    soon = now + timedelta(minutes=2)
    for text, words in (
        ("hourly", {"cron": f"{soon.minute} * * * *"}),
        ("daily", {"repeat": "daily", "time": f"{soon:%H:%M}"}),
    ):
        rule = recurrence_from(words, zone=app.ctx.zone, today=now.date())
        add_series(app.ctx, WantedSeries(rule=rule, text=text, to=(to,)))


def _ends(home: LabHome) -> dict[str, dict[str, int]]:
    """Count how the deliveries of each text have ended."""
    rows = home.ask(
        "SELECT text, coalesce(result, delivery.state), count(*) "
        "FROM delivery JOIN post ON post.id = post_id "
        "WHERE delivery.state IN ('processed', 'missed') GROUP BY 1, 2"
    )
    found: dict[str, dict[str, int]] = {}
    for text, end, count in rows:
        found.setdefault(text, {})[end] = count
    return found


@pytest.mark.parametrize("off", TABLE, ids=str)
def test_what_was_due_while_nothing_ran_ends_as_the_policy_says(
    home: LabHome, server: Server, off: timedelta
) -> None:
    home.env = clock_ahead(off)
    with home.daemon():
        home.wait_for(lambda: _ends(home) == TABLE[off])
    account = _account(home)
    accepted = Counter(e.key for e in server.entries() if e.what == "accepted" and e.account == account)
    assert len(accepted) == sum(ends.get(PUBLISHED, 0) for ends in TABLE[off].values())
    assert set(accepted.values()) == {1}
    reasons = home.ask("SELECT DISTINCT late_reason FROM delivery WHERE state = 'missed'")
    assert reasons == ([("Postbell was not running",)] if off in (HOURS, DAYS) else [])


def test_of_a_series_the_newest_is_sent_and_the_others_say_that_it_took_their_place(
    home: LabHome, server: Server
) -> None:
    home.env = clock_ahead(HOURS)
    with home.daemon():
        home.wait_for(lambda: _ends(home) == TABLE[HOURS])
    rows = home.ask(
        "SELECT delivery.state, message FROM delivery JOIN post ON post.id = post_id "
        "WHERE text = 'hourly' AND delivery.state IN ('processed', 'missed') ORDER BY due_at"
    )
    assert [state for state, _ in rows] == ["missed", "missed", "processed"]
    assert all(message.startswith(SUPERSEDED) for _, message in rows[:2])
