"""Power loss: at whatever moment, what was acknowledged is there, and what had left is known."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lab.faults import Plan
from lab.harness import LabHome, make_lab_home
from lab.journal import Entry, Journal
from lab.nursery import Nursery, nursery
from lab.power import Cut, Disk, Event, build_shim, published_keys, read_events, watched
from lab.server import far_side
from support.children import end


NETWORKS = ("lab_asked", "lab_steps", "lab_named", "webhook", "lab_blind")
#: Where a second call makes a second post.
DOUBLING = ("lab_asked", "lab_steps", "lab_blind")
POSTS = 30
#: Of a hundred calls to publish.
MIX = {"accept+close": 8.0, "accept+half": 4.0, "close": 4.0, "503": 4.0}
CONFIG = 'timezone = "UTC"\n[daemon]\nconcurrency = 4\n[retry]\nfirst_wait_seconds = 1\n'


@pytest.fixture(scope="module")
def nest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    folder = tmp_path_factory.mktemp("nursery")
    shim = build_shim(folder)
    with nursery(folder / "log", speed=20, preload=[shim]) as made:
        yield made


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a daemon did from its start to its end, and what is known of it."""

    home: LabHome
    #: The data folder before the start.
    first: Path
    events: list[Event]
    #: What the far side had.
    entries: list[Entry]
    port: int
    #: By key: the network of each delivery.
    networks: dict[str, str]

    def disk(self, seed: int = 1) -> Disk:
        """Return the disk that it worked on, as it was at the beginning."""
        data_dir = self.home.places.data_dir
        return Disk(data_dir=data_dir, first=self.first, events=self.events, rng=random.Random(seed))

    def sent(self, cut: Cut) -> Counter[str]:
        """Count the calls to publish of each delivery that had begun to leave."""
        return Counter(published_keys(cut.before, set(self.networks)))

    def public(self, cut: Cut) -> list[Entry]:
        """Return what the far side may have made public by then."""
        sent, asked, public = self.sent(cut), Counter[str](), []
        for entry in self.entries:
            asked[entry.key] += entry.what == "asked"
            if entry.what == "accepted" and asked[entry.key] <= sent[entry.key]:
                public.append(entry)
        return public


def _run(folder: Path, nest: Nursery, *words: str, posts: int = POSTS) -> Run:
    """Let a daemon publish, while a command adds one more post, and end it."""
    home = make_lab_home(folder, CONFIG)
    first, notes = folder / "first", folder / "notes"
    with far_side(folder / "far-side", Plan(mix=MIX)) as server:
        for network in NETWORKS:
            home.join(server, network, f"{network}-1")
            home.join(server, network, f"{network}-2")
        for number in range(posts):
            home.add(f"post {number}", ",".join(f"{network}-{number % 2 + 1}" for network in NETWORKS))
        shutil.copytree(home.places.data_dir, first)
        env = watched(home.places.data_dir, notes)
        home.env = {**env, "LD_PRELOAD": str(nest.preload[0])}
        add = ("-q", *home.options, "add", "one more", "--to", "lab_asked-1", "--at", "now")
        adding = home.start(*home.program, *add)
        life = nest.start(*words, *home.options, "run", env=env)
        try:
            assert adding.wait(60) == 0, home.tail()
            _wait_for_the_end(home)
        finally:
            end(adding)
            life.signal(signal.SIGTERM)
            life.wait()
        networks = dict(
            home.ask("SELECT d.key, a.network FROM delivery d JOIN account a ON a.id = account_id")
        )
        return Run(
            home=home,
            first=first,
            events=read_events(notes),
            entries=server.entries(),
            port=server.port,
            networks=networks,
        )


