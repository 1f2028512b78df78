"""What the user holds back, from the pause to what happens when it goes on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from postbell.domain.pause import Pause, PauseScope
from postbell.domain.post import Post
from postbell.domain.states import DeliveryState, Outcome
from postbell.errors import Invalid
from postbell.services.accounts import pausing
from postbell.services.accounts.holds import pause_told, pauses_of
from postbell.services.accounts.pausing import Resumed, Scope, Target
from postbell.services.upkeep.health import status
from postbell.store import accounts, pauses, queue
from postbell.store.tables.core import delivery, post
from postbell.store.tables.series import series
from support.stage import Stage, live, ring
from support.world import START, World, account_of, add_post, after, only, post_of


HOUR = timedelta(hours=1)
EVERYTHING = Target(scope=Scope.EVERYTHING)
ANN = Target(scope=Scope.ACCOUNT, name="ann")
NEWS = Target(scope=Scope.LABEL, name="news")
SERIES = Target(scope=Scope.SERIES, name="s1")


def file_under(world: World, made: Post, *, slot: str = "a") -> None:
    """Make a post one of the series s1, with the labels `sale` and `news`."""
    row: dict[str, Any] = {
        "id": "s1",
        "state": "active",
        "rule": {},
        "text": "x",
        "variants": [],
        "overrides": {},
    }
    row |= {"labels": ["news"], "created_at": START, "updated_at": START, "version": 1, "made": 1}
    with world.store.write() as tx:
        tx.execute(insert(series).prefix_with("OR IGNORE").values(row))
        values = {"series_id": "s1", "slot": slot, "labels": ["sale", "news"]}
        tx.execute(update(post).where(post.c.id == made.id).values(values))
        tx.execute(update(delivery).where(delivery.c.post_id == made.id).values(stream="s1"))


SCOPES = pytest.mark.parametrize("target", [EVERYTHING, ANN, NEWS, SERIES], ids=lambda target: target.scope)


@SCOPES
def test_what_is_paused_is_published_when_it_is_resumed_and_says_why_it_is_late(
    world: World, target: Target
) -> None:
    held = add_post(world.store)
    file_under(world, held)
    (paused,) = pausing.pause(world.ctx, [target])
    assert (paused.target, paused.until, paused.waiting, paused.used) == (target, None, 1, True)
    ring(world, 2, after=HOUR.total_seconds())
    assert world.fake.seen == []
    assert pausing.resume(world.ctx, [target]) == [Resumed(target=target, was_paused=True, late=1, missed=0)]
    ring(world)
    told = {Scope.EVERYTHING: "everything", Scope.ACCOUNT: "the account"}
    assert only(world, held).late_reason == f"{told.get(target.scope, target.told())} was paused"
    assert only(world, held).lateness == 2 * HOUR


@SCOPES
def test_a_pause_until_a_time_ends_then_by_itself_and_the_bell_is_set_to_that(
    world: World, target: Target
) -> None:
    held = add_post(world.store, at=after(60))
    file_under(world, held)
    pausing.pause(world.ctx, [target], after(600))

    async def script(stage: Stage) -> list[datetime]:
        await stage.ring()
        world.clock.advance(100)
        await stage.ring()
        times = [waiting.ready_at for waiting in next_due(world)]
        world.clock.advance(500)
        await stage.ring()
        return times

    assert live(world, script) == [after(600)]
    told = {Scope.EVERYTHING: "everything", Scope.ACCOUNT: "the account"}
    assert only(world, held).begun_at == after(600)
    assert only(world, held).late_reason == f"{told.get(target.scope, target.told())} was paused"
    assert pausing.list_pauses(world.ctx) == []
    assert account_of(world.store, "ann").paused_at is None


def next_due(world: World) -> list[queue.Waiting]:
    with world.store.read() as tx:
        return queue.next_due(tx)


@SCOPES
def test_what_is_due_for_too_long_is_missed_at_the_resume_and_not_before(
    world: World, target: Target
) -> None:
    old, young = add_post(world.store), add_post(world.store, at=after(60))
    for slot, made in enumerate((old, young)):
        file_under(world, made, slot=str(slot))
    with world.store.write() as tx:
        tx.execute(update(delivery).values(stream=None))
    pausing.pause(world.ctx, [target])
    world.clock.advance(timedelta(days=1, seconds=30))
    ring(world)
    assert only(world, old).state is DeliveryState.SCHEDULED
    assert pausing.resume(world.ctx, [target]) == [Resumed(target=target, was_paused=True, late=1, missed=1)]
    ring(world, 2)
    assert only(world, old).message == "it was due for too long (more than 1 d)"
    assert "was paused" in (only(world, old).late_reason or "")
    assert only(world, young).outcome is Outcome.PUBLISHED


@SCOPES
def test_of_a_series_that_was_paused_only_the_newest_is_published(world: World, target: Target) -> None:
    made = [add_post(world.store, at=after(60 * number)) for number in range(5)]
    for slot, each in enumerate(made):
        file_under(world, each, slot=str(slot))
    pausing.pause(world.ctx, [target])
    world.clock.advance(200)
    ring(world)
    assert {only(world, each).state for each in made} == {DeliveryState.SCHEDULED}
    assert pausing.resume(world.ctx, [target]) == [Resumed(target=target, was_paused=True, late=1, missed=3)]
    ring(world, 3)
    outcomes = [only(world, each).outcome for each in made]
    assert outcomes == [Outcome.MISSED] * 3 + [Outcome.PUBLISHED, None]
    assert only(world, made[0]).message == "a newer post of its series is due"


def test_what_another_pause_holds_back_still_waits_and_is_not_counted(world: World) -> None:
    held = add_post(world.store)
    file_under(world, held)
    pausing.pause(world.ctx, [NEWS, ANN])
    world.clock.advance(60)
    assert pausing.resume(world.ctx, [NEWS]) == [Resumed(target=NEWS, was_paused=True, late=0, missed=0)]
    ring(world)
    assert only(world, held).state is DeliveryState.SCHEDULED
    assert pausing.resume(world.ctx, [ANN])[0].late == 1


def test_others_overtake_what_is_held_back_with_a_label(world: World) -> None:
    held, free = add_post(world.store), add_post(world.store, at=after(1))
    file_under(world, held)
    pausing.pause(world.ctx, [NEWS])
    world.clock.advance(2)
    ring(world)
    assert only(world, held).state is DeliveryState.SCHEDULED
    assert only(world, free).outcome is Outcome.PUBLISHED


def test_only_what_is_due_before_the_end_of_a_pause_is_held_back(world: World) -> None:
    for seconds in (0, 60, 120):
        add_post(world.store, at=after(seconds))
    assert pausing.pause(world.ctx, [EVERYTHING], after(100))[0].waiting == 2
    assert pausing.pause(world.ctx, [EVERYTHING])[0].waiting == 3


def test_a_pause_can_be_given_another_end(world: World) -> None:
    pausing.pause(world.ctx, [NEWS], after(60))
    pausing.pause(world.ctx, [NEWS])
    (found,) = pausing.list_pauses(world.ctx)
    assert found == Pause(scope=PauseScope.LABEL, name="news", since=START)
    assert not pausing.resume(world.ctx, [Target(scope=Scope.LABEL, name="other")])[0].was_paused
    assert pausing.resume(world.ctx, [NEWS])[0].was_paused


def test_a_pause_that_has_ended_is_none_even_before_a_ring(world: World) -> None:
    add_post(world.store)
    pausing.pause(world.ctx, [NEWS, ANN], after(60))
    world.clock.advance(60)
    assert pausing.list_pauses(world.ctx) == []
    assert not pausing.resume(world.ctx, [ANN])[0].was_paused


def test_the_beginning_of_an_id_names_a_series(world: World) -> None:
    file_under(world, add_post(world.store))
    assert pausing.pause(world.ctx, [Target(scope=Scope.SERIES, name="s")])[0].target == SERIES


def test_everything_that_there_is_not_is_told_at_once_and_nothing_is_paused(world: World) -> None:
    file_under(world, add_post(world.store))
    with world.store.write() as tx:
        row: dict[str, Any] = {
            "id": "s2",
            "state": "active",
            "rule": {},
            "text": "x",
            "variants": [],
            "overrides": {},
        }
        row |= {"labels": [], "created_at": START, "updated_at": START, "version": 1, "made": 0}
        tx.execute(insert(series).values(row))
    wrong = [
        Target(scope=Scope.ACCOUNT, name="amn"),
        Target(scope=Scope.SERIES, name="s"),
        Target(scope=Scope.SERIES, name="t"),
        Target(scope=Scope.SERIES, name=""),
    ]
    with pytest.raises(Invalid) as refused:
        pausing.pause(world.ctx, [EVERYTHING, *wrong])
    told = [str(problem) for problem in refused.value.problems]
    assert told == [
        "--account: there is no account named amn. Did you mean ann?",
        "--series: 's' could be any of s1, s2; type more of it.",
        "--series: there is no series 't'. `postbell series list` shows those that there are.",
        "--series: there is no series ''. `postbell series list` shows those that there are.",
    ]
    assert pausing.list_pauses(world.ctx) == []


def test_a_label_without_a_name_is_refused(world: World) -> None:
    with pytest.raises(Invalid, match="--label: it is empty"):
        pausing.pause(world.ctx, [Target(scope=Scope.LABEL, name=" ")])


def test_a_label_that_nobody_uses_may_be_paused_and_is_told_to_be_unused(world: World) -> None:
    file_under(world, add_post(world.store))
    assert [
        each.used for each in pausing.pause(world.ctx, [NEWS, Target(scope=Scope.LABEL, name="sale")])
    ] == [
        True,
        True,
    ]
    assert not pausing.pause(world.ctx, [Target(scope=Scope.LABEL, name="new")])[0].used


def test_what_began_before_the_pause_keeps_its_own_reason(world: World) -> None:
    made = add_post(world.store)
    file_under(world, made)
    with world.store.write() as tx:
        tx.execute(update(delivery).values(late_reason="Postbell was not running"))
        pauses.pause(tx, Pause(scope=PauseScope.LABEL, name="news", since=START))
        assert pauses.resume(tx, PauseScope.LABEL, "news", after(600))
    assert only(world, made).late_reason == "Postbell was not running"


def test_a_post_knows_which_pauses_hold_it_back(world: World) -> None:
    made = add_post(world.store)
    file_under(world, made)
    pausing.pause(world.ctx, [EVERYTHING, SERIES, Target(scope=Scope.LABEL, name="other")])
    pausing.pause(world.ctx, [NEWS], after(60))
    found = pauses_of(world.ctx, post_of(world.store, made.id))
    assert [pause_told(each, str) for each in found] == [
        "everything is paused; `postbell resume --all`",
        f"label news is paused until {after(60)}; `postbell resume --label news`",
        "series s1 is paused; `postbell resume --series s1`",
    ]


def test_a_pause_of_an_account_until_a_time_does_not_shorten_a_rest(world: World) -> None:
    add_post(world.store)
    ann = account_of(world.store, "ann")
    with world.store.write() as tx:
        accounts.rest_account(tx, ann.id, until=after(900), reason="rate limited")
        accounts.pause_account(tx, "ann", START, after(60))
    world.clock.advance(120)
    ring(world)
    assert account_of(world.store, "ann").rests_until == after(900)
    assert world.fake.seen == []


def test_what_is_held_back_is_counted_apart_and_is_no_trouble(world: World) -> None:
    for name in ("ann", "bob"):
        add_post(world.store, to=(name,))
    pausing.pause(world.ctx, [ANN], after(7200))
    pausing.pause(world.ctx, [NEWS])
    world.clock.advance(HOUR)
    seen = status(world.ctx, world.app.places)
    assert (seen.overdue.count, seen.overdue.held) == (1, 1)
    assert [pause.told() for pause in seen.pauses] == ["label news"]
    told = f"account ann is paused until {after(7200)}; `postbell resume --account ann`"
    assert [held.told(str) for held in seen.held] == [told]
    pausing.pause(world.ctx, [EVERYTHING])
    seen = status(world.ctx, world.app.places)
    assert (seen.overdue.count, seen.overdue.oldest, seen.overdue.held) == (0, None, 2)
    assert seen.oldest_overdue is None
    assert len(seen.troubles) == 1
