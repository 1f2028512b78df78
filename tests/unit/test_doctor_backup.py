"""What `doctor` says of the backups."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from postbell.services.upkeep import upkeep
from postbell.services.upkeep.check import Check, Level
from postbell.services.upkeep.doctor import doctor
from support.world import World, add_account


def about_backups(world: World) -> Check:
    (check,) = [each for each in doctor(world.app.places, now=world.clock.now()) if each.name == "backup"]
    return check


def back_up(world: World, *, ahead: timedelta = timedelta(0)) -> Path:
    return upkeep.back_up(world.app.places, None, keep=3, now=world.clock.now() + ahead)[0]


def test_the_doctor_asks_for_a_backup_and_is_content_with_a_fresh_one(world: World) -> None:
    add_account(world.store)
    assert about_backups(world).level is Level.WARN
    back_up(world)
    assert about_backups(world).level is Level.OK
    world.clock.advance(timedelta(days=30))
    assert about_backups(world).level is Level.WARN
    assert "is 30 days old" in about_backups(world).message


def test_a_backup_of_a_time_still_to_come_does_not_content_the_doctor(world: World) -> None:
    back_up(world, ahead=timedelta(days=4000))
    assert about_backups(world).level is Level.WARN
    assert "is of a time that is still to come" in about_backups(world).message
    made = back_up(world)
    assert about_backups(world).level is Level.OK
    assert str(made) in about_backups(world).message
