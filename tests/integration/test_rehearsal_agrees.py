"""A rehearsal and what really happens then, by the installed daemon on a clock that runs fast."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postbell.app import App, build_app
from postbell.domain.post import Delivery
from postbell.domain.repeat_words import recurrence_from
from postbell.domain.states import Outcome
from postbell.domain.when import parse_when
from postbell.services.plan.rehearse import rehearse
from postbell.services.posts.compose import add_post
from postbell.services.posts.wanted import Wanted
from postbell.services.series.series import WantedSeries, add_series
from postbell.settings import load_settings
from postbell.store import timeline
from postbell.testing import FakeClock
from support.children import end
from support.home import Home, make_home


#: A night in which clocks in Berlin leave out the hour from two o'clock on: one o'clock in UTC.
BEGIN, END = datetime(2027, 3, 27, 23, 50, tzinfo=UTC), datetime(2027, 3, 28, 5, tzinfo=UTC)
DOWN, UP = datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2027, 3, 28, 3, 50, tzinfo=UTC)
#: So many virtual seconds pass in a real one. Nothing is due for 20 min, real five seconds, after the daemon
#: was begun and before it is ended: a busy machine may be slow.
SPEED = 240
CONFIG = 'timezone = "UTC"\nlate_limit_hours = 2\n'
#: What is nearer to its time than this is on time.
LATE = timedelta(minutes=20)

pytestmark = pytest.mark.skipif(
    shutil.which("faketime") is None and not os.environ.get("CI"),
    reason="faketime is not installed (apt-get install faketime)",
)


def _plan(app: App) -> None:
    """Store posts before, in and after the outage, and series over all of it."""
    for text, to, at in (
        ("on time", "ann", "2027-03-28 00:35"),
        ("to the other", "bea", "2027-03-28 00:20"),
        ("too late to be sent", "ann", "2027-03-28 01:30"),
        ("late", "ann", "2027-03-28 02:50"),
        ("after the outage", "ann", "2027-03-28 04:35"),
    ):
        when = parse_when(at, now=BEGIN, zone=app.ctx.zone)
        add_post(app.ctx, Wanted(text=text, to=(to,), when=when))
    night = {"repeat": "daily", "tz": "Europe/Berlin", "time": "01:30,02:30,03:40,04:20,05:15,06:30"}
    hourly = {"cron": "25 * * * *"}
    for text, to, words in (("night {a|b|c|d|e|f}", "bea", night), ("hour {a|b|c|d|e}", "ann", hourly)):
        rule = recurrence_from(words, zone=app.ctx.zone, today=BEGIN.date())
        add_series(app.ctx, WantedSeries(rule=rule, text=text, to=(to,)))


def _run(home: Home, begin: datetime, until: datetime) -> None:
    """Let the daemon run from one virtual time to another, and end it."""
    clock = f"@{begin:%Y-%m-%d %H:%M:%S} x{SPEED}"
    command = ["faketime", "-f", clock, sys.executable, "-m", "postbell", *home.options, "run"]
    with home.log.open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, "TZ": "UTC"}, start_new_session=True
        )
    try:
        time.sleep((until - begin).total_seconds() / SPEED)
        assert process.poll() is None, home.tail()
    finally:
        end(process)


def _told(each: Delivery, text: str) -> tuple[datetime | None, str, str, Outcome | None, bool]:
    return each.due_at, each.account, text, each.outcome, _is_late(each)


def _is_late(each: Delivery) -> bool:
    return each.lateness is not None and each.lateness > LATE


def test_what_a_rehearsal_foretells_is_what_happens(tmp_path: Path) -> None:
    home = make_home(tmp_path, CONFIG)
    for name in ("ann", "bea"):
        home.connect("folder", name, {"path": str(tmp_path / name)})
    app = build_app(home.places, load_settings(home.places.config), clock=FakeClock(BEGIN))
    _plan(app)
    rehearsed = rehearse(app.ctx, BEGIN, END, outages=[(DOWN, UP)])
    foretold = [_told(each.delivery, each.post.content.text) for each in rehearsed.happenings]
    _run(home, BEGIN, DOWN)
    _run(home, UP, END)
    with app.ctx.store.read() as tx:
        found = timeline.due_between(tx, BEGIN, END, ended=True)
        posts = timeline.posts_of(tx, found, app.ctx.media.path_of)
    app.close()
    happened = [_told(each, posts[each.post_id].content.text) for each in found]
    assert foretold == happened
    ends = {(outcome, is_late) for *_, outcome, is_late in happened}
    assert ends == {(Outcome.PUBLISHED, False), (Outcome.PUBLISHED, True), (Outcome.MISSED, False)}
