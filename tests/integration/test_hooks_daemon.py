"""The real daemon tells real receivers what happens: a kill loses nothing, and nobody waits for a hook."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from postbell.services.telling.hooks import add_hook, get_hook, log_of
from support.children import free_port
from support.home import Home, make_home
from support.receiver import Receiver
from support.served import served


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = make_home(tmp_path)
    made.connect("folder", "site", {"path": str(tmp_path / "site")})
    return made


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def address(receiver: Receiver) -> Iterator[str]:
    with served(receiver) as url:
        yield url


def hook(home: Home, receiver: Receiver, url: str, path: str = "/a", *events: str) -> None:
    with home.app() as app:
        name = path.strip("/")
        _, secret = add_hook(app.ctx, name=name, url=f"{url}{path}", events=events, allow_local=True)
    receiver.secrets[path] = secret


def test_a_post_that_is_published_is_told_at_once_with_where_it_is(
    home: Home, receiver: Receiver, address: str
) -> None:
    with home.daemon():
        hook(home, receiver, address)  # while the daemon runs: it takes notice
        post_id = home.add("Hello", "site")
        home.wait_for(lambda: len(receiver.kinds()) == 2, seconds=10)
    assert receiver.kinds() == ["post.scheduled", "post.published"]
    _, _, event = receiver.taken[-1]
    assert event["data"]["post"] == post_id
    (site,) = event["data"]["accounts"]
    assert (site["account"], site["outcome"]) == ("site", "published")


def test_a_hook_that_hangs_delays_no_post_and_no_other_hook(
    home: Home, receiver: Receiver, address: str
) -> None:
    hook(home, receiver, address, "/a", "post.published")
    hook(home, receiver, address, "/b", "post.published")
    receiver.answers["/a"] = [None] * 5
    with home.daemon():
        home.add("First", "site")
        home.wait_for(lambda: any(path == "/a" for path, _, _ in receiver.came))
        ids = [home.add(f"Post {number}", "site") for number in range(10)]
        home.wait_for(lambda: len(receiver.kinds("/b")) == 11, seconds=8)
        assert all(home.post(post_id).outcome == "published" for post_id in ids)
    assert receiver.kinds("/a") == []


def wait_for_more(home: Home, receiver: Receiver) -> None:
    """Wait until what the kill before has left in doubt was looked up, and more was told.

    What is killed three times in a row while it is looked up is left to the user.
    """
    seen = len(receiver.taken)

    def went_on() -> bool:
        return len(receiver.taken) >= min(seen + 2, 40) and "unsure" not in home.states()

    home.wait_for(went_on)


def test_killed_again_and_again_it_loses_nothing_and_repeats_under_the_same_id(
    home: Home, receiver: Receiver, address: str
) -> None:
    hook(home, receiver, address, "/a", "post.published")
    ids = {home.add(f"Post {number}", "site") for number in range(40)}
    for round_ in range(6):
        with home.daemon() as process:
            wait_for_more(home, receiver)
            time.sleep(0.02 * round_)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    with home.daemon():
        home.wait_for(lambda: len(receiver.taken) == 40)
    told = [event["data"]["post"] for _, _, event in receiver.taken]
    assert set(told) == ids
    assert len(told) == len(set(told)) == 40
    order = [int(name.split("_")[1]) for _, name, _ in receiver.taken]
    assert order == sorted(order)
    assert home.sound()


def test_what_turns_out_to_be_public_after_a_kill_is_told_at_once(
    home: Home, receiver: Receiver, address: str
) -> None:
    hook(home, receiver, address, "/a", "post.published")
    post_id = home.add("Hello", "site")
    home.crash_at("answered")
    with home.daemon():
        # Without being told that it was settled, the daemon would see that after half a minute.
        home.wait_for(lambda: len(receiver.taken) == 1, seconds=15)
    assert receiver.taken[0][2]["data"]["post"] == post_id


def test_a_receiver_that_is_away_is_told_later_and_the_log_says_so(home: Home, tmp_path: Path) -> None:
    receiver, port = Receiver(), free_port()
    hook(home, receiver, f"http://127.0.0.1:{port}", "/a", "post.published")
    with home.daemon():
        home.add("Hello", "site")

        def failed() -> bool:
            with home.app() as app:
                return get_hook(app.ctx, "a").failures > 0

        home.wait_for(failed)
    with home.app() as app:
        (call,) = log_of(app.ctx, "a", 5)
        assert "could not be asked" in (call.error or "")
        assert (call.status, call.tries) == (None, 1)
    secret = receiver.secrets["/a"]
    assert secret.removeprefix("whsec_") not in home.log.read_text()


def test_an_address_that_leads_into_the_own_network_is_not_asked(home: Home, address: str) -> None:
    receiver_port = address.rpartition(":")[2]
    with home.app() as app:
        add_hook(app.ctx, name="a", url=f"http://localhost:{receiver_port}/a", events=["post.*"])
    with home.daemon():
        home.add("Hello", "site")

        def refused() -> bool:
            with home.app() as app:
                return "not on the public internet" in (get_hook(app.ctx, "a").error or "")

        home.wait_for(refused)


def test_a_stop_waits_for_no_hook(home: Home, receiver: Receiver, address: str) -> None:
    hook(home, receiver, address, "/a", "post.published")
    receiver.answers["/a"] = [None]
    with home.daemon() as process:
        home.add("Hello", "site")
        home.wait_for(lambda: len(receiver.came) == 1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(8) == 0
    with closing(sqlite3.connect(home.places.database)) as database:
        assert database.execute("SELECT count(*) FROM hook_call").fetchone() == (0,)


def test_another_machine_hears_that_all_is_well(tmp_path: Path, receiver: Receiver) -> None:
    class Deaf(Receiver):
        pings = 0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            Deaf.pings += 1
            return httpx.Response(200)

    with served(Deaf()) as url:
        home = make_home(tmp_path / "other", f'[health]\nping_url = "{url}/uuid"\n')
        with home.daemon():
            home.wait_for(lambda: Deaf.pings > 0)
        assert "uuid" not in home.log.read_text()
