"""The edges between series, restores, libraries and what is changed by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from postbell.domain.post import Post
from postbell.domain.states import DeliveryState, PostState
from postbell.domain.when import When
from postbell.errors import Conflict, Invalid, Stale
from postbell.sections import SeriesSettings
from postbell.services.accounts import pausing
from postbell.services.accounts.pausing import Scope, Target
from postbell.services.context import Context
from postbell.services.posts import actions
from postbell.services.posts.actions import Verdict, reschedule, settle
from postbell.services.posts.compose import add_post, edit_post
from postbell.services.posts.wanted import Changes, Terms, Wanted
from postbell.services.series.series import SeriesChanges, edit_series, end_series, load_series
from postbell.services.upkeep import upkeep
from postbell.settings import Settings
from postbell.store.tables.core import delivery
from postbell.testing import FakeNetwork, Mode
from support.repeating import add, daily, give_slots, let_grow, made, piece
from support.stage import ring
from support.world import START, World, account_of, add_account, build_world, post_of


HOUR = timedelta(hours=1)
SHORT = Settings(timezone="UTC", series=SeriesSettings(horizon_days=1))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as built:
        add_account(built.store, "ann")
        add_account(built.store, "bob")
        yield built


def _when(at: datetime) -> When:
    return When(at=at, local=at.replace(tzinfo=None), zone="UTC")


def _delay_bob(world: World) -> None:
    bob = account_of(world.store, "bob")
    with world.store.write() as tx:
        later = {"due_at": START + 96 * HOUR, "try_at": START + 96 * HOUR}
        tx.execute(delivery.update().where(delivery.c.account_id == bob.id).values(later))


def _missed_by_ann(world: World) -> Post:
    """Return a scheduled post that ann has missed, and that bob publishes four days after START."""
    wanted = Wanted(text="x", to=("ann", "bob"), when=_when(START + HOUR))
    post = add_post(world.ctx, wanted).post
    _delay_bob(world)
    world.clock.advance(timedelta(days=2))
    ring(world)
    return post_of(world.store, post.id)


def _states(post: Post) -> dict[str, DeliveryState]:
    return {each.account: each.state for each in post.deliveries}


def test_what_one_account_has_missed_can_still_be_changed_for_another(world: World) -> None:
    post = _missed_by_ann(world)
    assert post.state is PostState.SCHEDULED
    saved = edit_post(world.ctx, post, Changes(text="y")).post
    assert _states(saved) == {"ann": DeliveryState.MISSED, "bob": DeliveryState.SCHEDULED}
    assert saved.at == START + 96 * HOUR


def test_what_one_account_has_missed_can_still_be_moved_for_another(world: World) -> None:
    post = actions.unschedule(world.ctx, _missed_by_ann(world))
    saved = reschedule(world.ctx, post, _when(START + 72 * HOUR)).post
    assert _states(saved) == {"ann": DeliveryState.MISSED, "bob": DeliveryState.SCHEDULED}
    assert saved.at == START + 72 * HOUR


def test_a_post_is_not_left_to_an_account_that_has_missed_it(world: World) -> None:
    post = _missed_by_ann(world)
    with pytest.raises(Invalid, match="have missed it"):
        edit_post(world.ctx, post, Changes(to=("ann",)))


def test_after_a_restore_a_series_does_not_publish_again_what_the_backup_knows_nothing_of(
    tmp_path: Path,
) -> None:
    network, backup = FakeNetwork(), tmp_path / "old.db"
    with build_world(tmp_path, networks=[network], settings=SHORT) as world:
        add_account(world.store, "ann")
        add(world, daily("10:00"))
        upkeep.back_up(world.app.places, backup, keep=3, now=START)
        for _ in range(3):
            world.clock.advance(timedelta(days=1))
            let_grow(world)
            ring(world)
        now, published = world.clock.now(), len(network.posts)
    upkeep.restore(world.app.places, backup, now=now)
    with build_world(tmp_path, networks=[network], settings=SHORT) as world:
        world.clock.set(now)
        let_grow(world)
        ring(world)
        assert len(network.posts) == published
        world.clock.advance(timedelta(days=1))
        let_grow(world)
        ring(world)
        assert len(network.posts) == published + 1


def test_a_piece_does_not_fill_a_slot_again_that_its_post_was_moved_away_from(world: World) -> None:
    give_slots(world, "ann", "18:00")
    give_slots(world, "bob", "18:00")
    series = add(world, piece(1), to=("ann", "bob"))
    (of_ann,) = (post for post in made(world) if post.deliveries[0].account == "ann")
    reschedule(world.ctx, of_ann, _when(START + 30 * HOUR))
    edit_series(world.ctx, load_series(world.ctx, series.id), SeriesChanges(to=("ann",)))
    let_grow(world)
    assert [post.id for post in made(world)] == [of_ann.id]


def test_a_series_that_was_ended_publishes_nothing_that_was_held_back(world: World) -> None:
    series, target = add(world, daily("10:00", count=2)), Target(scope=Scope.ACCOUNT, name="ann")
    pausing.pause(world.ctx, [target])
    world.clock.advance(timedelta(hours=2))
    ring(world)
    assert end_series(world.ctx, load_series(world.ctx, series.id)) == 2
    pausing.resume(world.ctx, [target])
    ring(world)
    assert world.fake.posts == []


def test_what_the_user_calls_published_is_told_when_it_cannot_be_taken_away(world: World) -> None:
    world.fake.modes = [Mode.LOSE_REQUEST]
    wanted = Wanted(text="x", to=("ann",), when=_when(START), terms=Terms(delete_after=HOUR))
    post = add_post(world.ctx, wanted).post
    ring(world)
    settled = settle(world.ctx, post_of(world.store, post.id), Verdict.PUBLISHED)
    assert [each.delete_at for each in settled.deliveries] == [START + HOUR]


@pytest.mark.parametrize("step", [actions.unschedule, actions.cancel])
def test_what_was_missed_is_not_tried_again_where_the_post_goes_on_no_more(
    world: World, step: Callable[[Context, Post], Post]
) -> None:
    before = _missed_by_ann(world)
    step(world.ctx, before)
    with pytest.raises(Conflict, match="nothing of it is tried again"):
        actions.retry(world.ctx, post_of(world.store, before.id))
    with pytest.raises(Stale):  # it was made so by somebody else meanwhile
        actions.retry(world.ctx, before)


def test_a_post_that_has_begun_is_published_at_once_where_its_time_is_still_to_come(world: World) -> None:
    wanted = Wanted(text="x", to=("ann", "bob"), when=_when(START))
    post = add_post(world.ctx, wanted).post
    _delay_bob(world)
    ring(world)
    actions.publish_now(world.ctx, post_of(world.store, post.id))
    ring(world)
    assert len(world.fake.posts) == 2
