"""Single accounts of a post have times of their own, by the user's word."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postbell.domain.content import Override
from postbell.domain.post import PlacedBy, Post
from postbell.domain.states import DeliveryEvent, DeliveryState, Outcome, PostState
from postbell.domain.when import When
from postbell.domain.zones import wall_at
from postbell.errors import Invalid
from postbell.services.accounts.accounts import rename_account, set_limits
from postbell.services.plan import forecast
from postbell.services.plan.placing import Queue
from postbell.services.posts import actions
from postbell.services.posts.compose import add_post, edit_post, load_post
from postbell.services.posts.preview import preview_post
from postbell.services.posts.wanted import Changes, Saved, Terms, Wanted
from postbell.store import deliveries
from postbell.store.tables import core as tables
from support.placing import slots
from support.stage import live
from support.world import START, World, add_account, build_world, claim


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build_world(tmp_path) as made:
        for name in ("ann", "bob", "cat"):
            add_account(made.store, name)
        add_account(made.store, "tusk", network="mastodon", server="https://tusk.invalid")
        yield made


def at(moment: datetime, zone: str = "UTC") -> When:
    return When(at=moment, local=wall_at(moment, ZoneInfo(zone)), zone=zone)


def write(world: World, when: datetime | None = START + DAY, **more: object) -> Saved:
    wish = {"text": "Hello", "to": ("ann", "bob"), "when": at(when) if when else None} | more
    return add_post(world.ctx, Wanted(**wish))  # type: ignore[arg-type]


def due(post: Post) -> dict[str, datetime | None]:
    return {delivery.account: delivery.due_at for delivery in post.deliveries}


def refused(error: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str | None]]:
    return [(problem.where, problem.account) for problem in error.value.problems]


def test_an_account_is_published_at_its_own_time_and_the_others_at_that_of_the_post(world: World) -> None:
    post = write(world, times={"bob": at(START + HOUR)}).post
    assert due(post) == {"ann": START + DAY, "bob": START + HOUR}
    assert (post.state, post.at) == (PostState.SCHEDULED, START + HOUR)
    assert all(delivery.placed_by is None for delivery in post.deliveries)


def test_the_earliest_time_is_that_of_the_post_on_the_clocks_with_which_it_was_named(world: World) -> None:
    times = {"ann": at(START + DAY, "Asia/Tokyo"), "bob": at(START + HOUR, "America/New_York")}
    post = write(world, when=None, times=times).post
    assert (post.at, post.zone) == (START + HOUR, "America/New_York")
    assert post.local == datetime(2026, 11, 23, 5)  # noqa: DTZ001 - a clock on the wall


def test_the_clocks_of_each_account_are_kept(world: World) -> None:
    times = {"bob": at(START + 2 * DAY, "Asia/Tokyo")}
    post = write(world, times=times).post
    assert [each.zone for each in post.deliveries] == [None, "Asia/Tokyo"]
    sooner = edit_post(world.ctx, post, Changes(times={"bob": at(START + HOUR, "Asia/Tokyo")})).post
    assert (sooner.zone, [each.zone for each in sooner.deliveries]) == ("Asia/Tokyo", ["UTC", None])
    later = edit_post(world.ctx, sooner, Changes(times={"bob": at(START + 2 * DAY, "Asia/Tokyo")})).post
    assert (later.zone, later.deliveries) == ("UTC", post.deliveries)
    draft = actions.unschedule(world.ctx, later)
    assert [each.zone for each in draft.deliveries] == [None, "Asia/Tokyo"]


def test_one_may_be_published_now_and_another_later(world: World) -> None:
    post = write(world, when=START, times={"bob": at(START + DAY)}).post
    assert [each.delivery.account for each in claim(world.store)] == ["ann"]
    assert load_post(world.ctx, post.id).state is PostState.PROCESSING


def test_an_account_without_any_time_is_told_of_and_nothing_is_stored(world: World) -> None:
    with pytest.raises(Invalid) as error:
        write(world, when=None, to=("ann", "bob", "cat"), times={"bob": at(START + DAY)})
    assert refused(error) == [("--at", "ann"), ("--at", "cat")]
    assert forecast.upcoming(world.ctx, count=9) == []


def test_all_that_is_wrong_with_times_is_told_at_once(world: World) -> None:
    times = {
        "bbo": at(START + DAY),
        "cat": at(START + DAY),
        "bluesky": at(START + DAY),
        "ann": at(START + 9 * DAY),
    }
    with pytest.raises(Invalid) as error:
        write(world, times=times, terms=Terms(not_after=START + 2 * DAY))
    assert refused(error) == [
        ("--at bbo", None),
        ("--at cat", None),
        ("--at bluesky", None),
        ("--not-after", "ann"),
    ]
    messages = [problem.message for problem in error.value.problems]
    assert "Did you mean bob?" in messages[0]
    assert messages[1:3] == [
        "the post does not go to cat; add it with --to.",
        "no account of the post is on this network.",
    ]


def test_a_slip_in_a_name_is_told_with_what_it_leaves_without_a_time(world: World) -> None:
    with pytest.raises(Invalid) as error:
        write(world, when=None, times={"ann": at(START + DAY), "bbo": at(START + DAY)})
    assert refused(error) == [("--at bbo", None), ("--at", "bob")]
    with pytest.raises(Invalid) as error:
        write(world, to=("ann", "bbo"), times={"bbo": at(START + DAY)})
    assert refused(error) == [("--to", None)]


def test_a_network_stands_for_its_accounts_and_the_word_for_an_account_is_stronger(world: World) -> None:
    add_account(world.store, "toots", network="mastodon", server="https://tusk.invalid")
    times = {"mastodon": at(START + HOUR), "toots": at(START + 2 * HOUR)}
    post = write(world, to=("ann", "tusk", "toots"), times=times).post
    assert due(post) == {"ann": START + DAY, "tusk": START + HOUR, "toots": START + 2 * HOUR}


def test_the_others_are_placed_in_the_queue(world: World) -> None:
    slots(world, "ann", "12:00", zone="UTC")
    post = write(world, when=None, place=Queue(), times={"bob": at(START + HOUR)}).post
    assert due(post) == {"ann": START + 3 * HOUR, "bob": START + HOUR}
    assert [each.placed_by for each in post.deliveries] == [PlacedBy.QUEUE, None]
    alone = write(world, when=None, text="2", to=("bob",), place=Queue(), times={"bob": at(START + DAY)})
    assert alone.post.at == START + DAY


def test_limits_count_from_the_time_of_each_account(world: World) -> None:
    set_limits(world.ctx, "bob", {"late_limit": "1 h"})
    post = write(world, times={"bob": at(START + 3 * DAY)}).post
    assert [each.expires_at for each in post.deliveries] == [None, START + 3 * DAY + HOUR]


def test_one_account_misses_it_and_the_other_publishes_at_its_later_time(world: World) -> None:
    set_limits(world.ctx, "ann", {"late_limit": "1 h"})
    post = write(world, when=START, times={"bob": at(START + 2 * DAY)}).post
    world.clock.advance(DAY)  # nobody was there
    live(world, lambda stage: stage.ring())
    half = load_post(world.ctx, post.id)
    assert [each.state for each in half.deliveries] == [DeliveryState.MISSED, DeliveryState.SCHEDULED]
    assert (half.state, half.outcome) == (PostState.SCHEDULED, None)
    world.clock.advance(DAY)
    live(world, lambda stage: stage.ring())
    ended = load_post(world.ctx, post.id)
    assert [each.outcome for each in ended.deliveries] == [Outcome.MISSED, Outcome.PUBLISHED]
    assert (ended.outcome, ended.deliveries[1].lateness) == (Outcome.PARTIAL, None)


def test_what_was_published_long_before_the_time_of_an_account_is_no_duplicate_there(world: World) -> None:
    window = world.ctx.duplicate_window
    assert window
    write(world, when=START, to=("ann",))
    (sent,) = claim(world.store)
    with world.store.write() as tx:
        deliveries.record_published(tx, sent.delivery.id, receipt_id="1", url=None, warnings=(), now=START)
    with pytest.raises(Invalid, match="says the same"):
        write(world, times={"bob": at(START + window + DAY)})
    later = {"ann": at(START + window + DAY)}
    assert preview_post(world.ctx, Wanted(text="Hello", to=("ann",), times=later))[0].problems == ()
    assert due(write(world, to=("ann", "bob"), times=later).post)["ann"] == later["ann"].at


def test_a_draft_keeps_the_dates_of_its_accounts_and_never_fires(world: World) -> None:
    post = write(world, times={"bob": at(START + HOUR)}, draft=True).post
    assert (post.state, post.at) == (PostState.DRAFT, START + HOUR)
    assert due(post) == {"ann": START + DAY, "bob": START + HOUR}
    assert claim(world.store, START + 9 * DAY) == []
    shown = forecast.between(world.ctx, START + 2 * HOUR, START + 2 * DAY)
    assert [(each.account, each.at, each.draft) for each in shown] == [("ann", START + DAY, True)]


def test_a_draft_that_is_changed_keeps_its_dates(world: World) -> None:
    post = write(world, times={"bob": at(START + HOUR)}, draft=True).post
    changed = edit_post(world.ctx, post, Changes(text="Other", to=("ann", "cat"))).post
    assert (changed.state, changed.at) == (PostState.DRAFT, START + HOUR)
    assert due(changed) == {"ann": START + DAY, "cat": START + HOUR}
    assert edit_post(world.ctx, changed, Changes(to=("ann",))).post.at == START + DAY


def test_a_time_for_one_account_schedules_a_draft_at_the_dates_of_the_others(world: World) -> None:
    post = write(world, times={"bob": at(START + HOUR)}, draft=True).post
    moved = edit_post(world.ctx, post, Changes(times={"bob": at(START + 2 * DAY)})).post
    assert (moved.state, moved.at) == (PostState.SCHEDULED, START + DAY)
    assert due(moved) == {"ann": START + DAY, "bob": START + 2 * DAY}


def test_a_draft_is_not_scheduled_at_a_date_that_is_past_or_missing(world: World) -> None:
    past = write(world, times={"bob": at(START + HOUR)}, draft=True).post
    without = write(world, text="2", when=None, times={"bob": at(START + DAY)}, draft=True).post
    assert due(without) == {"ann": None, "bob": START + DAY}
    world.clock.advance(2 * HOUR)
    with pytest.raises(Invalid, match="its date, 2026-11-23 10:00 UTC, is past; give it a time as well"):
        edit_post(world.ctx, past, Changes(times={"ann": at(START + DAY)}))
    with pytest.raises(Invalid, match=r"ann.*: it has no time"):
        edit_post(world.ctx, without, Changes(times={"bob": at(START + DAY)}))


def test_a_draft_of_an_older_version_has_one_date_for_all(world: World) -> None:
    post = write(world, draft=True).post
    with world.store.write() as tx:
        tx.execute(tables.delivery.update().values(due_at=None))
    older = load_post(world.ctx, post.id)
    shown = forecast.between(world.ctx, START, START + 2 * DAY)
    assert [(each.account, each.at) for each in shown] == [("ann", START + DAY), ("bob", START + DAY)]
    moved = edit_post(world.ctx, older, Changes(times={"bob": at(START + HOUR)})).post
    assert due(moved) == {"ann": START + DAY, "bob": START + HOUR}


def test_what_is_made_a_draft_again_keeps_its_dates(world: World) -> None:
    post = write(world, times={"bob": at(START + HOUR)}).post
    assert due(actions.unschedule(world.ctx, post)) == due(post)


def test_a_time_for_one_account_leaves_the_others_where_they_are(world: World) -> None:
    post = write(world, times={"bob": at(START + HOUR)}).post
    moved = actions.reschedule(world.ctx, post, at(START + 3 * DAY), accounts=["bob"])
    assert due(moved.post) == {"ann": START + DAY, "bob": START + 3 * DAY}
    assert (moved.post.at, moved.warnings) == (START + DAY, ())


def test_a_time_for_the_post_is_for_all_and_that_is_told(world: World) -> None:
    post = write(world, times={"bob": at(START + HOUR)}).post
    moved = actions.reschedule(world.ctx, post, at(START + 3 * DAY))
    assert set(due(moved.post).values()) == {START + 3 * DAY}
    assert [str(each) for each in moved.warnings] == [
        "time: its accounts had times of their own; now they have this one."
    ]
    again = actions.reschedule(world.ctx, moved.post, at(START + 4 * DAY))
    assert again.warnings == ()


def test_other_words_leave_all_times_alone(world: World) -> None:
    post = write(world, times={"bob": at(START + HOUR)}).post
    changed = edit_post(world.ctx, post, Changes(overrides={"bob": Override(text="For bob")})).post
    assert (due(changed), changed.at) == (due(post), post.at)


def test_a_new_account_may_come_with_a_time(world: World) -> None:
    post = write(world).post
    changes = Changes(to=("ann", "bob", "cat"), times={"cat": at(START + HOUR)})
    assert due(edit_post(world.ctx, post, changes).post)["cat"] == START + HOUR


def test_an_account_that_has_missed_it_is_given_no_time(world: World) -> None:
    post = write(world, times={"bob": at(START + 3 * DAY)}).post
    with world.store.write() as tx:
        of_ann = tables.delivery.c.id == post.deliveries[0].id
        deliveries.move(tx, of_ann, DeliveryEvent.MISS, ended_at=START)
    missed = load_post(world.ctx, post.id)
    with pytest.raises(Invalid, match="it has missed the post"):
        edit_post(world.ctx, missed, Changes(times={"ann": at(START + 4 * DAY)}))
    moved = edit_post(world.ctx, missed, Changes(times={"bob": at(START + 4 * DAY)})).post
    assert moved.deliveries[0].state is DeliveryState.MISSED
    assert due(moved)["bob"] == START + 4 * DAY


def test_a_time_follows_its_account_to_its_new_name(world: World) -> None:
    post = write(world, times={"bob": at(START + HOUR)}, draft=True).post
    rename_account(world.ctx, "bob", "robert")
    assert due(load_post(world.ctx, post.id))["robert"] == START + HOUR


def test_a_look_at_what_would_be_sent_shows_the_time_of_each_account(world: World) -> None:
    wish = Wanted(text="Hello", to=("ann", "bob"), times={"bob": at(START + HOUR)})
    first, second = preview_post(world.ctx, wish)
    assert (first.at, second.at) == (None, START + HOUR)
    assert [str(each) for each in first.problems] == [
        "--at (for ann): it has no time; give it one, or one to all that have none of their own."
    ]
    with pytest.raises(Invalid) as error:
        preview_post(world.ctx, Wanted(text="Hello", to=("ann",), times={"bbo": at(START + HOUR)}))
    assert refused(error) == [("--at bbo", None)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shared=st.none() | st.integers(1, 10_000),
    own=st.dictionaries(st.sampled_from(["ann", "bob", "cat"]), st.integers(1, 10_000)),
    moved=st.dictionaries(st.sampled_from(["ann", "bob", "cat"]), st.integers(1, 10_000), min_size=1),
    draft=st.booleans(),
)
def test_every_account_has_the_last_time_that_was_said_of_it(
    world: World, shared: int | None, own: dict[str, int], moved: dict[str, int], *, draft: bool
) -> None:
    def minute(number: int) -> datetime:
        return START + number * timedelta(minutes=1)

    names = ("ann", "bob", "cat")
    wish = Wanted(
        text="Hello",
        to=names,
        when=at(minute(shared)) if shared else None,
        times={name: at(minute(number)) for name, number in own.items()},
        draft=draft,
        terms=Terms(allow_duplicate=True),
    )
    expected = {name: own.get(name, shared) for name in names}
    if not draft and (shared or own) and None in expected.values():
        with pytest.raises(Invalid):
            add_post(world.ctx, wish)
        return
    post = add_post(world.ctx, wish).post
    first = min((number for number in expected.values() if number), default=None)
    assert post.at == (minute(first) if first else None)
    for name, when in due(post).items():
        number = expected[name]
        assert when == (minute(number) if number else None)
    expected |= moved
    changes = Changes(times={name: at(minute(number)) for name, number in moved.items()})
    if None in expected.values():
        with pytest.raises(Invalid):
            edit_post(world.ctx, post, changes)
        return
    changed = edit_post(world.ctx, post, changes).post
    assert changed.state is PostState.SCHEDULED
    assert due(changed) == {name: minute(number) for name, number in expected.items() if number}
    assert changed.at == min(filter(None, due(changed).values()))
    assert changed.at.tzinfo is UTC
