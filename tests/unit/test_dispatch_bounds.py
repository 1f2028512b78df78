"""The least gap between two posts of an account, last moments, and the newest of a series."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from postbell.domain.post import Post
from postbell.domain.states import DeliveryState, Outcome
from postbell.publishing.protocol import Absent, Unknown
from postbell.services.accounts import accounts as account_service
from postbell.services.posts import actions
from postbell.store import accounts, queue
from postbell.store.tables.core import delivery, post
from postbell.testing import Mode
from support.stage import Answers, Crash, Stage, fate, live, ring, settle
from support.world import (
    World,
    account_of,
    add_account,
    add_post,
    after,
    build_world,
    only,
    post_of,
)


ENDED, MISSED = DeliveryState.PROCESSED, DeliveryState.MISSED
HOUR = 3600.0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as made:
        add_account(made.store)
        yield made


def of_series(world: World, *seconds: float, stream: str = "s1", **values: Any) -> list[Post]:
    """Store posts of one series that are due so many seconds after START."""
    made = [add_post(world.store, at=after(each)) for each in seconds]
    with world.store.write() as tx:
        ids = [each.id for each in made]
        tx.execute(update(delivery).where(delivery.c.post_id.in_(ids)).values({"stream": stream, **values}))
    return made


def outcomes(world: World, made: list[Post]) -> list[Outcome | None]:
    return [only(world, each).outcome for each in made]


# The least gap.


def test_an_account_keeps_its_least_gap_from_the_end_of_the_last_publication(world: World) -> None:
    account_service.set_limits(world.ctx, "ann", {"min_gap": "30 min"})
    first, second = add_post(world.store), add_post(world.store, at=after(60))
    ring(world)
    with world.store.read() as tx:
        assert [each.ready_at for each in queue.next_due(tx)] == [after(1800)]
    world.clock.advance(1799)
    ring(world)
    assert outcomes(world, [first, second]) == [Outcome.PUBLISHED, None]
    world.clock.advance(1)
    ring(world)
    assert only(world, second).outcome is Outcome.PUBLISHED
    assert only(world, second).late_reason == "the account keeps 30 min between two posts"


@pytest.mark.parametrize(
    ("mode", "gap"), [(Mode.LOSE_ANSWER, True), (Mode.REJECT, False), (Mode.FAIL, False)]
)
def test_the_gap_is_kept_after_what_may_be_public_and_not_after_what_is_not(
    world: World, mode: Mode, *, gap: bool
) -> None:
    account_service.set_limits(world.ctx, "ann", {"min_gap": "1 h"})
    add_post(world.store)
    world.fake.modes = [mode]
    ring(world)
    assert account_of(world.store, "ann").next_post_at == (after(HOUR) if gap else None)


def test_the_gap_is_kept_after_a_try_during_which_the_process_died(world: World) -> None:
    account_service.set_limits(world.ctx, "ann", {"min_gap": "1 h"})
    add_post(world.store)
    with pytest.raises(Crash):
        live(world, Stage.ring, crash_at="answered")
    settle(world, begin=True)
    assert account_of(world.store, "ann").next_post_at == after(HOUR)


def test_a_gap_that_was_taken_away_holds_nothing_back(world: World) -> None:
    account_service.set_limits(world.ctx, "ann", {"min_gap": "1 h"})
    add_post(world.store)
    second = add_post(world.store, at=after(60))
    ring(world)
    account_service.set_limits(world.ctx, "ann", {"min_gap": "2 min"})
    assert account_of(world.store, "ann").next_post_at == after(120)
    account_service.set_limits(world.ctx, "ann", {"min_gap": "none"})
    world.clock.advance(60)
    ring(world)
    assert only(world, second).outcome is Outcome.PUBLISHED


def test_a_gap_that_was_written_while_the_clock_was_ahead_is_shortened(world: World) -> None:
    account_service.set_limits(world.ctx, "ann", {"min_gap": "1 h"})
    with world.store.write() as tx:
        accounts.keep_distance(tx, {account_of(world.store, "ann").id: after(1e6)})

    async def script(stage: Stage) -> None:
        world.clock.advance(10)
        await stage.ring()
        world.clock.advance(-10)
        await stage.ring()

    live(world, script)
    assert account_of(world.store, "ann").next_post_at == after(HOUR)


def test_the_later_of_a_rest_and_a_gap_is_the_reason(world: World) -> None:
    account_service.set_limits(world.ctx, "ann", {"min_gap": "10 min"})
    add_post(world.store)
    second = add_post(world.store, at=after(1))
    ring(world)
    with world.store.write() as tx:
        accounts.rest_account(tx, account_of(world.store, "ann").id, until=after(900), reason="rate limited")
    world.clock.advance(900)
    ring(world)
    assert only(world, second).late_reason == "rate limited"


# Too late.


def test_what_has_passed_its_last_moment_says_so(world: World) -> None:
    made = add_post(world.store)
    with world.store.write() as tx:
        tx.execute(update(delivery).values(expires_at=after(60)))
    world.clock.advance(61)
    ring(world)
    assert only(world, made).outcome is Outcome.MISSED
    assert only(world, made).message == "its last moment (2026-11-23 09:01:00Z) has passed"
    actions.retry(world.ctx, post_of(world.store, made.id))
    ring(world)
    assert only(world, made).outcome is Outcome.PUBLISHED


def test_at_its_last_moment_it_is_still_published(world: World) -> None:
    made = add_post(world.store)
    with world.store.write() as tx:
        tx.execute(update(delivery).values(expires_at=after(60)))
    world.clock.advance(60)
    ring(world)
    assert only(world, made).outcome is Outcome.PUBLISHED


def test_what_is_too_late_by_the_limit_of_its_own_says_which(world: World) -> None:
    made = add_post(world.store)
    account_service.set_limits(world.ctx, "ann", {"late_limit": "6 h"})
    world.clock.advance(6 * HOUR + 1)
    ring(world)
    assert only(world, made).message == "it was due for too long (more than 6 h)"


def test_what_was_begun_and_has_passed_its_last_moment_is_missed(world: World) -> None:
    made = add_post(world.store)
    with world.store.write() as tx:
        tx.execute(update(delivery).values(expires_at=after(HOUR)))
    world.fake.modes = [Mode.FAIL]
    ring(world)
    world.clock.advance(HOUR + 1)
    ring(world)
    assert fate(world, made) == (MISSED, Outcome.MISSED, ["unavailable"])


def test_what_was_published_is_taken_away_after_the_span_of_its_post(world: World) -> None:
    made = add_post(world.store)
    with world.store.write() as tx:
        tx.execute(update(post).values(delete_after=7200))
    world.clock.advance(60)
    ring(world)
    assert only(world, made).delete_at == after(60 + 7200)


# The newest of a series.


def test_after_an_outage_only_the_newest_of_a_series_is_published(world: World) -> None:
    made = of_series(world, 0, 60, 120, HOUR)
    other = of_series(world, 30, stream="library:tips")
    world.clock.advance(600)
    ring(world, 4)
    published = [Outcome.MISSED, Outcome.MISSED, Outcome.PUBLISHED, None]
    assert outcomes(world, made) == published
    assert outcomes(world, other) == [Outcome.PUBLISHED]
    assert only(world, made[0]).message == "a newer post of its series is due"
    assert only(world, made[0]).late_reason == "Postbell was not running"


def test_of_a_library_too(world: World) -> None:
    made = of_series(world, 0, 60, stream="library:tips")
    world.clock.advance(600)
    ring(world, 2)
    assert only(world, made[0]).message == "a newer post of its library is due"


def test_where_the_newest_is_too_late_the_older_ones_are_not_published_instead(world: World) -> None:
    blocking = add_post(world.store, at=after(-1))
    made = of_series(world, 0, 60)
    with world.store.write() as tx:
        tx.execute(
            update(delivery).where(delivery.c.id == made[1].deliveries[0].id).values(expires_at=after(90))
        )
    world.clock.advance(600)
    ring(world, 4)
    assert outcomes(world, [blocking, *made]) == [Outcome.PUBLISHED, Outcome.MISSED, Outcome.MISSED]


def test_what_stands_behind_something_too_late_is_superseded_as_well(world: World) -> None:
    too_late = add_post(world.store, at=after(-1))
    made = of_series(world, 0, HOUR)
    world.clock.advance(timedelta(hours=24))
    ring(world, 4)
    assert outcomes(world, [too_late, *made]) == [Outcome.MISSED, Outcome.MISSED, Outcome.PUBLISHED]


def test_a_cancelled_newer_one_supersedes_nothing(world: World) -> None:
    made = of_series(world, 0, 60)
    actions.cancel(world.ctx, post_of(world.store, made[1].id))
    world.clock.advance(600)
    ring(world, 2)
    assert outcomes(world, made) == [Outcome.PUBLISHED, Outcome.CANCELLED]


def test_on_time_each_of_a_series_is_published(world: World) -> None:
    made = of_series(world, 0, 60, 120)
    ring(world, 3, after=60)
    assert outcomes(world, made) == [Outcome.PUBLISHED] * 3


def test_what_waits_for_another_try_is_superseded_by_the_next_of_its_series(world: World) -> None:
    made = of_series(world, 0, 600)
    world.fake.modes = [Mode.FAIL]
    ring(world)
    world.clock.advance(600)
    ring(world)
    assert outcomes(world, made) == [Outcome.MISSED, Outcome.PUBLISHED]
    assert (only(world, made[0]).message or "").endswith("; the last try: asked to fail")


def test_what_may_be_public_is_unsure_and_not_superseded(world: World) -> None:
    made = of_series(world, 0, 600)
    world.fake.modes = [Mode.LOSE_REQUEST, Mode.FAIL]
    ring(world)
    with world.store.write() as tx:
        tx.execute(update(delivery).where(delivery.c.id == 1).values(state="scheduled"))
    world.clock.advance(600)
    ring(world, 1)
    found = only(world, made[0])
    told = "a newer post of its series is due, so it is not sent again; "
    assert found.state is DeliveryState.UNSURE
    assert found.message == f"{told}and an earlier try may have been accepted"


def test_what_a_look_up_finds_absent_is_not_sent_after_a_newer_one_of_its_series(tmp_path: Path) -> None:
    with build_world(tmp_path, networks=[Answers(Absent())]) as world:
        made = of_series(world, 0, 600)
        ring(world)
        world.clock.advance(600)
        ring(world)
        settle(world)
        ring(world)
        assert outcomes(world, made) == [Outcome.MISSED, Outcome.PUBLISHED]


def test_what_was_superseded_is_not_sent_again_on_a_guess(tmp_path: Path) -> None:
    with build_world(tmp_path, networks=[Answers(Unknown(reason="hm"))]) as world:
        made = of_series(world, 0, 600)
        ring(world)
        world.clock.advance(600)
        ring(world)
        settle(world)
        assert only(world, made[0]).state is DeliveryState.UNSURE


@pytest.mark.parametrize("values", [{"expires_at": after(30)}, {"late_limit": 30, "expires_at": after(30)}])
def test_what_has_passed_its_last_moment_is_not_sent_again_on_a_guess(
    tmp_path: Path, values: dict[str, Any]
) -> None:
    with build_world(tmp_path, networks=[Answers(Unknown(reason="hm"))]) as world:
        made = add_post(world.store)
        with world.store.write() as tx:
            tx.execute(update(delivery).values(values))
        ring(world)
        world.clock.advance(31)
        settle(world)
        assert only(world, made).state is DeliveryState.UNSURE


def test_a_superseded_one_that_the_user_tries_again_is_published_beside_the_newer_ones(world: World) -> None:
    made = of_series(world, 0, 60, 1200)
    world.clock.advance(600)
    ring(world, 2)
    actions.retry(world.ctx, post_of(world.store, made[0].id))
    world.clock.advance(600)
    ring(world, 3)
    assert outcomes(world, made) == [Outcome.PUBLISHED] * 3


def test_what_is_made_after_its_time_supersedes_and_is_superseded_too(world: World) -> None:
    first = of_series(world, 0)
    world.clock.advance(600)

    async def script(stage: Stage) -> list[Post]:
        world.fake.modes = [Mode.FAIL]
        await stage.ring()
        more = of_series(world, 60, 120)
        world.clock.advance(60)
        await stage.ring()
        return more

    made = [*first, *live(world, script)]
    assert outcomes(world, made) == [Outcome.MISSED, Outcome.MISSED, Outcome.PUBLISHED]
