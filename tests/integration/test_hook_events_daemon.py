"""Each of the nine events for which hooks are is told by a real daemon to a real receiver, and signed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from postbell.domain.event import EventKind
from postbell.domain.hook import USUAL
from postbell.services.accounts.accounts import verify_account
from postbell.services.posts import actions
from postbell.services.telling.hooks import add_hook
from postbell.testing import FakeClock
from support.fake_telegram import CHANNEL, TOKEN, FakeTelegram, Refusal
from support.farside import Fault
from support.home import Home, make_home
from support.receiver import Receiver
from support.served import served
from support.world import START


#: As they are promised.
EVENTS = {
    *("post.scheduled", "post.published", "post.partial", "post.failed", "post.missed", "post.unsure"),
    *("post.cancelled", "account.unauthorized", "account.recovered"),
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = make_home(tmp_path)
    made.connect("folder", "site", {"path": str(tmp_path / "site")})
    return made


@pytest.fixture
def telegram(home: Home) -> Iterator[FakeTelegram]:
    made = FakeTelegram(FakeClock(START))
    with served(made) as url:
        made.address = url
        home.connect("telegram", "bell", {"bot_token": TOKEN, "chat": str(CHANNEL)}, url)
        yield made


@pytest.fixture
def receiver(home: Home) -> Iterator[Receiver]:
    made = Receiver()
    with served(made) as url, home.app() as app:
        _, made.secrets["/a"] = add_hook(
            app.ctx, name="a", url=f"{url}/a", events=sorted(EVENTS), allow_local=True
        )
        yield made


def overdue(home: Home, post_id: str) -> None:
    """Let a post be due years ago, as if no daemon had run since."""
    with closing(sqlite3.connect(home.places.database)) as database, database:
        then = "2020-01-01 09:00:00.000000"
        database.execute("UPDATE post SET at = ?, local = NULL, zone = NULL WHERE id = ?", (then, post_id))
        database.execute(
            "UPDATE delivery SET due_at = ?, try_at = ?, expires_at = ? WHERE post_id = ?",
            (then, then, "2020-01-02 09:00:00.000000", post_id),
        )


def test_hooks_are_for_just_these_events() -> None:
    assert {str(kind) for kind in USUAL} == EVENTS


def test_a_real_daemon_tells_each_of_them_signed(
    home: Home, telegram: FakeTelegram, receiver: Receiver
) -> None:
    missed = home.add("Missed", "site")
    overdue(home, missed)
    posts = {"post.missed": missed}

    def told(kind: str, post_id: str | None = None) -> None:
        home.wait_for(lambda: kind in receiver.kinds())
        event = next(event for _, _, event in receiver.taken if event["type"] == kind)
        if post_id:
            assert event["data"]["post"] == post_id

    with home.daemon():
        told("post.missed", missed)
        posts["post.published"] = home.add("Hello", "site")
        told("post.published", posts["post.published"])
        no = Refusal(400, "Bad Request: message text is empty")
        telegram.refusals["sendMessage"] = [no]
        posts["post.failed"] = home.add("Refused", "bell")
        told("post.failed", posts["post.failed"])
        telegram.refusals["sendMessage"] = [no]
        posts["post.partial"] = home.add("Refused at one", "site,bell")
        told("post.partial", posts["post.partial"])
        telegram.faults = [Fault.BROKEN]
        posts["post.unsure"] = home.add("Lost", "bell")
        told("post.unsure", posts["post.unsure"])
        posts["post.cancelled"] = home.add("Cancelled", "site", "in 3 d")
        with home.app() as app:
            actions.cancel(app.ctx, home.post(posts["post.cancelled"]))
        told("post.cancelled", posts["post.cancelled"])
        telegram.faults = [Fault.UNAUTHORIZED]
        home.add("Waits", "bell")
        told("account.unauthorized")
        with home.app() as app:
            verify_account(app.ctx, "bell")
        told("account.recovered")
    assert set(receiver.kinds()) == EVENTS
    assert all(each["webhook-signature"].startswith("v1,") for each in receiver.heads)
    scheduled = [event["data"]["post"] for _, _, event in receiver.taken if event["type"] == "post.scheduled"]
    assert set(posts.values()) <= set(scheduled)
    assert EventKind.POST_SCHEDULED in receiver.kinds()
