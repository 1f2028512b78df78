"""A damaged database: nothing is sent a second time, nothing begins empty, and a restore brings it back.

Every round damages a copy of the same database and lets a daemon live on it: in this process for the many, as
a real process for one of each kind. POSTBELL_DAMAGES sets how many the many are.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.errors import Damaged, NotFound
from postbell.services.telling.troubles import Troubles
from postbell.services.upkeep import upkeep
from postbell.services.upkeep.housekeeping import Housekeeping
from postbell.settings import Settings
from postbell.store.thread import StoreThread
from postbell.store.wal import log_of
from support.command import Command
from support.disk import flip
from support.home import Home, make_home
from support.sink import Sink, sink
from support.stage import Stage, live
from support.world import START, add_post, build_world


#: How many damages of the many are tried.
ROUNDS = int(os.environ.get("POSTBELL_DAMAGES", "200"))

PAGE = 4096


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with 20 deliveries that were published, 20 that are due and 20 that are to come."""
    folder = tmp_path_factory.mktemp("template")
    with build_world(folder) as world:
        accounts = [f"a{number:02}" for number in range(20)]
        add_post(world.store, to=accounts, at=START - timedelta(hours=1), text="published")

        async def publish(stage: Stage) -> None:
            await stage.ring()
            await stage.ring()

        live(world, publish)
        assert len(world.fake.posts) == 20
        add_post(world.store, to=accounts, at=START, text="due")
        add_post(world.store, to=accounts, at=START + timedelta(days=1), text="to come")
    return folder / "data"


def _live(folder: Path) -> Counter[str] | str:
    """Let a daemon begin and ring; return what it sent by text, or how it refused."""
    sent: Counter[str] = Counter()
    try:
        with build_world(folder) as world:
            places = world.app.places
            upkeep.require_plausible(places, START)
            upkeep.upgrade_locked(places, keep=1, now=START)
            now = world.clock.now
            asyncio.run(
                Housekeeping(
                    places, Settings(), now, thread=StoreThread(world.store), troubles=Troubles(now)
                ).prove()
            )

            async def work(stage: Stage) -> None:
                async with asyncio.timeout(10):
                    await stage.recovery.begin()
                    await stage.recovery.settle()
                    await stage.ring()
                    await stage.ring()

            try:
                live(world, work)
            finally:
                sent.update(f"{out.content.text} {out.target.name}" for out in world.fake.posts)
    except (Damaged, NotFound) as error:
        return f"{sent or ''}{error}"
    return sent


def _damage(dice: random.Random, file: bytearray) -> str:
    """Damage the content of a file in one of five ways; return which."""
    at, length = dice.randrange(len(file)), dice.choice((1, 2, 8, 64, 512))
    page, other = at // PAGE * PAGE, dice.randrange(len(file)) // PAGE * PAGE
    match dice.randrange(5):
        case 0:
            _put(file, at, dice.randbytes(length))
            return f"noise in {length} bytes at {at}"
        case 1:
            file[at] ^= 1 << dice.randrange(8)
            return f"another bit at {at}"
        case 2:
            _put(file, page, bytes(PAGE))
            return f"zeros in the page at {page}"
        case 3:
            _put(file, other, bytes(file[page : page + PAGE]))
            return f"the page at {page} in the place of that at {other}"
        case _:
            del file[at:]
            return f"cut at {at}"


def _put(file: bytearray, at: int, data: bytes) -> None:
    file[at : at + len(data)] = data[: len(file) - at]


def test_no_damage_of_the_file_sends_anything_again_or_begins_empty(template: Path, tmp_path: Path) -> None:
    pristine = (template / "postbell.db").read_bytes()
    dice, ways = random.Random(77), Counter[str]()
    for _round in range(ROUNDS):
        folder = tmp_path / "round"
        folder.mkdir()
        (folder / "data").mkdir(mode=0o700)
        damaged = bytearray(pristine)
        what = _damage(dice, damaged)
        path = folder / "data/postbell.db"
        path.write_bytes(damaged)
        found = _live(folder)
        if isinstance(found, str):
            ways["refused"] += 1
            assert "published" not in found, (what, found)
            assert path.read_bytes() == damaged, what
        else:
            ways["worked"] += 1
            assert [text for text in found if text.startswith("published")] == [], what
            assert max(found.values(), default=0) <= 1, (what, found)
            with closing(sqlite3.connect(path)) as database:
                assert database.execute("SELECT count(*) FROM delivery").fetchone() == (60,), what
        shutil.rmtree(folder)
    assert min(ways["refused"], ways["worked"]) > ROUNDS / 20, ways


# As a process, with a restore after each kind.


@pytest.fixture
def far_side() -> Iterator[Sink]:
    with sink() as made:
        yield made


@pytest.fixture
def home(tmp_path: Path, far_side: Sink) -> Home:
    """A Postbell that has published five posts, with a backup made before."""
    home = make_home(tmp_path, "[backup]\nevery_hours = 0\n")
    home.connect("webhook", "hook", {"url": far_side.url})
    for number in range(5):
        home.add(f"published {number}", "hook")
    Command(tmp_path).done("db", "backup")
    _let_publish(home, 5)
    return home


def _let_publish(home: Home, count: int, *, then: signal.Signals = signal.SIGTERM) -> None:
    with home.daemon() as process:
        home.wait_for(lambda: home.states().get("processed") == count)
        process.send_signal(then)
        process.wait(20)


