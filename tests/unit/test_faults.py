"""What is told of deliveries whose ending a fault has lost."""

from __future__ import annotations

from postbell.errors import Damaged
from postbell.services.sending.faults import Faults
from postbell.services.telling.troubles import Troubles
from support.world import START, World, add_post, claim


def note(world: World, faults: Faults, error: Exception, count: int) -> list[str]:
    """Lose the endings of so many tries; return their posts, which are all told at once."""
    ids = [add_post(world.store, to=(f"a{number}",)).id for number in range(count)]
    for claimed in claim(world.store, START, limit=count):
        faults.note(claimed, error)
    return ids


def told(faults: Faults) -> str:
    (only,) = faults.troubles.untold()
    return only.message


def test_the_user_is_told_which_posts_may_be_public_and_what_looks_them_up(world: World) -> None:
    faults = Faults(troubles=Troubles(now=world.clock.now))
    (post_id,) = note(world, faults, KeyError("canary"), 1)
    assert told(faults) == (
        f"Postbell has lost how a try ended: post {post_id} to a0 may be public, and will stay under way "
        "until the daemon is started again, and looks (a fault in Postbell, KeyError)."
    )


def test_an_error_of_postbells_own_is_told_in_its_words(world: World) -> None:
    faults = Faults(troubles=Troubles(now=world.clock.now))
    note(world, faults, Damaged("The database is damaged."), 1)
    assert told(faults).endswith("and looks (The database is damaged).")


def test_of_many_three_are_named_and_the_others_counted(world: World) -> None:
    faults = Faults(troubles=Troubles(now=world.clock.now))
    note(world, faults, KeyError(), 5)
    assert told(faults).count("to a") == 3
    assert " and 2 more may be public" in told(faults)
