"""Tokens that end, and refresh tokens that work once: renewed in time, stored before they are used.

The far side is as strict as any: who shows a refresh token a second time is turned away.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
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


class FarSide(httpx.AsyncBaseTransport):
    """A strict server. If told so, it takes the database's lock whenever it has given out new tokens."""

    def __init__(self, database: Path) -> None:
        self.network = FakeBluesky(FakeClock(SystemClock().now()), grace=timedelta(0))
        self.locks = False
        self._lock = sqlite3.connect(database, isolation_level=None, check_same_thread=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self.network.handle_async_request(request)
        if self.locks and request.url.path.endswith("refreshSession"):
            self._lock.execute("BEGIN IMMEDIATE")
        return response

    def unlock(self) -> None:
        self.locks = False
        self._lock.rollback()

    def close(self) -> None:
        self._lock.close()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    lexicons()
    return make_home(tmp_path)


@pytest.fixture
def far_side(home: Home) -> Iterator[FarSide]:
    """The server of the account `bs`, which has published once and whose access token has ended since."""
    with closing(FarSide(home.places.database)) as made, served(made) as url:
        made.network.move_to(url)
        values = {"identifier": HANDLE, "app_password": made.network.app_password}
        home.connect("bluesky", "bs", values, server=url)
        _publish(home, "before")
        made.network.end_access_tokens()
        made.network.requests.clear()
        yield made


def _publish(home: Home, *texts: str) -> None:
    posts = [home.add(text, "bs") for text in texts]
    with home.daemon():
        home.wait_for(lambda: set(home.states()) == {"processed"})
    assert [home.post(post).outcome for post in posts] == [Outcome.PUBLISHED] * len(posts)


def _account(home: Home, name: str = "bs") -> Account:
    with home.app() as app:
        return accounts.get_account(app.ctx, name)


def _texts(far_side: FarSide) -> list[str]:
    return sorted(post.text for post in far_side.network.public())


def test_a_token_is_renewed_before_it_ends_not_when_it_is_refused(home: Home, far_side: FarSide) -> None:
    far_side.network.access = timedelta(minutes=4)
    _publish(home, "one")
    far_side.network.requests.clear()
    _publish(home, "two")
    assert far_side.network.calls() == ["refreshSession", "putRecord"]


def test_a_new_token_is_not_used_before_it_is_stored_and_its_loss_in_a_kill_needs_no_human(
    home: Home, far_side: FarSide
) -> None:
    post = home.add("across the kill", "bs")
    far_side.locks = True
    process = home.start()
    home.wait_for(lambda: b"database_not_written_yet" in home.log.read_bytes())
    assert far_side.network.calls() == ["putRecord", "refreshSession"]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    far_side.unlock()
    far_side.network.requests.clear()
    with home.daemon():
        home.wait_for(lambda: home.states() == {"processed": 2})
    assert home.post(post).outcome is Outcome.PUBLISHED
    assert _account(home).health is Health.OK
    assert _texts(far_side) == ["across the kill", "before"]
    # The old refresh token is refused, and the app password makes a new session.
    calls = far_side.network.calls()
    assert [calls.count(call) for call in ("refreshSession", "createSession")] == [1, 1]
    far_side.network.requests.clear()
    _publish(home, "later")
    assert far_side.network.calls() == ["putRecord"]


def test_an_account_that_nothing_renews_holds_its_posts_and_nobody_else_s(
    home: Home, far_side: FarSide
) -> None:
    far_side.network.app_password_works = False
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
        assert far_side.network.calls() == ["putRecord", "refreshSession", "createSession"]
        with home.daemon():
            _reconnect(home, far_side.network, "nw2k-n2vx-5qtr-m7cd")
            home.wait_for(lambda: set(home.states()) == {"processed"})
    assert _texts(far_side) == ["before", "first", "second"]
    assert far_side.network.calls().count("refreshSession") == 1


def _tries(home: Home, posts: list[str]) -> list[int]:
    return [delivery.tries for post in posts for delivery in home.post(post).deliveries]


def _reconnect(home: Home, network: FakeBluesky, password: str) -> None:
    network.app_password, network.app_password_works = password, True
    values: dict[str, Any] = {"app_password": password}
    with home.app() as app:
        accounts.reconnect_account(app.ctx, "bs", server=None, values=values)