def _keys(far_side: Sink) -> dict[str, int]:
    """Count the posts that a receiver which keeps its side has, by their texts."""
    keys = {(received.body["data"]["text"], received.key) for received in far_side.received}
    return dict(Counter(text for text, _key in keys))


FIVE = {f"published {number}": 1 for number in range(5)}


def _hollow(path: Path) -> None:
    """Leave what SQLite makes of an empty file when it is to have a write-ahead log."""
    os.truncate(path, 0)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")


KINDS: dict[str, Callable[[Path], None]] = {
    "noise in the header": lambda path: flip(path, range(100)),
    "noise in every page": lambda path: flip(path, range(50, path.stat().st_size, 997)),
    "a page of zeros": lambda path: _overwrite(path, PAGE * 4, bytes(PAGE)),
    "cut in half": lambda path: os.truncate(path, path.stat().st_size // 2),
    "cut by a page": lambda path: os.truncate(path, path.stat().st_size - PAGE),
    "emptied": lambda path: os.truncate(path, 0),
    "without tables": _hollow,
    "another file in its place": lambda path: _replace(path, b"Dear reader, " * 5000),
}


def _overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def _replace(path: Path, data: bytes) -> None:
    path.write_bytes(data)


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_refused_kept_and_replaced_by_a_restore_alone(
    home: Home, far_side: Sink, kind: str
) -> None:
    path, cli = home.places.database, Command(home.places.data_dir.parent)
    (saved,) = home.places.backups.iterdir()
    KINDS[kind](path)
    damaged = path.read_bytes()

    assert home.start().wait(30) == 1
    assert f"postbell db restore {saved}" in home.tail()
    cli("init")  # makes what is missing, and nothing is
    assert path.read_bytes() == damaged

    done = cli.done("db", "restore", "latest", "--yes", "--json").json
    assert Path(done["replaced"]).read_bytes() == damaged
    assert len(cli.done("list", "--json").lines) == 5
    with home.daemon():
        home.add("afterwards", "hook")
        home.wait_for(lambda: "afterwards" in far_side.posts())
    assert _keys(far_side) == FIVE | {"afterwards": 1}
    assert home.sound()


EVERYDAY = (
    *(["status"], ["list"], ["doctor"], ["add", "one more", "--to", "hook", "--now"], ["rehearse"]),
    *(["db", "check"], ["db", "backup"], ["db", "upgrade"], ["init"]),
)


@pytest.mark.parametrize("kind", ["emptied", "without tables"])
def test_an_emptied_file_is_left_so_by_every_command_and_none_makes_an_empty_backup(
    home: Home, kind: str
) -> None:
    path, cli = home.places.database, Command(home.places.data_dir.parent)
    saved = list(home.places.backups.iterdir())
    KINDS[kind](path)
    emptied = path.read_bytes()
    for command in EVERYDAY:
        ran = cli(*command)
        assert (ran.code == 0, "postbell db restore" in ran.out + ran.err) == (False, True), command
        assert "sound" not in ran.out, command
        assert (path.read_bytes(), list(home.places.backups.iterdir())) == (emptied, saved), command
    cli.done("db", "restore", "latest", "--yes")
    assert len(cli.done("list", "--json").lines) == 5


def test_an_emptied_file_is_told_from_one_that_was_never_filled(home: Home) -> None:
    path, cli = home.places.database, Command(home.places.data_dir.parent)
    os.truncate(path, 0)
    assert f"The database {path} is empty, but once it was not" in cli("status").err
    for trace in (*home.places.backups.iterdir(), home.places.mark):
        trace.unlink()
    assert f"There is no database at {path}. Make one with `postbell init`." in cli("status").err
    cli.done("init")
    assert cli.done("list", "--json").lines == []


def test_a_file_that_is_gone_is_not_made_anew(home: Home, far_side: Sink) -> None:
    path, cli = home.places.database, Command(home.places.data_dir.parent)
    path.unlink()
    for command in (["init"], ["db", "upgrade"], ["add", "one more", "--to", "hook", "--now"], ["status"]):
        ran = cli(*command)
        assert (ran.code, "postbell db restore latest" in ran.err) == (3, True), command
    assert home.start().wait(30) == 3
    assert not path.exists()
    cli.done("db", "restore", "latest", "--yes")
    assert len(cli.done("list", "--json").lines) == 5


LOGS: dict[str, Callable[[Path], None]] = {
    "noise in its middle": lambda log: flip(
        log, range(log.stat().st_size // 2, log.stat().st_size // 2 + 64)
    ),
    "cut in half": lambda log: os.truncate(log, log.stat().st_size // 2),
    "noise in its header": lambda log: flip(log, range(24)),
    "gone": Path.unlink,
}


@pytest.mark.parametrize("kind", LOGS)
def test_a_damaged_log_makes_the_database_forget_and_nothing_be_sent_again(
    home: Home, far_side: Sink, kind: str
) -> None:
    """SQLite passes over what it cannot read of a log: the claims in it are forgotten, and nobody says so."""
    for number in range(5):
        home.add(f"lately {number}", "hook")
    _let_publish(home, 10, then=signal.SIGKILL)
    log = log_of(home.places.database)
    assert log.stat().st_size > 0
    LOGS[kind](log)
    with home.daemon():
        home.add("afterwards", "hook")
        home.wait_for(lambda: "afterwards" in far_side.posts())
    assert _keys(far_side) == FIVE | {f"lately {number}": 1 for number in range(5)} | {"afterwards": 1}
    assert home.sound()
