"""Duplicate firing: however many ask for it at once, each post is made once on each account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from lab.harness import LabHome, make_lab_home
from lab.server import Server, far_side
from support.children import end
from support.planting import plant_posts


#: They can be asked, and make one more post for each call: what is sent twice is there twice.
ACCOUNTS = [f"lab_asked-{number}" for number in range(50)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with far_side(tmp_path / "far-side") as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, server: Server) -> LabHome:
    home = make_lab_home(tmp_path, "[daemon]\nconcurrency = 50\n")
    for name in ACCOUNTS:
        home.join(server, "lab_asked", name)
    return home


def _plant(home: LabHome, count: int) -> list[str]:
    """Store posts for one account each, all due; return their ids."""
    with home.app() as app:
        due = app.ctx.now() - timedelta(minutes=1)
        wanted = [
            (f"post {number}", [ACCOUNTS[number % len(ACCOUNTS)]], due + timedelta(milliseconds=number))
            for number in range(count)
        ]
        plant_posts(app.ctx, wanted)
    return [post_id for (post_id,) in home.ask("SELECT id FROM post ORDER BY at")]


def test_two_daemons_and_eight_commands_at_once_make_ten_thousand_posts_once(
    home: LabHome, server: Server
) -> None:
    posts = _plant(home, 10_000)
    daemons = [home.start() for _ in range(2)]
    server.wait_for(lambda entries: len(entries) > 100)
    commands = [home.start(*home.program, *home.options, "publish", posts[-1]) for _ in range(8)]
    try:
        ends = {process.wait(60) for process in commands}
        home.wait_for(lambda: home.states() == {"processed": 10_000}, seconds=120)
        codes = sorted([process.poll() or 0 for process in daemons])
    finally:
        for process in (*daemons, *commands):
            end(process)
    assert codes == [0, 75], "one daemon works on the database, the other one leaves it alone"
    assert ends <= {0, 5}, f"a command comes in time, or is told that it is too late: {home.tail()}"
    assert set(server.accepted().values()) == {1}
    assert len(server.accepted()) == 10_000


def test_a_post_that_eight_commands_publish_at_once_goes_out_once(home: LabHome, server: Server) -> None:
    with home.daemon():
        for number in range(2):
            post = home.add(f"now {number}", ACCOUNTS[number], "in 1 h")
            commands = [home.start(*home.program, *home.options, "publish", post) for _ in range(8)]
            try:
                ends = Counter(process.wait(60) for process in commands)
            finally:
                for process in commands:
                    end(process)
            assert ends[0] >= 1, home.tail()
            assert set(ends) <= {0, 5}, home.tail()
            home.wait_for(lambda: set(home.states()) == {"processed"})
    assert server.accepted() == {(ACCOUNTS[number], f"now {number}"): 1 for number in range(2)}


def test_processes_that_claim_without_a_lock_never_claim_the_same(home: LabHome, tmp_path: Path) -> None:
    _plant(home, 2_000)
    files = [tmp_path / f"claimed-{number}" for number in range(3)]
    database = str(home.places.database)
    processes = [home.start("-m", "lab.racing", database, str(claimed)) for claimed in files]
    try:
        home.wait_for(lambda: all(claimed.exists() for claimed in files))
        (tmp_path / "go").touch()
        assert [process.wait(100) for process in processes] == [0, 0, 0], home.tail()
    finally:
        for process in processes:
            end(process)
    claims = [claimed.read_text().split() for claimed in files]
    assert sum(map(len, claims)) == len(set().union(*claims)) == 2_000
    assert len([each for each in claims if each]) > 1, "only one came to claim"