def _wait_for_the_end(home: LabHome) -> None:
    """Wait until nothing is left to be done but what only a human can know."""
    unsettled = """
    SELECT d.id FROM delivery d JOIN account a ON a.id = d.account_id
    WHERE d.state IN ('scheduled', 'processing') OR d.state = 'unsure' AND a.network != 'lab_blind'
    """
    home.wait_for(lambda: not home.ask(unsettled), seconds=90)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, nest: Nursery) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("run")
    yield _run(folder, nest)
    shutil.rmtree(folder)  # a copy of the log for each of its syncs


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is found in the database after a power cut."""

    #: What SQLite says of its soundness.
    faults: list[tuple[object, ...]]
    #: The posts that are not drafts, and those that a command had called saved.
    posts: set[str]
    said: set[str]
    #: How many calls to publish had begun to leave, and the deliveries of which the database knows fewer.
    sent: int
    unwritten: set[str]
    #: The deliveries that wait to be sent although they may be public, and a repeat would be another post.
    harmful: set[str]


def _look(run: Run, cut: Cut) -> Found:
    said = b"".join(event.data for event in cut.before if event.what == "said")
    sent = run.sent(cut)
    public = {entry.key for entry in run.public(cut)}
    counted = "SELECT d.key, count(*) FROM delivery d JOIN attempt t ON t.delivery_id = d.id"
    with closing(sqlite3.connect(cut.folder / "postbell.db")) as database:
        known = dict(database.execute(f"{counted} WHERE t.kind = 'publish' GROUP BY d.id"))
        waiting = {key for (key,) in database.execute("SELECT key FROM delivery WHERE state = 'scheduled'")}
        return Found(
            faults=[
                *database.execute("PRAGMA integrity_check").fetchall(),
                *database.execute("PRAGMA foreign_key_check").fetchall(),
            ],
            posts={post for (post,) in database.execute("SELECT id FROM post WHERE state != 'draft'")},
            said=set(said.decode().split()),
            sent=sent.total(),
            unwritten={key for key, count in sent.items() if known.get(key, 0) < count},
            harmful={key for key in waiting & public if run.networks[key] in DOUBLING},
        )


@pytest.fixture(scope="module")
def found(run: Run, tmp_path_factory: pytest.TempPathFactory) -> list[Found]:
    return [_look(run, cut) for cut in run.disk().cuts(tmp_path_factory.mktemp("cuts"))]


def test_the_files_are_sound_at_every_moment(found: list[Found]) -> None:
    assert len(found) > 100, "hardly anything was synced"
    assert [each.faults for each in found if each.faults != [("ok",)]] == []


def test_what_was_acknowledged_is_there_at_every_moment(found: list[Found]) -> None:
    assert [each.said - each.posts for each in found if each.said - each.posts] == []
    assert min(len(each.posts) for each in found) >= POSTS
    assert found[-1].said, "the command said nothing that was written down"


def test_no_byte_leaves_before_its_claim_is_on_the_disk(found: list[Found]) -> None:
    assert [each.unwritten for each in found if each.unwritten] == []
    assert found[-1].sent >= POSTS * len(NETWORKS), "not every call was seen"


def test_nothing_that_may_be_public_waits_to_be_sent_again(found: list[Found]) -> None:
    assert [each.harmful for each in found if each.harmful] == []


def test_a_daemon_that_goes_on_after_a_power_cut_sends_nothing_twice(
    run: Run, nest: Nursery, tmp_path: Path
) -> None:
    for number, cut in enumerate(run.disk(seed=2).cuts(tmp_path)):
        if number % 80 != 7:  # each goes on for seconds
            continue
        home = LabHome(places=replace(run.home.places, data_dir=cut.folder), log=tmp_path / "log")
        far = tmp_path / f"far-side-{number}"
        far.mkdir()
        journal = Journal(far / "journal")
        for entry in run.public(cut):
            journal.add("accepted", account=entry.account, key=entry.key, text=entry.text)
        journal.close()
        with far_side(far, port=run.port) as server, nest.daemon(home):
            _wait_for_the_end(home)
            counts = server.accepted()
        assert set(counts.values()) == {1}
        unsure = home.states().get("unsure", 0)
        assert len(counts) + unsure >= POSTS * len(NETWORKS), "something was lost"


def test_the_lab_sees_commits_that_are_not_waited_for(tmp_path: Path, nest: Nursery) -> None:
    relaxed = _run(tmp_path, nest, "--relaxed", posts=5)
    assert any(_look(relaxed, cut).unwritten for cut in relaxed.disk().cuts(tmp_path / "cuts"))
