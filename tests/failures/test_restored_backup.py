"""A database that went back in time: what went out since is not sent again, what did not is sent, or is told.

Counted at the far sides: a Bluesky that can be asked, and a webhook that cannot.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from lab.harness import clock_ahead
from postbell.clock import SystemClock
from postbell.domain.caution import Cause
from postbell.domain.states import Outcome
from postbell.services.accounts import pausing
from postbell.services.posts import actions
from postbell.services.posts.actions import Verdict
from postbell.services.upkeep import doctor, health, upkeep
from postbell.testing import FakeClock
from support.fake_bluesky import HANDLE, FakeBluesky
from support.home import Home, make_home
from support.lexicon import lexicons
from support.marks import left_by_daemon
from support.served import served
from support.sink import Sink, sink


#: What came due while the database that is lost was there, and what comes due before the old one is used.
OUT, NOT_YET = ("out first", "out second"), "not yet"
AFTERWARDS = timedelta(hours=3)


@dataclass
class Town:
    """A Postbell with its far sides, and with a day of which its database will have no memory."""

    home: Home
    sky: FakeBluesky
    hook: Sink
    #: The data folder as it was before.
    before: Path
    backup: Path
    #: Of the posts, by account and text.
    posts: dict[tuple[str, str], str]

    @property
    def database(self) -> Path:
        return self.home.places.database

    def outcomes(self, account: str) -> dict[str, Outcome | None]:
        return {
            text: self.home.post(post).outcome for (to, text), post in self.posts.items() if to == account
        }


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    lexicons()
    home = make_home(tmp_path)
    sky = FakeBluesky(FakeClock(SystemClock().now()))
    with served(sky) as url, sink() as hook:
        sky.move_to(url)
        password = {"identifier": HANDLE, "app_password": sky.app_password}
        home.connect("bluesky", "sky", password, server=url)
        home.connect("webhook", "hook", {"url": hook.url})
        with home.app() as app:
            left_by_daemon(app)
        posts = {(to, text): home.add(text, to) for text in OUT for to in ("sky", "hook")}
        posts |= {(to, NOT_YET): home.add(NOT_YET, to, "in 2 h") for to in ("sky", "hook")}
        now = SystemClock().now()
        backup, _rows = upkeep.back_up(home.places, None, keep=9, now=now)
        before = Path(shutil.copytree(home.places.data_dir, tmp_path / "before"))
        yield Town(home, sky, hook, before, backup, posts)


def live_on(town: Town, *, kill: bool = False) -> None:
    """Publish what is due, of which the old database knows nothing."""
    with town.home.daemon() as process:
        town.home.wait_for(lambda: town.home.states() == {"processed": 4, "scheduled": 2})
        if kill:
            process.kill()
            process.wait()
    assert (town.sky.commits, town.hook.posts().total()) == (2, 2)


def put_back_a_copy(town: Town) -> None:
    live_on(town)
    remove_side_files(town)
    shutil.copy(town.before / "postbell.db", town.database)


def lose_the_log(town: Town) -> None:
    live_on(town, kill=True)
    remove_side_files(town)


def come_from_elsewhere(town: Town) -> None:
    live_on(town)
    shutil.rmtree(town.home.places.data_dir)
    shutil.copytree(town.before, town.home.places.data_dir)
    with town.home.app() as app:
        left_by_daemon(app, "another machine")


def lose_the_mark(town: Town) -> None:
    put_back_a_copy(town)
    town.home.places.mark.unlink()


def restore(town: Town) -> None:
    live_on(town)
    upkeep.restore(town.home.places, town.backup, now=SystemClock().now() + AFTERWARDS)


def put_back_the_whole_machine(town: Town) -> None:
    live_on(town)
    shutil.rmtree(town.home.places.data_dir)
    shutil.copytree(town.before, town.home.places.data_dir)


def remove_side_files(town: Town) -> None:
    for suffix in ("-wal", "-shm"):
        town.database.with_name(town.database.name + suffix).unlink(missing_ok=True)


def scheduled(town: Town) -> int:
    with closing(sqlite3.connect(town.database)) as database:
        return int(database.execute("SELECT count(*) FROM delivery WHERE state = 'scheduled'").fetchone()[0])


GRAVE = [
    pytest.param(put_back_a_copy, Cause.WENT_BACK, id="an old copy"),
    pytest.param(lose_the_log, Cause.WENT_BACK, id="a lost log"),
    pytest.param(lose_the_mark, Cause.MARK_LOST, id="an old copy without the mark"),
    pytest.param(come_from_elsewhere, Cause.COPIED, id="another machine"),
    pytest.param(restore, Cause.RESTORED, id="db restore"),
]


@pytest.mark.parametrize(("go_back", "cause"), GRAVE)
def test_nothing_goes_out_twice_and_what_had_not_gone_out_does_or_is_told(
    town: Town, go_back: Callable[[Town], None], cause: Cause
) -> None:
    go_back(town)
    assert cause is Cause.RESTORED or scheduled(town) == 6, "the database knows nothing of it"
    town.home.env = clock_ahead(AFTERWARDS)
    with town.home.daemon():
        if cause.is_blind:  # what waits may have been cancelled: the user is to have a look first
            town.home.wait_for(lambda: town.home.states() == {"processed": 2, "unsure": 3, "scheduled": 1})
            let_go_on(town.home)
        town.home.wait_for(lambda: town.home.states() == {"processed": 3, "unsure": 3})
    assert sorted(post.text for post in town.sky.public()) == sorted([*OUT, NOT_YET])
    assert town.sky.commits == 3
    assert town.outcomes("sky") == dict.fromkeys([*OUT, NOT_YET], Outcome.PUBLISHED)
    found = [town.home.post(town.posts["sky", text]).deliveries[0].url for text in OUT]
    assert all(url and "/post/" in url for url in found)
    # Nobody can ask a webhook: it gets nothing a second time, and the user is told of each.
    assert town.hook.posts() == dict.fromkeys(OUT, 1)
    assert town.outcomes("hook") == dict.fromkeys([*OUT, NOT_YET], Outcome.UNSURE)
    told_of(town, cause)


def let_go_on(home: Home) -> None:
    with home.app() as app:
        pausing.resume(app.ctx, [pausing.Target(scope=pausing.Scope.EVERYTHING)])


@pytest.mark.parametrize(
    "go_back",
    [
        pytest.param(put_back_a_copy, id="an old copy"),
        pytest.param(lose_the_log, id="a lost log"),
        pytest.param(lose_the_mark, id="an old copy without the mark"),
        pytest.param(come_from_elsewhere, id="another machine"),
    ],
)
@pytest.mark.parametrize("command", ["add", "reschedule", "edit"])
def test_no_command_changes_what_may_be_public_before_the_daemon_has_had_a_look(
    town: Town, go_back: Callable[[Town], None], command: str
) -> None:
    go_back(town)
    first = town.posts["sky", OUT[0]]
    words = {
        "add": ("another", "--to", "sky", "--at", "in 9 h"),
        "reschedule": (first, "in 5 h"),
        "edit": (first, "other"),
    }
    start = (*town.home.program, *town.home.options, command, *words[command])
    town.home.env = clock_ahead(AFTERWARDS / 2)
    assert town.home.start(*start).wait() == 5, town.home.tail()
    assert "Start the daemon first" in town.home.tail()
    assert scheduled(town) == 6, "nothing was changed"


def told_of(town: Town, cause: Cause) -> None:
    with town.home.app() as app:
        troubles = "\n".join(health.status(app.ctx, town.home.places).troubles)
    checks = doctor.doctor(town.home.places, now=SystemClock().now() + AFTERWARDS)
    assert cause.sentence in troubles
    assert cause.sentence in "\n".join(check.message for check in checks)
    for text in (*OUT, NOT_YET):
        assert f"`postbell settle {town.posts['hook', text]}`" in troubles


def test_after_a_whole_machine_went_back_nothing_is_published_twice_either(town: Town) -> None:
    """Nothing on the machine tells that from a long absence, so what can be asked is asked after any.

    A webhook is sent what is overdue, with the same `webhook-id`: its receiver passes over what it has had.
    """
    put_back_the_whole_machine(town)
    town.home.env = clock_ahead(AFTERWARDS)
    with town.home.daemon():
        town.home.wait_for(lambda: town.home.states() == {"processed": 6})
    assert sorted(post.text for post in town.sky.public()) == sorted([*OUT, NOT_YET])
    assert town.sky.commits == 3
    assert len(town.hook.keys()) == 3


def test_what_waits_for_a_word_of_the_user_goes_the_way_that_he_says(town: Town) -> None:
    put_back_a_copy(town)
    town.home.env = clock_ahead(AFTERWARDS)
    first, second, third = (town.home.post(town.posts["hook", text]) for text in (*OUT, NOT_YET))
    with town.home.daemon():
        town.home.wait_for(lambda: town.home.states() == {"processed": 3, "unsure": 3})
        with town.home.app() as app:
            for post, verdict in (
                (first, Verdict.PUBLISHED),
                (second, Verdict.FAILED),
                (third, Verdict.RESEND),
            ):
                actions.settle(app.ctx, town.home.post(post.id), verdict)
        town.home.wait_for(lambda: town.home.states() == {"processed": 6})
    assert town.hook.posts() == {"out first": 1, "out second": 1, "not yet": 1}
    assert town.outcomes("hook") == {
        "out first": Outcome.PUBLISHED,
        "out second": Outcome.FAILED,
        "not yet": Outcome.PUBLISHED,
    }


def test_a_second_start_in_between_changes_nothing(town: Town) -> None:
    put_back_a_copy(town)
    town.home.env = clock_ahead(AFTERWARDS)
    town.sky.status = "deactivated"  # it can neither be asked nor posted to
    for _ in range(2):
        with town.home.daemon():
            town.home.wait_for(lambda: town.home.states().get("unsure", 0) >= 3)
    assert (town.sky.commits, town.hook.posts().total()) == (2, 2)
