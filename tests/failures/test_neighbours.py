"""Neighbours: an account that is refused, or told to wait for an hour, delays no other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from lab.faults import Plan
from lab.harness import LabHome, make_lab_home
from lab.server import Server, far_side
from postbell.domain.account import Health
from postbell.domain.post import LATE_AFTER
from postbell.store import accounts
from support.planting import plant_posts


TROUBLED, OTHERS = ("refused", "limited"), [f"other-{number}" for number in range(6)]
#: More than the daemon sends at once, of each account: who waits must not keep a place that others need.
POSTS = 12
HOUR = timedelta(hours=1)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    trouble = {"refused": ["401"] * 1000, "limited": ["limit-iso"] * 1000}
    with far_side(tmp_path / "far-side", Plan(script=trouble, limit=HOUR.total_seconds())) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, server: Server) -> LabHome:
    home = make_lab_home(tmp_path, "[daemon]\nconcurrency = 4\n")
    for name in (*TROUBLED, *OTHERS):
        home.join(server, "lab_named", name)
    return home


def test_two_troubled_accounts_delay_no_other(home: LabHome, server: Server) -> None:
    with home.app() as app:
        soon = app.ctx.now() + timedelta(seconds=4)
        names = [*TROUBLED, *OTHERS]  # in each second the troubled ones come first
        times = [soon + timedelta(milliseconds=300 * number) for number in range(POSTS)]
        plant_posts(app.ctx, [(f"post {number}", names, at) for number, at in enumerate(times)])
    with home.daemon():
        home.wait_for(lambda: home.states().get("processed") == POSTS * len(OTHERS))
    assert set(server.accepted()) == {(name, f"post {n}") for name in OTHERS for n in range(POSTS)}
    assert set(server.accepted().values()) == {1}
    waited = "SELECT a.name, count(*) FROM delivery d JOIN account a ON a.id = d.account_id"
    assert dict(home.ask(f"{waited} WHERE d.state = 'scheduled' GROUP BY 1")) == dict.fromkeys(
        TROUBLED, POSTS
    )
    asked = [entry.account for entry in server.entries() if entry.what == "asked"]
    assert [asked.count(name) for name in TROUBLED] == [1, 1]
    late = "SELECT post_id, late_reason FROM delivery WHERE state = 'processed' AND late_reason IS NOT NULL"
    assert home.ask(late) == [], f"some were begun more than {LATE_AFTER} after their time"
    with home.app() as app, app.ctx.store.read() as tx:
        refused, limited = (accounts.get_account(tx, name) for name in TROUBLED)
        assert refused.health is Health.UNAUTHORIZED
        assert limited.rests_until is not None
        assert limited.rests_until > soon + HOUR - timedelta(minutes=1)
