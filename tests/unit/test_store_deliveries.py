from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from postbell.domain.states import (
    DELETABLE,
    DELIVERY_STEPS,
    POST_STEPS,
    DeliveryEvent,
    DeliveryState,
    Outcome,
    PostEvent,
    PostState,
)
from postbell.errors import Conflict, IllegalTransition, Stale
from postbell.store import accounts, deliveries, overdue, posts
from postbell.store.engine import Store
from postbell.store.tables.core import attempt, delivery, post
from postbell.store.waits import shift_waits
from support.world import (
    START,
    add_post,
    claim,
    delivery_in,
    delivery_of,
    open_store,
    picture,
    planned,
    post_of,
)


LATER = START + timedelta(hours=1)

D, P = DeliveryState, PostState


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


# Every step of a delivery, and every step that there is not.


def account_of_delivery(tx: Connection, delivery_id: int) -> int:
    account_id: int = tx.execute(
        select(delivery.c.account_id).where(delivery.c.id == delivery_id)
    ).scalar_one()
    return account_id


#: The verb of each event; called with the delivery's id and its post's. The claim is no verb of one delivery.
VERBS: dict[DeliveryEvent, Callable[[Connection, int, str], Any]] = {
    DeliveryEvent.SCHEDULE: lambda tx, id_, post_id: deliveries.schedule_deliveries(
        tx, post_id, planned([account_of_delivery(tx, id_)], LATER)
    ),
    DeliveryEvent.UNSCHEDULE: lambda tx, _id, post_id: deliveries.unschedule_deliveries(tx, post_id),
    DeliveryEvent.PUBLISH: lambda tx, id_, _post: deliveries.record_published(
        tx, id_, receipt_id="r9", url=None, warnings=["cropped"], now=LATER
    ),
    DeliveryEvent.FIND: lambda tx, id_, _post: deliveries.record_published(
        tx, id_, receipt_id="r9", url=None, warnings=(), now=LATER, found=True
    ),
    DeliveryEvent.FAIL: lambda tx, id_, _post: deliveries.record_failed(tx, id_, "no", LATER),
    DeliveryEvent.RETRY: lambda tx, id_, _post: deliveries.record_retry(tx, id_, "down", LATER),
    DeliveryEvent.SNOOZE: lambda tx, id_, _post: deliveries.snooze(tx, id_, "busy", LATER),
    DeliveryEvent.LOSE: lambda tx, id_, _post: deliveries.lose_track(tx, id_, "lost"),
    DeliveryEvent.RESEND: lambda tx, id_, _post: deliveries.resend(tx, id_, try_at=LATER),
    DeliveryEvent.GIVE_UP: lambda tx, id_, _post: deliveries.give_up(tx, id_, "given up", LATER),
    DeliveryEvent.MISS: lambda tx, id_, _post: overdue.miss(tx, [id_], "it was due for too long", LATER),
    DeliveryEvent.CANCEL: lambda tx, _id, post_id: deliveries.cancel_waiting(tx, post_id, LATER),
    DeliveryEvent.REOPEN: lambda tx, id_, _post: deliveries.reopen(tx, id_, LATER),
}

#: Verbs that move whatever may move; where that is nothing, they do nothing.
WHOLESALE = {DeliveryEvent.SCHEDULE, DeliveryEvent.UNSCHEDULE, DeliveryEvent.MISS, DeliveryEvent.CANCEL}

PAIRS = list(itertools.product(DeliveryState, VERBS))
LEGAL = [pair for pair in PAIRS if pair in DELIVERY_STEPS]
ILLEGAL = [pair for pair in PAIRS if pair not in DELIVERY_STEPS]


def content_of(store: Store) -> list[Any]:
    """Return every row of posts and deliveries."""
    with store.read() as tx:
        return [tx.execute(select(table).order_by(table.c.id)).all() for table in (post, delivery, attempt)]


