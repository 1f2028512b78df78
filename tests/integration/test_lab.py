"""The lab itself: what it says that it does to a request is what a client sees."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from lab.faults import LIMITS, LOST, VANISHED, Plan
from lab.harness import make_lab_home
from lab.nursery import nursery
from lab.server import Server, far_side
from postbell.clock import SystemClock
from postbell.domain.states import Outcome
from postbell.errors import PublishError, Unsure
from postbell.publishing.web.answer import Answer
from postbell.publishing.web.http import Clients, Http
from postbell.publishing.web.rates import reset_time


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with far_side(tmp_path_factory.mktemp("far-side")) as running:
        yield running


def _create(server: Server, key: str, *, method: str = "POST") -> Answer:
    """Make a post, as the lab's networks do."""

    async def ask() -> Answer:
        clients = Clients()
        url = f"{server.url}/net/ann/posts" + (f"/{key}" if method == "PUT" else "")
        try:
            http = Http(clients, SystemClock(), deadline=1.0)
            return await http.request(method, url, publishes=True, json={"key": key, "text": key})
        finally:
            await clients.close()

    return asyncio.run(ask())


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_answer_belongs_to_a_post_that_is_public(server: Server, fault: str) -> None:
    server.plan(Plan(script={"ann": [fault]}, delay=3))
    with pytest.raises(Unsure):
        _create(server, f"lost {fault}").field("id", str)
    assert server.accepted()["ann", f"lost {fault}"] == 1


@pytest.mark.parametrize("fault", [*VANISHED, "503", "redirect", "limit-iso"])
def test_without_its_accepting_a_fault_makes_no_post(server: Server, fault: str) -> None:
    server.plan(Plan(script={"*": [fault]}))
    with pytest.raises(PublishError):
        _create(server, f"gone {fault}")
    assert server.accepted()["ann", f"gone {fault}"] == 0


def test_each_call_makes_a_post_unless_it_names_it(server: Server) -> None:
    server.plan(Plan())
    for _ in range(2):
        _create(server, "twice")
        _create(server, "named", method="PUT")
    assert server.accepted()["ann", "twice"] == 2
    assert server.accepted()["ann", "named"] == 1


def test_a_late_post_becomes_public_when_nobody_waits_any_more(server: Server) -> None:
    server.plan(Plan(script={"ann": ["late"]}, delay=1.5))
    with pytest.raises(Unsure, match="in time"):
        _create(server, "late")
    assert server.accepted()["ann", "late"] == 0
    server.wait_for(lambda entries: any(e.what == "accepted" and e.text == "late" for e in entries))


@pytest.mark.parametrize("limit", [each for each in LIMITS if each not in ("limit-usage", "limit-silent")])
def test_a_limit_says_when_it_ends_by_the_clients_clock(server: Server, limit: str) -> None:
    shown = datetime(2030, 1, 1, tzinfo=UTC)
    server.plan(Plan(script={"ann": [limit]}, limit=90, clock=(time.time(), shown.timestamp(), 1)))
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("POST", "/net/ann/posts", '{"key": "k", "text": "t"}')
    answer = connection.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    connection.close()
    assert answer.status == 429
    until = reset_time(headers, now=shown)
    assert until
    assert 85 <= (until - shown).total_seconds() <= 120


def test_what_the_journal_says_is_public_after_a_restart(tmp_path: Path) -> None:
    with far_side(tmp_path) as first:
        _create(first, "kept", method="PUT")
    with far_side(tmp_path) as second:
        _create(second, "kept", method="PUT")
        assert second.accepted() == {("ann", "kept"): 1}
        assert second.count("repeated") == 1
        assert httpx.get(f"{second.url}/net/ann/posts/kept", trust_env=False, timeout=60).status_code == 200


def test_a_daemon_out_of_the_nursery_publishes_at_every_network_and_dies_when_it_is_killed(
    tmp_path: Path,
) -> None:
    home = make_lab_home(tmp_path)
    names = ("lab_asked", "lab_steps", "lab_named", "lab_blind", "webhook")
    with far_side(tmp_path / "far-side") as server, nursery(home.log, speed=10) as nest:
        for name in names:
            home.join(server, name, name)
        posts = [home.add("hello", name) for name in names]
        life = nest.start(*home.options, "run")
        home.wait_for(lambda: home.states() == {"processed": 5})
        os.kill(life.pid, signal.SIGKILL)
        assert life.wait() == -signal.SIGKILL
        assert server.accepted() == {(name, "hello"): 1 for name in names}
    assert {home.post(post).outcome for post in posts} == {Outcome.PUBLISHED}
