"""Lost on crash: whatever moment the process dies at, each post ends once at each of its networks."""

from __future__ import annotations

import itertools
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lab.faults import Plan
from lab.harness import LabHome, make_lab_home
from lab.killing import kill_loop
from lab.nursery import Nursery, nursery
from lab.power import build_shim
from lab.server import Server, far_side
from postbell.domain.states import Outcome
from postbell.services.posts.compose import add_post
from postbell.services.posts.wanted import Wanted
from support import pictures
from support.home import make_home
from support.pictures import written


NETWORKS = ("lab_asked", "lab_steps", "lab_named", "webhook", "lab_blind")


@pytest.fixture(scope="module")
def nest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    # What is found absent right after a doubt is looked up again a minute later.
    folder = tmp_path_factory.mktemp("nursery")
    with nursery(folder / "log", speed=40, preload=[build_shim(folder)]) as made:
        yield made


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with far_side(tmp_path / "far-side") as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, server: Server) -> LabHome:
    # A network that loses many answers would soon be asked every 15 minutes only.
    home = make_lab_home(tmp_path, "[retry]\nfirst_wait_seconds = 1\nlongest_wait_seconds = 10\n")
    for network in NETWORKS:
        home.join(server, network, network)
    return home


def _states(home: LabHome) -> dict[str, str]:
    """Return what became of the last post, by network."""
    joined = "delivery d JOIN account a ON a.id = d.account_id"
    return dict(home.ask(f"SELECT a.network, coalesce(d.result, d.state) FROM {joined} ORDER BY d.id"))


def _is_done(home: LabHome) -> bool:
    """Whether all was done that needs no human."""
    states = _states(home)
    asked = {states[network] for network in NETWORKS if network != "lab_blind"}
    return asked == {"published"} and states["lab_blind"] in ("published", "unsure")


def _finish(home: LabHome, nest: Nursery) -> None:
    with nest.daemon(home):
        home.wait_for(lambda: _is_done(home))


def _settle_blind(home: LabHome, server: Server, post_id: str) -> None:
    """Look at the network that nobody can ask, as a person does, and say what is there."""
    home.settle(post_id, "lab_blind", public=server.accepted()["lab_blind", "hello"] > 0)


def test_a_hundred_kills_at_random_moments_lose_nothing_and_send_nothing_twice(tmp_path: Path) -> None:
    figures = kill_loop(tmp_path, kills=100, deliveries=2000, seed=7)
    assert figures.broken() == [], str(figures)
    assert figures.failed == 0, str(figures)
    assert figures.under_way > 100, f"hardly anything was under way at the kills:\n{figures}"


@pytest.mark.parametrize("point", ["before_claim", "claimed", "answered", "recorded"])
def test_a_kill_at_a_named_point_leads_to_one_post_at_every_kind_of_network(
    point: str, home: LabHome, server: Server, nest: Nursery
) -> None:
    post = home.add("hello", ",".join(NETWORKS))
    life = nest.start("--die-at", point, str(home.places.data_dir), str(home.places.config))
    assert life.wait() == -signal.SIGKILL
    _finish(home, nest)
    if _states(home)["lab_blind"] == "unsure":
        _settle_blind(home, server, post)
        _finish(home, nest)
    assert server.accepted() == {(network, "hello"): 1 for network in NETWORKS}
    assert home.post(post).outcome is Outcome.PUBLISHED
    assert home.sound()


def test_a_kill_while_the_network_works_on_it_leads_to_one_post(
    home: LabHome, server: Server, nest: Nursery
) -> None:
    post = home.add("hello", ",".join(NETWORKS))
    server.plan(Plan(hold=True))
    life = nest.start(*home.options, "run")
    server.wait_for(lambda entries: len([each for each in entries if each.what == "accepted"]) == 5)
    life.signal(signal.SIGKILL)
    life.wait()
    assert home.states() == {"processing": 5}
    server.plan(Plan())
    _finish(home, nest)
    assert _states(home)["lab_blind"] == "unsure"
    _settle_blind(home, server, post)
    assert server.accepted() == {(network, "hello"): 1 for network in NETWORKS}
    assert home.post(post).outcome is Outcome.PUBLISHED


