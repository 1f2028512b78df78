"""The daemon and the mark beside its database: what cannot be kept is told, and is no alarm later."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import timedelta

from postbell.domain.caution import Caution
from postbell.services.telling.troubles import Troubles
from postbell.services.upkeep import health
from postbell.services.upkeep.marking import Marking
from postbell.store import mark
from postbell.store.engine import Store
from postbell.store.mark import Mark, MarkFile, read_file
from postbell.store.thread import StoreThread
from support.world import World


class Life:
    """What a daemon does with the mark in one life."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.path = world.app.places.mark
        self.troubles = Troubles(world.ctx.now)
        self.marking = Marking(self.path, self.troubles)

    def start(self) -> Caution | None:
        """Compare both, as a daemon that starts; return what there is to be cautious of."""

        async def compare() -> None:
            thread = StoreThread(self.world.store)
            try:
                await self.marking.take_stock(self.world.ctx, thread)
            finally:
                thread.close()

        asyncio.run(compare())
        with self.world.store.read() as tx:
            return health.caution_now(tx, self.world.clock.now(), self.world.ctx.can_ask)

    def told(self) -> str:
        return "\n".join(f"{found.message} {found.mend}" for found in self.troubles._open.values())


def test_the_first_start_makes_it(world: World) -> None:
    life = Life(world)
    assert life.start() is None
    assert (read_file(life.path) is not None, life.told()) == (True, "")


def test_one_that_could_not_be_made_is_told_and_not_missed_at_the_next_start(world: World) -> None:
    life = Life(world)
    life.path.mkdir()
    assert life.start() is None
    assert f"{life.path} cannot be written" in life.told()
    life.path.rmdir()
    assert Life(world).start() is None
    assert read_file(life.path) is not None


def test_one_of_which_only_the_name_was_made_is_told_for_as_long_as_that_is_so(world: World) -> None:
    """A full disk leaves a file without a byte in it."""
    life = Life(world)
    life.path.touch()
    life.marking.attend(world.clock.now())
    life.marking.attend(world.clock.now())
    assert f"{life.path} cannot be written (it does not say what it should)" in life.told()
    again = Life(world)
    assert (again.start(), again.told()) == (None, "")
    assert read_file(life.path) is not None


def test_one_that_is_deleted_meanwhile_is_told_until_it_is_back(world: World) -> None:
    life = Life(world)
    life.start()
    kept = life.path.read_bytes()
    life.path.unlink()
    life.marking.attend(world.clock.now())
    assert f"{life.path} is gone. If the database went back in time, nobody would notice. Put it back" in (
        life.told()
    )
    life.path.write_bytes(kept)
    life.marking.attend(world.clock.now())
    assert life.told() == ""


def test_the_last_word_is_said_where_that_is_possible(world: World) -> None:
    life, later = Life(world), world.clock.now() + timedelta(minutes=1)
    life.marking.leave(later)
    assert not life.path.exists()
    life.start()
    life.marking.leave(later)
    found = read_file(life.path)
    assert found is not None
    assert found.at == later


def test_a_daemon_that_runs_knows_where_its_folder_comes_from(world: World) -> None:
    """In a container it has another name for the machine than a command beside it."""
    elsewhere = Mark(changes=9, machine="container")
    with closing(Store(world.app.places.database)) as store, store.write() as tx:
        mark.set_mark(tx, elsewhere)
    MarkFile(world.app.places.mark).make(elsewhere, world.clock.now())
    beside = read_file(world.app.places.mark)
    with world.store.read() as tx:
        assert health.foresee(tx, beside, runs=True) is None
        assert health.foresee(tx, None, runs=True) is not None, "a mark that was deleted meanwhile"
