"""What can be done with a stored post, in every state: allowed and done, or refused and nothing changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.domain.post import AttemptKind, Post
from postbell.domain.states import DeliveryState, Outcome, PostState
from postbell.domain.when import When
from postbell.errors import Conflict, IllegalTransition, Invalid, NotFound, Stale
from postbell.services.accounts import accounts as account_service
from postbell.services.posts import actions
from postbell.services.posts.actions import Verdict
from postbell.services.posts.compose import add_post, edit_post, load_post
from postbell.services.posts.wanted import Changes, Wanted
from postbell.settings import RetrySettings, Settings
from postbell.store import accounts
from postbell.testing import FakeNetwork, Mode
from support.stage import Blind, Stage, live, ring
from support.world import START, World, account_of, add_account, build_world, delivery_of, tries_of


HOUR = timedelta(hours=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    networks = [FakeNetwork(), Blind()]
    settings = Settings(timezone="Europe/Berlin", retry=RetrySettings(most_tries=3))
    with build_world(tmp_path, networks=networks, settings=settings) as made:
        add_account(made.store, "ann")
        add_account(made.store, "bob")
        yield made


def when(ahead: timedelta = HOUR) -> When:
    at = START + ahead
    return When(at=at, local=at.replace(tzinfo=None) + HOUR, zone="Europe/Berlin")


def draft(world: World, *to: str) -> Post:
    return add_post(world.ctx, Wanted(text="Hello", to=to or ("ann",))).post


def scheduled(world: World, *to: str, ahead: timedelta = timedelta(0)) -> Post:
    return add_post(world.ctx, Wanted(text="Hello", to=to or ("ann",), when=when(ahead))).post


def cancelled(world: World) -> Post:
    return actions.cancel(world.ctx, draft(world))


def published(world: World) -> Post:
    post = scheduled(world)
    ring(world)
    return load_post(world.ctx, post.id)


def ended(world: World, mode: Mode) -> Post:
    world.fake.modes = [mode]
    return published(world)


def failed(world: World) -> Post:
    return ended(world, Mode.REJECT)


def unsure(world: World) -> Post:
    return ended(world, Mode.LOSE_REQUEST)


def retrying(world: World) -> Post:
    return ended(world, Mode.FAIL)


def missed(world: World) -> Post:
    post = scheduled(world)
    world.clock.advance(timedelta(days=2))
    ring(world)
    return load_post(world.ctx, post.id)


MAKERS: dict[str, Callable[[World], Post]] = {
    "draft": draft,
    "scheduled": scheduled,
    "cancelled": cancelled,
    "published": published,
    "failed": failed,
    "unsure": unsure,
    "retrying": retrying,
    "missed": missed,
}

ACTIONS: dict[str, Callable[[World, Post], object]] = {
    "edit": lambda world, post: edit_post(world.ctx, post, Changes(text="Bye")),
    "reschedule": lambda world, post: actions.reschedule(world.ctx, post, when(3 * HOUR)),
    "unschedule": lambda world, post: actions.unschedule(world.ctx, post),
    "publish": lambda world, post: actions.publish_now(world.ctx, post),
    "cancel": lambda world, post: actions.cancel(world.ctx, post),
    "delete": lambda world, post: actions.delete(world.ctx, post),
    "retry": lambda world, post: actions.retry(world.ctx, post),
    "settle": lambda world, post: actions.settle(world.ctx, post, Verdict.PUBLISHED),
}

ALLOWED = {
    "draft": {"edit", "reschedule", "publish", "cancel", "delete"},
    "scheduled": {"edit", "reschedule", "unschedule", "publish", "cancel", "delete"},
    "cancelled": {"delete"},
    "published": set(),
    "failed": {"retry"},
    "unsure": {"settle"},
    "retrying": {"publish", "cancel"},
    "missed": {"retry"},
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("state", MAKERS)
def test_every_action_is_done_or_refused_as_the_state_says(world: World, state: str, action: str) -> None:
    post = MAKERS[state](world)
    if action in ALLOWED[state]:
        ACTIONS[action](world, post)
        return
    with pytest.raises(Conflict) as refused:
        ACTIONS[action](world, post)
    assert post.id in str(refused.value)
    assert load_post(world.ctx, post.id) == post


@pytest.mark.parametrize("action", ["edit", "reschedule", "unschedule", "publish", "cancel"])
def test_what_was_changed_by_another_meanwhile_is_left_alone(world: World, action: str) -> None:
    post = scheduled(world, ahead=HOUR)
    changed = edit_post(world.ctx, post, Changes(text="Faster")).post
    with pytest.raises(Stale):
        ACTIONS[action](world, post)
    assert load_post(world.ctx, post.id) == changed


@pytest.mark.parametrize("action", ["edit", "reschedule", "unschedule", "publish", "cancel"])
def test_what_was_taken_up_for_publishing_meanwhile_is_left_alone(world: World, action: str) -> None:
    post = scheduled(world)
    ring(world)
    with pytest.raises(Stale, match="taken up for publishing"):
        ACTIONS[action](world, post)


def test_a_refusal_says_what_the_post_is_and_what_cannot_be_done(world: World) -> None:
    post = published(world)
    with pytest.raises(IllegalTransition) as refused:
        actions.unschedule(world.ctx, post)
    assert str(refused.value) == (
        f"Post {post.id} is processed: it cannot be made a draft. Nothing was changed. "
        f"What is public of it is changed by `postbell edit {post.id} --published`."
    )


def test_a_draft_is_scheduled_with_its_wall_clock_and_zone(world: World) -> None:
    post = actions.reschedule(world.ctx, draft(world), when()).post
    assert (post.state, post.at, post.zone) == (PostState.SCHEDULED, START + HOUR, "Europe/Berlin")
    assert post.local == (START + 2 * HOUR).replace(tzinfo=None)
    assert [(d.state, d.due_at) for d in post.deliveries] == [(DeliveryState.SCHEDULED, START + HOUR)]


def test_a_draft_that_could_not_be_published_is_not_scheduled(world: World) -> None:
    post = draft(world)
    unfit = edit_post(world.ctx, post, Changes(text="unfit")).post
    with pytest.raises(Invalid, match="unfit"):
        actions.reschedule(world.ctx, unfit, when())
    assert load_post(world.ctx, post.id) == unfit


def test_a_post_without_accounts_is_not_scheduled(world: World) -> None:
    post = add_post(world.ctx, Wanted(text="An idea")).post
    with pytest.raises(Invalid, match="--to"):
        actions.publish_now(world.ctx, post)


def test_a_draft_again_keeps_its_date_and_never_fires(world: World) -> None:
    post = actions.unschedule(world.ctx, scheduled(world))
    assert (post.state, post.at) == (PostState.DRAFT, START)
    assert [(d.state, d.due_at) for d in post.deliveries] == [(DeliveryState.DRAFT, START)]
    ring(world, 2, after=3600)
    assert world.fake.seen == []


def test_publish_now_is_due_now_in_the_users_zone(world: World) -> None:
    post = actions.publish_now(world.ctx, draft(world)).post
    assert (post.at, post.zone) == (START, "Europe/Berlin")
    assert post.local == (START + HOUR).replace(tzinfo=None)
    ring(world)
    assert load_post(world.ctx, post.id).outcome is Outcome.PUBLISHED


def test_publish_now_ends_the_wait_after_a_setback(world: World) -> None:
    post = actions.publish_now(world.ctx, retrying(world)).post
    ring(world)
    assert load_post(world.ctx, post.id).outcome is Outcome.PUBLISHED


def test_publish_now_keeps_a_wait_that_the_network_asked_for(world: World) -> None:
    post = ended(world, Mode.LIMIT)
    actions.publish_now(world.ctx, post)
    ring(world)
    assert load_post(world.ctx, post.id).outcome is None
    assert account_of(world.store, "ann").rests_until == START + timedelta(seconds=120)


def test_publish_now_hurries_no_account_of_others(world: World) -> None:
    other = scheduled(world, "bob")
    world.fake.modes = [Mode.FAIL, Mode.FAIL]
    mine = published(world)
    resting = account_of(world.store, "bob").rests_until
    actions.publish_now(world.ctx, mine)
    assert account_of(world.store, "bob").rests_until == resting
    assert account_of(world.store, "ann").rests_until == START
    assert load_post(world.ctx, other.id).outcome is None


def test_cancel_takes_back_what_waits_and_leaves_what_is_public(world: World) -> None:
    post = scheduled(world, "ann", "bob")
    world.fake.modes = [Mode.PUBLISH, Mode.FAIL]
    ring(world)
    post = actions.cancel(world.ctx, load_post(world.ctx, post.id))
    assert [d.outcome for d in post.deliveries] == [Outcome.PUBLISHED, Outcome.CANCELLED]
    assert (post.state, post.outcome) == (PostState.PROCESSED, Outcome.PARTIAL)


def test_a_cancelled_post_never_fires(world: World) -> None:
    post = actions.cancel(world.ctx, scheduled(world))
    assert (post.state, post.outcome) == (PostState.CANCELLED, Outcome.CANCELLED)
    ring(world, 2, after=3600)
    assert world.fake.seen == []


def test_a_deleted_post_is_gone(world: World) -> None:
    post = scheduled(world)
    actions.delete(world.ctx, post)
    with pytest.raises(NotFound):
        load_post(world.ctx, post.id)
    ring(world)
    assert world.fake.seen == []


@pytest.mark.parametrize("state", ["failed", "missed"])
def test_a_retry_is_due_now_counts_anew_and_keeps_the_key(world: World, state: str) -> None:
    post = MAKERS[state](world)
    (again,) = actions.retry(world.ctx, post).deliveries
    assert (again.due_at, again.tries, again.message) == (world.clock.now(), 0, None)
    assert again.key == post.deliveries[0].key
    ring(world)
    assert load_post(world.ctx, post.id).outcome is Outcome.PUBLISHED


def test_a_retry_of_one_account_leaves_the_others(world: World) -> None:
    post = scheduled(world, "ann", "bob")
    world.fake.modes = [Mode.REJECT, Mode.REJECT]
    ring(world)
    post = actions.retry(world.ctx, load_post(world.ctx, post.id), "bob")
    assert [d.outcome for d in post.deliveries] == [Outcome.FAILED, None]


def test_a_retry_for_an_account_that_it_is_not_meant_for_names_those_that_it_is(world: World) -> None:
    with pytest.raises(NotFound, match="not meant for bob; its accounts: ann"):
        actions.retry(world.ctx, failed(world), "bob")


def test_a_retry_for_a_removed_account_is_refused_though_another_has_its_name_now(world: World) -> None:
    post = failed(world)
    account_service.remove_account(world.ctx, "ann")
    add_account(world.store, "ann")
    with pytest.raises(Conflict, match="the account was removed"):
        actions.retry(world.ctx, post)
    assert load_post(world.ctx, post.id) == post


def test_a_retry_of_what_is_unsure_says_how_to_settle_it(world: World) -> None:
    post = unsure(world)
    with pytest.raises(Conflict, match=f"postbell settle {post.id}"):
        actions.retry(world.ctx, post)


def test_the_user_says_that_it_is_public(world: World) -> None:
    post = actions.settle(world.ctx, unsure(world), Verdict.PUBLISHED, url="https://example.org/1")
    assert (post.outcome, post.deliveries[0].url) == (Outcome.PUBLISHED, "https://example.org/1")
    settled = tries_of(world.store, post.deliveries[0].id)[-1]
    assert (settled.kind, settled.result) == (AttemptKind.SETTLE, "published")
    assert settled.message == "settled by the user"


def test_the_user_says_that_it_is_not_public_and_shall_stay_so(world: World) -> None:
    post = actions.settle(world.ctx, unsure(world), Verdict.FAILED)
    assert post.outcome is Outcome.FAILED
    assert post.deliveries[0].message == "the user says that it was not published"


def test_what_the_user_wants_sent_again_is_sent_however_long_ago_it_was_due(world: World) -> None:
    post = unsure(world)
    world.clock.advance(timedelta(days=3))
    again = actions.settle(world.ctx, post, Verdict.RESEND)
    assert again.state is PostState.PROCESSING
    ring(world)
    assert load_post(world.ctx, post.id).outcome is Outcome.PUBLISHED


def test_of_several_unsure_ones_the_user_must_say_which(world: World) -> None:
    post = scheduled(world, "ann", "bob")
    world.fake.modes = [Mode.LOSE_REQUEST, Mode.LOSE_REQUEST]
    ring(world)
    post = load_post(world.ctx, post.id)
    with pytest.raises(Conflict, match=r"--account \(ann, bob\)"):
        actions.settle(world.ctx, post, Verdict.FAILED)
    post = actions.settle(world.ctx, post, Verdict.FAILED, account="bob")
    assert [d.outcome for d in post.deliveries] == [Outcome.UNSURE, Outcome.FAILED]


def test_what_was_settled_by_a_look_up_meanwhile_cannot_be_settled_again(world: World) -> None:
    post = unsure(world)

    async def script(stage: Stage) -> None:
        await stage.recovery.settle()

    live(world, script)
    with pytest.raises(Stale):
        actions.settle(world.ctx, post, Verdict.FAILED)
    found = delivery_of(world.store, post.deliveries[0].id)
    assert found.state is DeliveryState.SCHEDULED


def test_the_log_has_every_try_oldest_first(world: World) -> None:
    post = retrying(world)
    world.clock.advance(60)
    ring(world)
    log = actions.log_of(world.ctx, post)
    assert [(made.account, tried.result) for made, tried in log] == [
        ("ann", "unavailable"),
        ("ann", "published"),
    ]


def test_a_paused_account_publishes_after_it_is_resumed(world: World) -> None:
    with world.store.write() as tx:
        accounts.pause_account(tx, "ann", START)
    post = published(world)
    assert post.outcome is None
    with world.store.write() as tx:
        accounts.resume_account(tx, "ann", START)
    ring(world)
    assert load_post(world.ctx, post.id).outcome is Outcome.PUBLISHED