def test_every_event_has_its_verb() -> None:
    assert {*VERBS, DeliveryEvent.CLAIM} == set(DeliveryEvent)


@pytest.mark.parametrize(("state", "event"), LEGAL)
def test_a_verb_takes_the_step_that_the_table_allows(
    store: Store, state: DeliveryState, event: DeliveryEvent
) -> None:
    made = delivery_in(store, state, Outcome.FAILED)
    with store.write() as tx:
        VERBS[event](tx, made.id, made.post_id)
    assert delivery_of(store, made.id).state is DELIVERY_STEPS[state, event]


@pytest.mark.parametrize(("state", "event"), ILLEGAL)
def test_a_verb_changes_nothing_where_the_table_has_no_step(
    store: Store, state: DeliveryState, event: DeliveryEvent
) -> None:
    made = delivery_in(store, state)
    before = content_of(store)
    if event in WHOLESALE:
        with suppress(Stale), store.write() as tx:
            VERBS[event](tx, made.id, made.post_id)
    else:
        with pytest.raises(Stale, match=f"Delivery {made.id} "), store.write() as tx:
            VERBS[event](tx, made.id, made.post_id)
    assert content_of(store) == before


@pytest.mark.parametrize(
    "state", [state for state in D if (state, DeliveryEvent.CLAIM) not in DELIVERY_STEPS]
)
def test_nothing_but_a_scheduled_delivery_is_claimed(store: Store, state: DeliveryState) -> None:
    delivery_in(store, state)
    before = content_of(store)
    assert claim(store, START + timedelta(days=9)) == []
    assert content_of(store) == before


def test_a_published_delivery_is_never_reopened(store: Store) -> None:
    made = delivery_in(store, D.PROCESSED, Outcome.PUBLISHED)
    with pytest.raises(Stale), store.write() as tx:
        deliveries.reopen(tx, made.id, LATER)
    assert delivery_of(store, made.id) == made


def test_an_unknown_delivery_is_stale(store: Store) -> None:
    for event in (DeliveryEvent.PUBLISH, DeliveryEvent.RESEND, DeliveryEvent.REOPEN):
        with pytest.raises(Stale), store.write() as tx:
            VERBS[event](tx, 999, "none")


# Every step of a post, and every step that there is not.

#: How a post comes into each state: the state of its one delivery.
REACHED_BY = {
    P.DRAFT: D.DRAFT,
    P.SCHEDULED: D.SCHEDULED,
    P.PROCESSING: D.PROCESSING,
    P.PROCESSED: D.PROCESSED,
    P.CANCELLED: D.CANCELLED,
}
BY_THE_USER = (PostEvent.SCHEDULE, PostEvent.UNSCHEDULE, PostEvent.EDIT, PostEvent.CANCEL)
BY_DELIVERIES = (PostEvent.START, PostEvent.FINISH, PostEvent.REOPEN)


@pytest.mark.parametrize(("state", "event"), list(itertools.product(PostState, BY_THE_USER)))
def test_a_post_takes_the_steps_of_the_table_and_no_other(
    store: Store, state: PostState, event: PostEvent
) -> None:
    found = post_of(store, delivery_in(store, REACHED_BY[state]).post_id)
    assert found.state is state
    before = content_of(store)
    changed = replace(found, content=replace(found.content, text="changed"), at=START)
    if (state, event) in POST_STEPS:
        with store.write() as tx:
            posts.update_post(tx, changed, event)
        now = post_of(store, found.id)
        assert (now.state, now.content.text) == (POST_STEPS[state, event], "changed")
        assert now.version == found.version + 1
    else:
        with pytest.raises(IllegalTransition), store.write() as tx:
            posts.update_post(tx, changed, event)
        assert content_of(store) == before


