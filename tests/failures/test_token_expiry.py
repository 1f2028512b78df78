"""Tokens that end, and refresh tokens that work once: renewed in time, and nobody else is held up.

What becomes of them in a kill, on a bad day, and where only a person can help is shown for every network that
has them by tests/contract/test_contract_logins_daemon.py. The far side here is strict: who shows a refresh
token a second time is turned away.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postbell.clock import SystemClock
from postbell.domain.account import Account, Health
from postbell.domain.states import Outcome
from postbell.services.accounts import accounts
from postbell.testing import FakeClock
from support.fake_bluesky import HANDLE, FakeBluesky
from support.home import Home, make_home
from support.lexicon import lexicons
from support.served import served
from support.sink import sink


@pytest.fixture
def home(tmp_path: Path) -> Home:
    lexicons()
    return make_home(tmp_path)


@pytest.fixture
def far_side(home: Home) -> Iterator[FakeBluesky]:
    """The server of the account `bs`, which has published once and whose access token has ended since."""
    made = FakeBluesky(FakeClock(SystemClock().now()), grace=timedelta(0))
    with served(made) as url:
        made.move_to(url)
        values = {"identifier": HANDLE, "app_password": made.app_password}
        home.connect("bluesky", "bs", values, server=url)
        _publish(home, "before")
        made.end_access_tokens()
        made.requests.clear()
        yield made


def _publish(home: Home, *texts: str) -> None:
    posts = [home.add(text, "bs") for text in texts]
    with home.daemon():
        home.wait_for(lambda: set(home.states()) == {"processed"})
    assert [home.post(post).outcome for post in posts] == [Outcome.PUBLISHED] * len(posts)


def _account(home: Home, name: str = "bs") -> Account:
    with home.app() as app:
        return accounts.get_account(app.ctx, name)


def _texts(far_side: FakeBluesky) -> list[str]:
    return sorted(post.text for post in far_side.public())


def test_a_token_is_renewed_before_it_ends_not_when_it_is_refused(home: Home, far_side: FakeBluesky) -> None:
    far_side.access = timedelta(minutes=4)
    _publish(home, "one")
    far_side.requests.clear()
    _publish(home, "two")
    assert far_side.calls() == ["refreshSession", "putRecord"]


def test_an_account_that_nothing_renews_holds_its_posts_and_nobody_else_s(
    home: Home, far_side: FakeBluesky
) -> None:
    far_side.app_password_works = False
    with sink() as hook:
        home.connect("webhook", "hook", {"url": hook.url})
        held = [home.add(text, "bs") for text in ("first", "second")]
        home.add("elsewhere", "hook")
        with home.daemon():
            hook.wait_for(1)
            home.wait_for(lambda: _account(home).health is Health.UNAUTHORIZED)
            home.wait_for(lambda: home.states() == {"scheduled": 2, "processed": 2})
        assert _tries(home, held) == [0, 0]
        assert "Make a new app password" in str(_account(home).health_note)
        # Asked once, not once for each post, nor at the next start.
        assert far_side.calls() == ["putRecord", "refreshSession", "createSession"]
        with home.daemon():
            _reconnect(home, far_side, "nw2k-n2vx-5qtr-m7cd")
            home.wait_for(lambda: set(home.states()) == {"processed"})
    assert _texts(far_side) == ["before", "first", "second"]
    assert far_side.calls().count("refreshSession") == 1


def _tries(home: Home, posts: list[str]) -> list[int]:
    return [delivery.tries for post in posts for delivery in home.post(post).deliveries]


def _reconnect(home: Home, network: FakeBluesky, password: str) -> None:
    network.app_password, network.app_password_works = password, True
    values: dict[str, Any] = {"app_password": password}
    with home.app() as app:
        accounts.reconnect_account(app.ctx, "bs", server=None, values=values)