def _die(home: LabHome, nest: Nursery, at: str) -> bool:
    """Let a daemon die at a write, and tell whether it did before it was done."""
    env = {"LAB_WATCH": str(home.places.data_dir), "LAB_DIE": at}
    life = nest.start(*home.options, "run", env=env)
    home.wait_for(lambda: not life.alive or _is_done(home))
    died = not life.alive
    if not died:
        life.signal(signal.SIGKILL)
    life.wait()
    return died


#: One answer is lost, one request, and one network says that something went wrong after all was well.
TROUBLE = {"lab_asked": ["accept+close"], "lab_named": ["close"], "webhook": ["accept+500"]}


@pytest.mark.parametrize(
    ("event", "script"), [("sync", {}), ("send", {}), ("sent", {}), ("sync", TROUBLE), ("sent", TROUBLE)]
)
def test_a_kill_at_any_write_to_the_disk_or_the_network_leads_to_one_post(
    event: str, script: dict[str, list[str]], home: LabHome, server: Server, nest: Nursery
) -> None:
    for number in itertools.count(1):
        server.plan(Plan(script=script))
        home.add(text := f"killed at {event} {number}", ",".join(NETWORKS))
        died = _die(home, nest, f"{event}:{number}")
        _finish(home, nest)
        accepted = {network: server.accepted()[network, text] for network in NETWORKS}
        blind = accepted.pop("lab_blind")
        assert accepted == dict.fromkeys(accepted, 1)
        assert blind == 1 or (blind == 0 and _states(home)["lab_blind"] == "unsure")
        assert home.sound()
        if not died:
            break
    assert number > 4, f"it was killed {number - 1} times"


def test_the_lab_sees_a_daemon_that_begins_anew_what_was_under_way(
    home: LabHome, server: Server, nest: Nursery
) -> None:
    home.add("hello", ",".join(NETWORKS))
    life = nest.start("--die-at", "answered", str(home.places.data_dir), str(home.places.config))
    life.wait()
    with closing(sqlite3.connect(home.places.database)) as database, database:
        database.execute("UPDATE delivery SET state = 'scheduled' WHERE state = 'processing'")
    with nest.daemon(home):
        home.wait_for(lambda: home.states() == {"processed": 5})
    doubled = {account for (account, _), count in server.accepted().items() if count > 1}
    assert doubled
    assert doubled <= {"lab_asked", "lab_steps", "lab_blind"}, (
        "a receiver that keeps its side was given another key"
    )


def test_a_folder_gets_one_file_across_a_kill_after_the_writing(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    (tmp_path / "site").mkdir()
    home.connect("folder", "site", {"path": str(tmp_path / "site")})
    post = home.add("Hello", "site")
    home.crash_at("answered")
    assert home.states() == {"processing": 1}
    with home.daemon():
        home.wait_for(lambda: home.states() == {"processed": 1})
    assert home.post(post).outcome is Outcome.PUBLISHED
    assert len(list((tmp_path / "site").glob("*.md"))) == 1


def test_a_kill_while_files_are_made_to_fit_leaves_nothing_in_doubt(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    (tmp_path / "site").mkdir()
    home.connect("folder", "site", {"path": str(tmp_path / "site")})
    picture = written(tmp_path, "bell.png", pictures.png(40, 30))
    with home.app() as app:
        wanted = Wanted(text="Hello", to=("site",), when=home.when(app, "now"), media=((picture, "A bell"),))
        post = add_post(app.ctx, wanted).post.id
    for made in home.places.media.rglob("*.same"):  # so that there is something to be done
        made.unlink()
    home.crash_at("preparing")
    assert home.states() == {"processing": 1}
    assert not list((tmp_path / "site").iterdir())
    with home.daemon():
        home.wait_for(lambda: home.states() == {"processed": 1})
    assert home.post(post).outcome is Outcome.PUBLISHED
    with closing(sqlite3.connect(home.places.database)) as database:
        tries = [result for (result,) in database.execute("SELECT result FROM attempt ORDER BY id")]
    assert tries == ["interrupted", "published"], "the network was asked nothing"
    assert len(list((tmp_path / "site").glob("*/index.md"))) == 1