@pytest.mark.parametrize(("state", "event"), list(itertools.product(PostState, BY_DELIVERIES)))
def test_deliveries_move_their_post_as_the_table_says(
    store: Store, state: PostState, event: PostEvent
) -> None:
    found = post_of(store, delivery_in(store, REACHED_BY[state]).post_id)
    with store.write() as tx:
        deliveries.move_posts(tx, [found.id], event)
    assert post_of(store, found.id).state is POST_STEPS.get((state, event), state)


@pytest.mark.parametrize("state", PostState)
def test_only_posts_that_are_no_record_are_deleted(store: Store, state: PostState) -> None:
    made = delivery_in(store, REACHED_BY[state])
    before = content_of(store)
    if state in DELETABLE:
        with store.write() as tx:
            posts.delete_post(tx, made.post_id)
        assert content_of(store) == [[], [], []]
    else:
        with pytest.raises(Conflict), store.write() as tx:
            posts.delete_post(tx, made.post_id)
        assert content_of(store) == before


def test_a_change_of_what_somebody_else_has_changed_is_stale(store: Store) -> None:
    found = add_post(store)
    mine = replace(found, content=replace(found.content, text="mine", media=(picture(),)))
    with store.write() as tx:
        posts.update_post(tx, found, PostEvent.EDIT)
    before = content_of(store)
    with pytest.raises(Stale, match=found.id), store.write() as tx:
        posts.update_post(tx, mine, PostEvent.EDIT)
    assert content_of(store) == before


def test_a_change_of_a_post_that_was_taken_up_meanwhile_is_stale(store: Store) -> None:
    found = add_post(store)
    claim(store)
    with pytest.raises(Stale), store.write() as tx:
        posts.update_post(tx, found, PostEvent.CANCEL)
    assert post_of(store, found.id).state is P.PROCESSING


# What the verbs write down.


def test_a_published_delivery_keeps_its_receipt(store: Store) -> None:
    made = delivery_in(store, D.PROCESSING)
    with store.write() as tx:
        deliveries.record_published(
            tx, made.id, receipt_id="r7", url="https://n.example/7", warnings=["cropped"], now=LATER
        )
    found = delivery_of(store, made.id)
    assert (found.receipt_id, found.url, found.warnings) == ("r7", "https://n.example/7", ("cropped",))
    assert (found.ended_at, found.message, found.outcome) == (LATER, None, Outcome.PUBLISHED)


def test_a_snooze_gives_the_try_back_and_a_retry_does_not(store: Store) -> None:
    first, second = delivery_in(store, D.PROCESSING), delivery_in(store, D.PROCESSING)
    with store.write() as tx:
        deliveries.snooze(tx, first.id, "wait", LATER)
        deliveries.record_retry(tx, second.id, "down", LATER)
    assert [delivery_of(store, found.id).tries for found in (first, second)] == [0, 1]
    assert [delivery_of(store, found.id).try_at for found in (first, second)] == [LATER, LATER]


def test_progress_is_stored_while_it_is_under_way_and_kept_for_the_next_try(store: Store) -> None:
    made = delivery_in(store, D.PROCESSING)
    with store.write() as tx:
        deliveries.save_progress(tx, made.id, {"step": "upload", "data": {"id": "c1"}})
        deliveries.snooze(tx, made.id, None, LATER)
    assert delivery_of(store, made.id).progress == {"step": "upload", "data": {"id": "c1"}}
    with pytest.raises(Stale), store.write() as tx:
        deliveries.save_progress(tx, made.id, {"step": "late"})


def test_unscheduling_leaves_the_date_alone(store: Store) -> None:
    made = delivery_in(store, D.SCHEDULED)
    with store.write() as tx:
        deliveries.unschedule_deliveries(tx, made.post_id)
    found = delivery_of(store, made.id)
    assert (found.state, found.due_at, found.try_at) == (D.DRAFT, made.due_at, None)


