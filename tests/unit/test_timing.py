"""When each account publishes a post: at the time of the user, in the queue, or at the best moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from postbell.domain.post import PlacedBy, Post
from postbell.domain.states import PostState
from postbell.domain.weekly import WeeklySlots, parse_weekly
from postbell.domain.when import When
from postbell.errors import Invalid
from postbell.services.plan.placing import Auto, Placing, Queue, QueueMode
from postbell.services.posts import actions
from postbell.services.posts.compose import add_post, edit_post, load_post
from postbell.services.posts.preview import preview_post
from postbell.services.posts.wanted import Changes, Saved, Terms, Wanted, terms_of
from postbell.store import accounts
from postbell.store.engine import Store
from support.world import START, World, add_account, build_world


DAY = timedelta(days=1)
#: The first two posting times of ann and bob: 10:00 and 11:00 on the day of START.
TEN, ELEVEN = START + timedelta(hours=1), START + timedelta(hours=2)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as made:
        for name, times in (("ann", "daily 10:00"), ("bob", "daily 11:00")):
            add_account(made.store, name)
            give_slots(made.store, name, times)
        add_account(made.store, "cleo")
        yield made


def give_slots(store: Store, name: str, times: str) -> None:
    slots = WeeklySlots(
        zone="Asia/Tokyo" if name == "cleo" else "UTC", times=parse_weekly([times], where="x")
    )
    with store.write() as tx:
        accounts.set_slots(tx, name, slots)


def queued(world: World, text: str = "Hello", *to: str, mode: QueueMode = QueueMode.FREE) -> Saved:
    return add_post(world.ctx, Wanted(text=text, to=to or ("ann",), place=Queue(mode=mode)))


def due(post: Post) -> dict[str, datetime | None]:
    return {delivery.account: delivery.due_at for delivery in post.deliveries}


def at(moment: datetime) -> When:
    return When(at=moment, local=moment.replace(tzinfo=None), zone="UTC")


def test_each_account_takes_its_own_free_time_and_the_earliest_is_that_of_the_post(world: World) -> None:
    post = queued(world, "Hello", "bob", "ann").post
    assert (post.state, post.at, post.local, post.zone) == (
        PostState.SCHEDULED,
        TEN,
        TEN.replace(tzinfo=None),
        "UTC",
    )
    assert due(post) == {"ann": TEN, "bob": ELEVEN}
    assert {delivery.placed_by for delivery in post.deliveries} == {PlacedBy.QUEUE}
    assert all("the next free posting time" in (delivery.placed_why or "") for delivery in post.deliveries)


def test_the_clock_of_the_account_is_that_of_the_post(world: World) -> None:
    give_slots(world.store, "cleo", "daily 20:00")
    post = queued(world, "Hello", "cleo").post
    assert (post.at, post.zone) == (ELEVEN, "Asia/Tokyo")
    assert post.local == datetime(2026, 11, 23, 20)  # noqa: DTZ001 - a clock on the wall


def test_who_comes_next_is_told_whom_he_moved(world: World) -> None:
    first = queued(world, "1").post
    second = queued(world, "2", mode=QueueMode.NEXT)
    assert (second.post.at, second.moved) == (TEN, (first.id,))
    assert load_post(world.ctx, first.id).at == TEN + DAY
    assert queued(world, "3", mode=QueueMode.LAST).post.at == TEN + 2 * DAY


def test_the_best_moment_of_a_range_is_inside_of_it_and_says_why(world: World) -> None:
    place = Auto(start=START + DAY, end=START + 2 * DAY, seed=1)
    saved = add_post(world.ctx, Wanted(text="Hello", to=("ann",), place=place))
    (delivery,) = saved.post.deliveries
    assert (delivery.due_at, delivery.placed_by) == (TEN + DAY, PlacedBy.AUTO)
    assert delivery.placed_why


def test_an_account_without_posting_times_is_refused_and_nothing_is_stored_or_moved(world: World) -> None:
    first = queued(world, "1").post
    with pytest.raises(Invalid, match="cleo"):
        queued(world, "2", "ann", "cleo", mode=QueueMode.NEXT)
    assert load_post(world.ctx, first.id) == first


def test_a_duplicate_moves_nothing_in_the_queue(world: World) -> None:
    first = queued(world, "Hello").post
    with pytest.raises(Invalid, match="says the same"):
        queued(world, "Hello", mode=QueueMode.NEXT)
    assert load_post(world.ctx, first.id) == first


def test_a_duplicate_is_told_although_there_is_no_place_for_it(world: World) -> None:
    queued(world, "Hello")
    with pytest.raises(Invalid) as refused:
        queued(world, "Hello", "ann", "cleo")
    assert [(problem.where, problem.account) for problem in refused.value.problems] == [
        ("text", "ann"),
        ("--queue", "cleo"),
    ]


def test_a_place_behind_the_last_moment_of_a_post_is_refused(world: World) -> None:
    wanted = Wanted(text="Hello", to=("ann", "bob"), place=Queue(), terms=Terms(not_after=TEN))
    with pytest.raises(Invalid, match="bob") as refused:
        add_post(world.ctx, wanted)
    assert "ann" not in str(refused.value)


def test_an_edit_keeps_the_time_of_each_account_and_why_it_has_it(world: World) -> None:
    post = queued(world, "Hello", "ann", "bob").post
    changed = edit_post(world.ctx, post, Changes(text="Bye")).post
    assert (changed.at, due(changed)) == (TEN, {"ann": TEN, "bob": ELEVEN})
    assert [(d.placed_by, d.placed_why) for d in changed.deliveries] == [
        (d.placed_by, d.placed_why) for d in post.deliveries
    ]
    assert changed.deliveries[0].fingerprint != post.deliveries[0].fingerprint


def test_an_account_that_joins_publishes_at_the_time_of_the_post(world: World) -> None:
    post = queued(world, "Hello", "ann", "bob").post
    changed = edit_post(world.ctx, post, Changes(to=("bob", "ann", "cleo"))).post
    assert due(changed) == {"ann": TEN, "bob": ELEVEN, "cleo": TEN}
    assert changed.deliveries[-1].placed_by is None


def test_the_post_follows_when_its_earliest_account_goes(world: World) -> None:
    post = queued(world, "Hello", "ann", "bob").post
    changed = edit_post(world.ctx, post, Changes(to=("bob",))).post
    assert (changed.at, changed.local, changed.zone) == (ELEVEN, ELEVEN.replace(tzinfo=None), "UTC")


@pytest.mark.parametrize("how", ["edit", "reschedule", "publish"])
def test_a_time_of_the_users_own_is_that_of_all_accounts(world: World, how: str) -> None:
    post = queued(world, "Hello", "ann", "bob").post
    wanted = START if how == "publish" else START + 5 * DAY
    if how == "edit":
        edit_post(world.ctx, post, Changes(when=at(wanted)))
    elif how == "reschedule":
        actions.reschedule(world.ctx, post, at(wanted))
    else:
        actions.publish_now(world.ctx, post)
    now = load_post(world.ctx, post.id)
    assert (now.at, due(now)) == (wanted, {"ann": wanted, "bob": wanted})
    assert {(d.placed_by, d.placed_why) for d in now.deliveries} == {(None, None)}


@pytest.mark.parametrize("how", ["edit", "reschedule"])
@pytest.mark.parametrize("state", ["draft", "scheduled"])
def test_a_stored_post_is_put_into_the_queue(world: World, how: str, state: str) -> None:
    wanted = Wanted(text="Hello", to=("ann",), when=at(START + 5 * DAY), draft=state == "draft")
    post, place = add_post(world.ctx, wanted).post, Queue()
    if how == "edit":
        saved = edit_post(world.ctx, post, Changes(place=place))
    else:
        saved = actions.reschedule(world.ctx, post, place)
    assert (saved.post.state, saved.post.at, due(saved.post)) == (PostState.SCHEDULED, TEN, {"ann": TEN})


def test_a_post_that_is_queued_anew_may_keep_its_place(world: World) -> None:
    post = queued(world).post
    assert actions.reschedule(world.ctx, post, Queue()).post.at == TEN


def test_a_stored_time_behind_the_last_moment_does_not_bar_the_queue(world: World) -> None:
    post = add_post(world.ctx, Wanted(text="Hello", to=("ann",), when=at(START + 5 * DAY))).post
    saved = edit_post(world.ctx, post, Changes(place=Queue(), terms=Terms(not_after=START + DAY)))
    assert saved.post.deliveries[0].expires_at == START + DAY


def test_terms_stay_unless_they_are_given_anew(world: World) -> None:
    terms = Terms(
        labels=("news",),
        late_limit=timedelta(hours=6),
        not_after=START + DAY,
        delete_after=7 * DAY,
        allow_duplicate=True,
    )
    post = add_post(world.ctx, Wanted(text="Hello", to=("ann",), when=at(TEN), terms=terms)).post
    assert terms_of(post) == terms
    assert (post.deliveries[0].late_limit, post.deliveries[0].expires_at) == (
        timedelta(hours=6),
        TEN + timedelta(hours=6),
    )
    post = edit_post(world.ctx, post, Changes(text="Bye")).post
    assert terms_of(post) == terms
    post = edit_post(world.ctx, post, Changes(terms=Terms())).post
    assert (terms_of(post), post.deliveries[0].expires_at) == (Terms(), None)


@pytest.mark.parametrize("place", [Queue(mode=QueueMode.NEXT), Auto(start=START, end=START + 2 * DAY)])
def test_a_preview_shows_the_place_and_moves_nothing(world: World, place: Placing) -> None:
    first = queued(world, "1").post
    (shown,) = preview_post(world.ctx, Wanted(text="2", to=("ann",), place=place))
    assert shown.at is not None
    assert shown.why
    assert load_post(world.ctx, first.id) == first
