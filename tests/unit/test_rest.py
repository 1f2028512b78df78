"""What is still to come of a post is changed while some of its accounts have it already."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from postbell.domain.additions import Additions
from postbell.domain.content import Override
from postbell.domain.post import Post
from postbell.domain.states import DeliveryState, Outcome, PostState
from postbell.domain.when import When
from postbell.errors import Conflict, IllegalTransition, Invalid, Stale
from postbell.services.posts import actions
from postbell.services.posts.adding import set_additions
from postbell.services.posts.compose import add_post, load_post
from postbell.services.posts.rest import change_post
from postbell.services.posts.wanted import Changes, Terms, Wanted, terms_of
from postbell.store import deliveries
from support.stage import live
from support.world import START, World, add_account, build_world, claim


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as made:
        for name in ("ann", "bob", "cat"):
            add_account(made.store, name)
        yield made


def at(moment: datetime) -> When:
    return When(at=moment, local=moment.replace(tzinfo=None), zone="UTC")


def due(post: Post) -> dict[str, datetime | None]:
    return {delivery.account: delivery.due_at for delivery in post.deliveries}


def half_way(world: World) -> Post:
    """Write a post that ann has, and that is still to come for bob and cat."""
    times = {"bob": at(START + DAY), "cat": at(START + 2 * DAY)}
    wish = Wanted(text="Hello", to=("ann", "bob", "cat"), when=at(START), times=times)
    post = add_post(world.ctx, wish).post
    live(world, lambda stage: stage.ring())
    return load_post(world.ctx, post.id)


def test_a_post_is_processing_from_its_first_time_until_its_last_has_ended(world: World) -> None:
    post = half_way(world)
    assert (post.state, post.outcome) == (PostState.PROCESSING, None)
    assert [each.state for each in post.deliveries] == [
        DeliveryState.PROCESSED,
        DeliveryState.SCHEDULED,
        DeliveryState.SCHEDULED,
    ]
    for _ in range(2):
        world.clock.advance(DAY)
        live(world, lambda stage: stage.ring())
    ended = load_post(world.ctx, post.id)
    assert (ended.state, ended.outcome) == (PostState.PROCESSED, Outcome.PUBLISHED)


def test_one_account_is_moved_and_what_is_public_stays(world: World) -> None:
    post = half_way(world)
    moved = actions.reschedule(world.ctx, post, at(START + 3 * DAY), accounts=["bob"]).post
    assert due(moved) == {"ann": START, "bob": START + 3 * DAY, "cat": START + 2 * DAY}
    assert (moved.state, moved.at, moved.version) == (PostState.PROCESSING, START, post.version + 1)
    assert moved.deliveries[0] == post.deliveries[0]
    assert claim(world.store, START + DAY) == []


def test_a_network_means_those_of_its_accounts_to_which_it_is_still_to_come(world: World) -> None:
    add_account(world.store, "tusk", network="mastodon", server="https://tusk.invalid")
    times = {"tusk": at(START + DAY)}
    wish = Wanted(text="Hello", to=("ann", "tusk"), when=at(START), times=times)
    post = add_post(world.ctx, wish).post
    claim(world.store)
    post = load_post(world.ctx, post.id)
    moved = change_post(world.ctx, post, Changes(times={"mastodon": at(START + 2 * DAY)})).post
    assert due(moved)["tusk"] == START + 2 * DAY


def test_one_account_is_given_other_words_and_keeps_its_time_and_what_it_adds(world: World) -> None:
    set_additions(world.ctx, "bob", Additions(signature="Bob"))
    post = half_way(world)
    changes = Changes(overrides={"bob": Override(text="For bob alone")}, terms=terms_of(post))
    changed = change_post(world.ctx, post, changes).post
    assert due(changed) == due(post)
    said = changed.overrides["bob"]
    assert (said.text, said.added and said.added.signature) == ("For bob alone", "Bob")
    world.clock.advance(DAY)
    live(world, lambda stage: stage.ring())
    assert [each.content.text for each in world.fake.posts] == ["Hello", "For bob alone\n\nBob"]


@pytest.mark.parametrize(
    "changes",
    [
        Changes(times={"ann": at(START + DAY)}),
        Changes(overrides={"ann": Override(text="Other")}),
        Changes(times={"bob": at(START + DAY), "ann": at(START + DAY)}),
    ],
    ids=["time", "words", "both"],
)
def test_an_account_that_has_it_is_refused_by_name(world: World, changes: Changes) -> None:
    post = half_way(world)
    with pytest.raises(
        Conflict, match=r"begun there \(ann: published\).* on bob, cat, where it is still"
    ) as _:
        change_post(world.ctx, post, changes)
    assert load_post(world.ctx, post.id) == post


def test_what_was_tried_or_is_being_sent_is_not_changed(world: World) -> None:
    post = add_post(world.ctx, Wanted(text="Hello", to=("ann", "bob"), when=at(START))).post
    tried, _sent = claim(world.store)
    with world.store.write() as tx:
        deliveries.record_retry(tx, tried.delivery.id, "down", START + HOUR)
    found = load_post(world.ctx, post.id)
    for name, how in (("ann", "tried already"), ("bob", "processing")):
        with pytest.raises(Conflict, match=rf"{name}: {how}.*nowhere any more"):
            change_post(world.ctx, found, Changes(times={name: at(START + DAY)}))


def test_what_began_meanwhile_is_not_changed(world: World) -> None:
    seen = half_way(world)
    claim(world.store, START + DAY)
    with pytest.raises(Conflict, match="bob: processing"):
        change_post(world.ctx, seen, Changes(times={"bob": at(START + 2 * DAY)}))


def test_two_changes_of_what_was_read_do_not_undo_one_another(world: World) -> None:
    seen = half_way(world)
    change_post(world.ctx, seen, Changes(times={"bob": at(START + 2 * DAY)}))
    with pytest.raises(Stale):
        change_post(world.ctx, seen, Changes(times={"cat": at(START + 3 * DAY)}))


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        (Changes(times={"nobody": at(START + DAY)}), "--at nobody"),
        (Changes(overrides={"nobody": Override(text="x")}), "[nobody]"),
        (Changes(overrides={"mastodon": Override(text="x")}), "[mastodon]"),
        (Changes(overrides={"bob": Override(text="unfit")}), "[bob] text"),
        (Changes(overrides={"bob": Override(options={"strange": 1})}), "bob.strange"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_cannot_be_published_is_told(world: World, changes: Changes, where: str) -> None:
    post = half_way(world)
    with pytest.raises(Invalid) as error:
        change_post(world.ctx, post, changes)
    assert where in [problem.where for problem in error.value.problems]
    assert load_post(world.ctx, post.id) == post


@pytest.mark.parametrize(
    "changes",
    [
        Changes(text="Other"),
        Changes(when=at(START + DAY)),
        Changes(times={"bob": at(START + 2 * DAY)}, terms=Terms(labels=("news",))),
        Changes(),
    ],
    ids=["text", "time for all", "terms", "nothing"],
)
def test_nothing_else_is_changed_and_the_way_is_told(world: World, changes: Changes) -> None:
    post = half_way(world)
    with pytest.raises(IllegalTransition, match=rf"reschedule {post.id} WHEN --account bob"):
        change_post(world.ctx, post, changes)


def test_cancelling_keeps_what_is_public_and_takes_back_the_rest(world: World) -> None:
    post = actions.cancel(world.ctx, half_way(world))
    assert (post.state, post.outcome) == (PostState.PROCESSED, Outcome.PARTIAL)
    assert [each.outcome for each in post.deliveries] == ["published", "cancelled", "cancelled"]


def test_publishing_now_does_not_wait_for_the_later_times(world: World) -> None:
    post = actions.publish_now(world.ctx, half_way(world)).post
    live(world, lambda stage: stage.ring())
    assert load_post(world.ctx, post.id).outcome is Outcome.PUBLISHED


def test_trying_again_leaves_what_is_still_to_come_at_its_time(world: World) -> None:
    times = {"bob": at(START + DAY)}
    post = add_post(world.ctx, Wanted(text="Hello", to=("ann", "bob"), when=at(START), times=times)).post
    (sent,) = claim(world.store)
    with world.store.write() as tx:
        deliveries.record_failed(tx, sent.delivery.id, "no", START)
    again = actions.retry(world.ctx, load_post(world.ctx, post.id))
    assert again.state is PostState.PROCESSING
    assert due(again)["bob"] == START + DAY
    with pytest.raises(Conflict):
        actions.retry(world.ctx, again, "bob")