def test_hastening_moves_only_what_waits(store: Store) -> None:
    made = add_post(store, to=("ann", "bob", "cat"))
    lost, waits, _untried = claim(store)
    with store.write() as tx:
        deliveries.lose_track(tx, lost.delivery.id, "lost")
        deliveries.record_retry(tx, waits.delivery.id, "down", LATER)
        deliveries.hasten(tx, made.id, START + timedelta(seconds=1))
    assert delivery_of(store, waits.delivery.id).try_at == START + timedelta(seconds=1)
    assert delivery_of(store, lost.delivery.id).try_at == START


def test_accounts_are_taken_away_only_where_nothing_was_tried(store: Store) -> None:
    made = add_post(store, to=("ann", "bob"))
    (tried,) = claim(store, limit=1)
    with store.write() as tx:
        deliveries.drop_deliveries(tx, made.id, [found.account_id for found in made.deliveries])
    assert [found.id for found in post_of(store, made.id).deliveries] == [tried.delivery.id]


def test_a_post_without_accounts_has_no_deliveries(store: Store) -> None:
    with store.write() as tx:
        deliveries.add_deliveries(tx, "none", [])
    assert content_of(store) == [[], [], []]


def test_deliveries_are_counted_and_listed_by_state(store: Store) -> None:
    for state in (D.SCHEDULED, D.SCHEDULED, D.UNSURE):
        delivery_in(store, state)
    with store.read() as tx:
        assert deliveries.count_by_state(tx) == {D.SCHEDULED: 2, D.UNSURE: 1}
        listed = deliveries.list_in_state(tx, D.SCHEDULED)
    assert [found.due_at for found in listed] == sorted(found.due_at or START for found in listed)


def test_a_post_whose_accounts_were_all_removed_is_not_scheduled(store: Store) -> None:
    draft = add_post(store, to=("ann",), at=None)
    with store.write() as tx:
        accounts.remove_account(tx, "ann", START)
    with pytest.raises(Stale, match="accounts of post"), store.write() as tx:
        deliveries.schedule_deliveries(tx, draft.id, planned([1]))


DAY, DAYS = timedelta(days=1), timedelta(days=300)


def test_waits_that_were_written_while_the_clock_was_ahead_last_as_long_as_they_would_have(
    store: Store,
) -> None:
    made = delivery_in(store, DeliveryState.SCHEDULED)
    (taken,) = claim(store, START)
    soon = START + timedelta(seconds=9)
    with store.write() as tx:
        deliveries.record_retry(tx, taken.delivery.id, "refused", soon + DAYS)
        accounts.rest_account(tx, taken.account.id, until=soon + DAYS, reason="refused")
    with store.write() as tx:
        shift_waits(tx, -DAYS, START, longest=DAY)
    assert claim(store, START + timedelta(seconds=8)) == []
    assert [again.delivery.id for again in claim(store, soon)] == [made.id]


def test_nothing_is_tried_before_it_is_due_because_the_clock_went_back(store: Store) -> None:
    tried = delivery_in(store, DeliveryState.SCHEDULED)
    (taken,) = claim(store, START)
    coming = delivery_in(store, DeliveryState.SCHEDULED)
    with store.write() as tx:
        deliveries.snooze(tx, taken.delivery.id, None, START + timedelta(seconds=5))
        shift_waits(tx, -DAYS, START - DAYS, longest=DAY)
    for each in (tried, coming):
        assert delivery_of(store, each.id).try_at == each.due_at


def test_a_wait_that_no_clock_explains_is_over(store: Store) -> None:
    made = delivery_in(store, DeliveryState.SCHEDULED)
    (taken,) = claim(store, START)
    with store.write() as tx:
        deliveries.snooze(tx, taken.delivery.id, None, START + DAYS)
        accounts.rest_account(tx, taken.account.id, until=START + DAYS, reason="asked to")
        accounts.keep_apart(tx, taken.account.id, START + DAYS)
        shift_waits(tx, timedelta(seconds=-2), START, longest=DAY)
    assert [again.delivery.id for again in claim(store, START)] == [made.id]
