"""Retry storm: an hour of failures is met with few requests, and what is refused is never sent again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from postbell.domain.account import Health
from postbell.domain.states import DeliveryState, Outcome
from postbell.settings import RetrySettings, Settings
from postbell.store import accounts, deliveries, queue
from support.stage import Stage, live
from support.world import START, World, account_of, add_account, add_post, build_world


ACCOUNTS, POSTS = 16, 3
NAMES = [f"to-{number}" for number in range(ACCOUNTS)]
HOUR = timedelta(hours=1)
#: More than that no account tries in the hour: its waits double from 15 seconds to 15 minutes.
MOST_OF_AN_ACCOUNT = 30
#: The budget of second and later tries in a minute; after a quiet time as many may come at once besides.
BUDGET = 10


class Failing(httpx.AsyncBaseTransport):
    """Meets every request with the same failure, and counts them."""

    def __init__(self, fail: Callable[[httpx.Request], httpx.Response]) -> None:
        self.fail = fail
        #: When each request came, by the clock of the world, for whom, and the key of its delivery.
        self.came: list[tuple[datetime, str, str]] = []
        self.now: Callable[[], datetime] = lambda: START

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.came.append((self.now(), request.url.path, request.headers["webhook-id"]))
        return self.fail(request)


def answers(status: int, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _request: httpx.Response(status, headers=headers, json={"error": "told to"})


def refuses(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused", request=request)


def times_out(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("", request=request)


def world_of(folder: Path, transport: Failing) -> World:
    """Build a world with the settings that users have but for the budget, and posts for webhooks."""
    retry = RetrySettings(most_per_minute=BUDGET)
    settings = Settings(timezone="UTC", retry=retry)
    world = build_world(folder, networks=[], settings=settings, transport=transport)
    transport.now = world.clock.now
    for name in NAMES:
        url = {"url": f"https://hook.example/{name}"}
        add_account(world.store, name, network="webhook", credentials=url)
    for number in range(POSTS):
        add_post(world.store, to=NAMES, text=f"post {number}", network="webhook")
    return world


def an_hour(world: World) -> None:
    """Live through an hour as a daemon does: ring when something is due, look up what is in doubt."""
    end = world.clock.now() + HOUR

    async def script(stage: Stage) -> None:
        while world.clock.now() < end:
            while await stage.ring():
                pass
            await stage.recovery.settle()
            with world.store.read() as tx:
                ready = [waiting.ready_at for waiting in queue.next_due(tx)]
                unsure = deliveries.list_in_state(tx, DeliveryState.UNSURE)
            soon = world.clock.now() + timedelta(milliseconds=20)
            looks = [world.clock.now() + timedelta(minutes=1)] if unsure else []
            if not (ready or looks):
                return
            world.clock.set(max(min([*ready, *looks]), soon))

    live(world, script, slots=ACCOUNTS)


def most_again_in_a_minute(transport: Failing) -> int:
    """Return how many second and later tries there were at most within any minute."""
    first = {key: number for number, (_, _, key) in reversed(list(enumerate(transport.came)))}
    again = [at for number, (at, _, key) in enumerate(transport.came) if number != first[key]]
    return max(sum(at <= each < at + timedelta(minutes=1) for each in again) for at in again)


@pytest.mark.parametrize(
    "fail",
    [refuses, times_out, answers(503), answers(500), answers(429)],
    ids=["refused", "timeouts", "503", "500", "429"],
)
def test_an_hour_of_failures_is_met_with_few_requests(
    tmp_path: Path, fail: Callable[[httpx.Request], httpx.Response]
) -> None:
    transport = Failing(fail)
    with world_of(tmp_path, transport) as world:
        an_hour(world)
        by_account = Counter(path for _, path, _ in transport.came)
        assert len(by_account) == ACCOUNTS, "every account was tried"
        assert max(by_account.values()) <= MOST_OF_AN_ACCOUNT
        first = Counter(at for at, _, _ in transport.came)[START]
        assert first == ACCOUNTS, "one try of each account, and then it waits"
        assert most_again_in_a_minute(transport) <= 2 * BUDGET
        with world.store.read() as tx:
            counts = deliveries.count_by_state(tx)
        assert sum(counts.values()) == ACCOUNTS * POSTS
        assert DeliveryState.PROCESSED not in counts, "an hour is no reason to give up"


@pytest.mark.parametrize("status", [400, 403, 404, 405, 413, 422, 451])
def test_what_is_refused_is_sent_once(tmp_path: Path, status: int) -> None:
    transport = Failing(answers(status))
    with world_of(tmp_path, transport) as world:
        an_hour(world)
        assert len(transport.came) == ACCOUNTS * POSTS
        with world.store.read() as tx:
            ended = deliveries.list_in_state(tx, DeliveryState.PROCESSED)
        assert [each.outcome for each in ended] == [Outcome.FAILED] * (ACCOUNTS * POSTS)


@pytest.mark.parametrize("status", [401, 410])
def test_an_account_that_is_refused_is_asked_for_once_and_its_posts_wait(tmp_path: Path, status: int) -> None:
    transport = Failing(answers(status))
    with world_of(tmp_path, transport) as world:
        an_hour(world)
        assert len(transport.came) == ACCOUNTS
        assert account_of(world.store, NAMES[0]).health is Health.UNAUTHORIZED
        with world.store.read() as tx:
            assert deliveries.count_by_state(tx) == {DeliveryState.SCHEDULED: ACCOUNTS * POSTS}


@pytest.mark.parametrize("status", [429, 503])
def test_a_network_that_says_how_long_is_asked_once_in_that_time(tmp_path: Path, status: int) -> None:
    transport = Failing(answers(status, **{"retry-after": "600"}))
    with world_of(tmp_path, transport) as world:
        an_hour(world)
        assert Counter(path for _, path, _ in transport.came) == {f"/{name}": 6 for name in NAMES}


def test_after_the_hour_everything_is_sent_once(tmp_path: Path) -> None:
    transport = Failing(refuses)
    with world_of(tmp_path, transport) as world:
        an_hour(world)
        transport.fail = answers(200)
        asked = len(transport.came)
        an_hour(world)
        assert Counter(path for _, path, _ in transport.came[asked:]) == {f"/{name}": POSTS for name in NAMES}
        with world.store.read() as tx:
            ended = deliveries.list_in_state(tx, DeliveryState.PROCESSED)
            assert len(ended) == ACCOUNTS * POSTS
            assert {account.setbacks for account in accounts.list_accounts(tx)} == {0}
