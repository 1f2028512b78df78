"""What the user hears of a database that has forgotten something, and what is held back because of it."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta

import pytest

from postbell.domain.caution import Cause, Caution
from postbell.domain.pause import Pause, PauseScope
from postbell.services.accounts.pausing import Scope, Target, resume
from postbell.services.sending import caution
from postbell.services.upkeep import doctor, health
from postbell.services.upkeep.check import Level
from postbell.store import mark, pauses
from postbell.store.engine import Store
from postbell.store.mark import Mark, MarkFile
from support.world import START, World, add_post, claim


HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVERYTHING = Pause(scope=PauseScope.EVERYTHING, since=START)


def started(world: World, *, changes: int = 500, edits: int = 0, at: datetime = START) -> None:
    """Begin to work on the database as a daemon does that finds this mark beside it."""
    with world.store.write() as tx:
        found = Mark(changes=changes, edits=edits, machine="", at=at)
        caution.take_stock(tx, world.ctx, found, "")


def paused(world: World) -> list[Pause]:
    with world.store.read() as tx:
        return pauses.list_pauses(tx, world.clock.now())


def told(world: World) -> Caution | None:
    with world.store.read() as tx:
        return health.caution_now(tx, world.clock.now(), world.ctx.can_ask)


def words(world: World) -> str:
    found = told(world)
    return " ".join(health.caution_told(found)) if found else ""


def test_what_only_the_daemon_wrote_is_no_cause_to_hold_anything_back(world: World) -> None:
    started(world)
    found = told(world)
    assert found is not None
    assert (paused(world), found.lost, found.holds) == ([], 0, False)
    assert "commands" not in words(world)


def test_where_the_database_has_forgotten_commands_everything_is_paused_until_the_user_resumes(
    world: World,
) -> None:
    started(world, edits=7)
    world.clock.advance(30 * DAY)
    assert paused(world) == [EVERYTHING]
    found = told(world)
    assert found is not None
    assert (found.cause, found.lost, found.holds) == (Cause.WENT_BACK, 7, True)
    assert "Commands that changed something, and are lost: 7." in words(world)
    assert "Nothing is sent, because you may have cancelled it, until `postbell resume --all`." in words(
        world
    )
    resume(world.ctx, [Target(scope=Scope.EVERYTHING)])
    assert (paused(world), told(world)) == ([], None)


def test_a_pause_of_the_user_that_ends_by_itself_does_not_end_that(world: World) -> None:
    with world.store.write() as tx:
        ends = Pause(scope=PauseScope.EVERYTHING, since=START - HOUR, until=START + HOUR)
        pauses.pause(tx, ends)
    started(world, edits=7)
    assert paused(world) == [EVERYTHING]


def test_an_absence_does_not_hide_that_the_database_went_back(world: World) -> None:
    started(world, edits=7)
    world.clock.advance(3 * HOUR)
    with world.store.read() as tx:
        known = mark.read_mark(tx)
    started(world, changes=known.changes, edits=known.edits)
    found = told(world)
    assert found is not None
    assert (found.cause, found.lost, found.since) == (Cause.WENT_BACK, 7, START)


def test_what_is_lost_is_added_up_as_long_as_nobody_has_had_a_look(world: World) -> None:
    started(world, edits=7)
    world.clock.advance(HOUR)
    started(world, changes=5000, edits=7)
    found = told(world)
    assert found is not None
    assert (found.lost, found.holds, found.since) == (7, True, START + HOUR)


def test_it_says_since_when_something_may_be_missing(world: World) -> None:
    started(world)
    assert "Posts, changes and cancellations may be missing" in words(world), "nobody knows since when"
    add_post(world.store)
    claim(world.store)
    world.clock.advance(HOUR)
    add_post(world.store, made_at=world.clock.now())  # which says nothing of when the database went back
    started(world, changes=5000)
    since = "Posts, changes and cancellations made after 2026-11-23 08:00:00Z may be missing"
    assert since in words(world)
    assert "compare with `postbell list`" in words(world)


def test_of_a_restored_backup_it_says_since_the_backup(world: World) -> None:
    with world.store.write() as tx:
        caution.begin_after_restore(tx, None, "", START)
    assert "Posts, changes and cancellations made since the backup may be missing" in words(world)


@pytest.mark.parametrize("cause", [Cause.WENT_BACK, Cause.MARK_LOST])
def test_status_and_doctor_notice_it_before_any_daemon_does(world: World, cause: Cause) -> None:
    places = world.app.places
    assert health.status(world.ctx, places).foreseen is None, "no daemon has worked on it yet"
    with closing(Store(places.database)) as store, store.write() as tx:
        mark.set_mark(tx, Mark(changes=4, machine=""))
    if cause is Cause.WENT_BACK:
        MarkFile(places.mark).make(Mark(changes=5, machine=""), START)
    seen = health.status(world.ctx, places)
    checks = [each for each in doctor.doctor(places, now=START) if each.name == "caution"]
    assert seen.foreseen is cause
    assert any(cause.sentence in trouble for trouble in seen.troubles)
    assert [(each.level, cause.sentence in each.message) for each in checks] == [(Level.WARN, True)]
