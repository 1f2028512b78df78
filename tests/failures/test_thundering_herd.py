"""Thundering herd: after an outage each account sends what is late in order, with gaps, within its limits."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from lab.faults import LIMITS, Plan
from lab.harness import LabHome, make_lab_home
from lab.journal import Entry
from lab.nursery import nursery
from lab.server import Server, far_side
from support.planting import plant_posts


#: For the daemon time passes so many times as fast.
SPEED = 60
#: What users have (seconds), by the daemon's clock.
GAP = 3.0
#: How long the far side asks to wait, likewise; and how long accounts wait at least where it does not say.
ASKED, UNASKED = 90.0, 450.0
POSTS = 40
#: An account for each kind of limit, with what its requests meet: it is limited twice.
ACCOUNTS = {kind: [*["accept+ok"] * 3, kind, *["accept+ok"] * 9, kind] for kind in LIMITS}
#: A limit of 7 to 15 minutes is enough.
ACCOUNTS["limit-silent"] = ["accept+ok", "limit-silent"]
#: Requests and answers have their time too: seconds of the daemon by which two requests may seem nearer.
_SLACK = 1.5


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Entry]]:
    """Let a daemon come back after three hours; return what the far side was asked, by account."""
    folder = tmp_path_factory.mktemp("herd")
    home = make_lab_home(folder, "[http]\ndeadline_seconds = 600\n")
    with far_side(folder / "far-side") as server, nursery(folder / "log", speed=SPEED, catch_up=GAP) as nest:
        for name in ACCOUNTS:
            home.join(server, "lab_named", name)
        _plant(home)
        server.plan(Plan(script=ACCOUNTS, limit=ASKED, clock=nest.clock))
        with nest.daemon(home):
            home.wait_for(lambda: home.states() == {"processed": POSTS * len(ACCOUNTS)}, seconds=90)
        assert set(server.accepted().values()) == {1}
        return _by_account(server)


def _plant(home: LabHome) -> None:
    """Store posts of the last three hours, the latest first: the order must come from their times."""
    with home.app() as app:
        now = app.ctx.now()
        at = [now - timedelta(hours=3) + timedelta(minutes=4 * number) for number in range(POSTS)]
        wanted = [(f"{number:02}", list(ACCOUNTS), at[number]) for number in reversed(range(POSTS))]
        plant_posts(app.ctx, wanted)


def _by_account(server: Server) -> dict[str, list[Entry]]:
    entries = [entry for entry in server.entries() if entry.what == "asked"]
    return {name: [entry for entry in entries if entry.account == name] for name in ACCOUNTS}


@pytest.mark.parametrize("account", ACCOUNTS)
def test_an_account_sends_the_oldest_first(asked: dict[str, list[Entry]], account: str) -> None:
    taken = [entry.text for entry in asked[account] if entry.fault == "accept+ok"]
    assert taken == [f"{number:02}" for number in range(POSTS)]


@pytest.mark.parametrize("account", ACCOUNTS)
def test_a_limit_is_kept_whichever_header_says_it(asked: dict[str, list[Entry]], account: str) -> None:
    waited = [
        (after.at - before.at) * SPEED
        for before, after in pairwise(asked[account])
        if before.fault == account
    ]
    assert len(waited) == ACCOUNTS[account].count(account)
    least = UNASKED if account == "limit-silent" else ASKED
    assert min(waited) >= least - _SLACK
    again = [(b.text, a.text) for b, a in pairwise(asked[account]) if b.fault == account]
    assert all(before == after for before, after in again), "the try was not given back"


@pytest.mark.parametrize("account", ACCOUNTS)
def test_what_is_late_is_sent_with_gaps(asked: dict[str, list[Entry]], account: str) -> None:
    gaps = [(after.at - before.at) * SPEED for before, after in pairwise(asked[account])]
    assert min(gaps) >= GAP - _SLACK
    assert sum(gaps) >= (GAP - 0.1) * len(gaps)


def test_nothing_was_asked_for_more_often_than_needed(asked: dict[str, list[Entry]]) -> None:
    for account, entries in asked.items():
        assert len(entries) == POSTS + ACCOUNTS[account].count(account)


def test_no_account_waits_for_the_limits_of_another(asked: dict[str, list[Entry]]) -> None:
    first_limited = min(e.at for entries in asked.values() for e in entries if e.fault.startswith("limit"))
    ends = {account: entries[-1].at for account, entries in asked.items()}
    slowest = max(ends, key=lambda account: ends[account])
    assert slowest == "limit-silent"
    assert all(first_limited < end < ends[slowest] for account, end in ends.items() if account != slowest)
