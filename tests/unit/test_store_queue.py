from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, insert, update

from postbell.domain.account import Health
from postbell.domain.pause import Pause, PauseScope
from postbell.domain.post import AttemptKind
from postbell.domain.retry import STUCK_AFTER
from postbell.domain.states import DeliveryState, PostState
from postbell.store import accounts, attempts, deliveries, pauses, queue
from postbell.store.engine import Store
from postbell.store.tables.core import account, attempt, delivery, pause, post
from support.world import (
    START,
    account_of,
    account_row,
    add_account,
    add_post,
    after,
    claim,
    delivery_in,
    delivery_of,
    delivery_row,
    locate,
    open_store,
    picture,
    post_of,
    post_row,
    tries_of,
)


LATER = START + timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def taken(store: Store, now: datetime = START, *, limit: int = 100) -> list[str]:
    """Claim, and return for whom, in the order of the claims."""
    return [found.account.name for found in claim(store, now, limit=limit)]


def waiting(store: Store) -> dict[str, queue.Waiting]:
    with store.read() as tx:
        return {found.account: found for found in queue.next_due(tx)}


# Who is next.


def test_nothing_is_claimed_before_its_time(store: Store) -> None:
    add_post(store, at=after(1))
    assert taken(store, START) == []
    assert taken(store, after(1)) == ["ann"]


def test_a_draft_is_never_claimed(store: Store) -> None:
    add_post(store, at=None)
    assert taken(store, after(1e6)) == []


def test_the_earliest_due_is_claimed_first(store: Store) -> None:
    for name, seconds in (("ann", 3), ("bob", 1), ("cat", 2)):
        add_post(store, to=(name,), at=after(seconds))
    assert taken(store, after(3)) == ["bob", "cat", "ann"]


def test_no_more_is_claimed_than_was_asked_for_and_the_earliest_go_first(store: Store) -> None:
    for name, seconds in (("ann", 3), ("bob", 1), ("cat", 2)):
        add_post(store, to=(name,), at=after(seconds))
    assert taken(store, after(3), limit=2) == ["bob", "cat"]
    assert taken(store, after(3), limit=2) == ["ann"]


def test_an_account_publishes_one_after_the_other_in_the_order_of_their_times(store: Store) -> None:
    second, first = add_post(store, at=after(2)), add_post(store, at=after(1))
    (one,) = claim(store, after(5))
    assert one.post.id == first.id
    assert taken(store, after(5)) == []
    with store.write() as tx:
        deliveries.record_failed(tx, one.delivery.id, "no", after(5))
    (two,) = claim(store, after(5))
    assert two.post.id == second.id


def test_of_two_at_the_same_time_the_one_written_first_goes_first(store: Store) -> None:
    first = add_post(store)
    add_post(store)
    assert [found.post.id for found in claim(store)] == [first.id]


def test_a_setback_holds_back_its_own_account_and_no_other(store: Store) -> None:
    add_post(store, to=("ann", "bob"))
    add_post(store, to=("ann", "bob"), at=after(1))
    for found in claim(store):
        with store.write() as tx:
            if found.account.name == "ann":
                deliveries.record_retry(tx, found.delivery.id, "down", after(60))
            else:
                deliveries.record_failed(tx, found.delivery.id, "no", START)
    assert taken(store, after(59)) == ["bob"]
    assert taken(store, after(60)) == ["ann"]


def test_an_unsure_delivery_holds_nothing_back(store: Store) -> None:
    add_post(store)
    (lost,) = claim(store)
    second = add_post(store, at=after(1))
    with store.write() as tx:
        deliveries.lose_track(tx, lost.delivery.id, "lost")
    assert [found.post.id for found in claim(store, after(1))] == [second.id]


def test_a_paused_account_waits_until_it_is_resumed(store: Store) -> None:
    add_post(store)
    with store.write() as tx:
        accounts.pause_account(tx, "ann", START)
    assert (taken(store), waiting(store)) == ([], {})
    with store.write() as tx:
        accounts.resume_account(tx, "ann", after(9))
    assert waiting(store)["ann"].ready_at == after(9)
    assert taken(store, after(9)) == ["ann"]
    assert account_of(store, "ann").rest_reason == "the account was paused"


def test_an_account_that_the_network_refuses_waits_until_it_is_well(store: Store) -> None:
    ann = add_account(store)
    add_post(store)
    with store.write() as tx:
        accounts.mark_unauthorized(tx, ann.id, "wrong password")
    assert (taken(store), waiting(store)) == ([], {})
    with store.write() as tx:
        accounts.mark_well(tx, ann.id, handle="@ann", session={"a": 1}, now=after(9))
    assert taken(store, after(9)) == ["ann"]


def test_a_resting_account_waits_until_it_has_rested(store: Store) -> None:
    ann = add_account(store)
    add_post(store, to=("ann", "bob"))
    with store.write() as tx:
        accounts.rest_account(tx, ann.id, until=after(30), reason="rate limited")
    assert waiting(store)["ann"].ready_at == after(30)
    assert taken(store, after(29)) == ["bob"]
    assert taken(store, after(30)) == ["ann"]


def test_a_pause_does_not_shorten_a_rest(store: Store) -> None:
    ann = add_account(store)
    with store.write() as tx:
        accounts.rest_account(tx, ann.id, until=after(600), reason="rate limited")
        accounts.pause_account(tx, "ann", after(1))
        accounts.resume_account(tx, "ann", after(2))
        accounts.mark_unauthorized(tx, ann.id, "wrong password")
        accounts.mark_well(tx, ann.id, handle=None, session=None, now=after(3))
    assert account_of(store, "ann").rests_until == after(600)
    assert account_of(store, "ann").rest_reason == "rate limited"


def test_a_label_that_is_paused_until_a_time_sets_the_bell_to_that(store: Store) -> None:
    held, free = add_post(store), add_post(store, at=after(90))
    with store.write() as tx:
        tx.execute(update(post).where(post.c.id == held.id).values(labels=["x"]))
        pauses.pause(tx, Pause(scope=PauseScope.LABEL, name="x", since=START, until=after(60)))
    with store.read() as tx:
        found = [(each.post_id, each.ready_at) for each in queue.next_due(tx)]
    assert found == [(free.id, after(90)), (held.id, after(60))]
    assert claim(store, after(59)) == []
    assert [each.post.id for each in claim(store, after(60))] == [held.id]


def test_what_a_paused_label_holds_back_without_an_end_is_not_waited_for(store: Store) -> None:
    add_post(store)
    with store.write() as tx:
        tx.execute(update(post).values(labels=["x"]))
        for name, until in (("x", None), ("y", after(60))):
            pauses.pause(tx, Pause(scope=PauseScope.LABEL, name=name, since=START, until=until))
        pauses.end_pauses(tx, after(60))
    assert (taken(store, after(60)), waiting(store)) == ([], {})


def stick(store: Store, now: datetime, try_at: datetime) -> None:
    """Let the one delivery that is due be tried in vain until it is stuck; it waits until a time."""
    for _ in range(STUCK_AFTER):
        (found,) = claim(store, now, limit=1)
        with store.write() as tx:
            deliveries.record_retry(tx, found.delivery.id, "no", now)
    with store.write() as tx:
        tx.execute(update(delivery).where(delivery.c.id == found.delivery.id).values(try_at=try_at))


def test_what_is_stuck_is_passed_over_until_its_time_and_then_goes_first(store: Store) -> None:
    bad, second, third = (add_post(store, at=after(n)) for n in range(3))
    stick(store, START, after(60))
    (found,) = claim(store, after(59))
    assert found.post.id == second.id
    with store.write() as tx:
        deliveries.record_failed(tx, found.delivery.id, "no", after(59))
    (found,) = claim(store, after(60))
    assert found.post.id == bad.id
    assert third.deliveries


def test_what_steps_aside_waits_for_longer_and_never_for_less(store: Store) -> None:
    add_post(store)
    ann = account_of(store, "ann").id
    stick(store, START, after(60))
    for until, expected in ((30, 60), (90, 90)):
        with store.write() as tx:
            deliveries.step_aside(tx, ann, after(until))
        assert waiting(store)["ann"].ready_at == after(expected)
    with store.write() as tx:
        deliveries.free_stuck(tx, ann, after(5))
        deliveries.step_aside(tx, ann + 1, after(500))
    assert waiting(store)["ann"].ready_at == after(5)


def test_during_whose_last_try_a_process_ended_is_a_suspect_until_it_is_tried_again(store: Store) -> None:
    add_post(store, to=("ann", "bob"))
    lost, _other = claim(store)
    with store.write() as tx:
        attempts.close_interrupted(tx, lost.delivery.id, START)
        deliveries.lose_track(tx, lost.delivery.id, "lost")
        assert queue.has_suspects(tx)
        deliveries.resend(tx, lost.delivery.id, try_at=START)
        assert queue.has_suspects(tx)
    assert claim(store) == []
    assert waiting(store) == {}
    with store.write() as tx:
        (again,) = queue.claim_due(tx, START, 9, locate, suspects=True)
        assert again.delivery.id == lost.delivery.id
        attempts.close_attempt(tx, again.attempt_id, result="unavailable", message=None, now=START)
        deliveries.record_retry(tx, again.delivery.id, "down", after(1))
        assert not queue.has_suspects(tx)
        assert queue.claim_due(tx, after(1), 9, locate, suspects=True) == []
    assert taken(store, after(1)) == ["ann"]


# What a claim is.


def test_a_claim_carries_all_that_is_needed_to_publish(store: Store) -> None:
    made = add_post(store, files=[picture()])
    (found,) = claim(store)
    assert found.post == post_of(store, made.id)
    assert found.delivery == delivery_of(store, made.deliveries[0].id)
    assert found.account == account_of(store, "ann")
    assert found.post.state is PostState.PROCESSING
    assert found.delivery.state is DeliveryState.PROCESSING
    assert found.delivery.tries == 1


def test_a_claim_opens_its_attempt(store: Store) -> None:
    add_post(store)
    (found,) = claim(store)
    (tried,) = tries_of(store, found.delivery.id)
    assert (tried.id, tried.kind, tried.started_at) == (found.attempt_id, AttemptKind.PUBLISH, START)
    assert (tried.ended_at, tried.result) == (None, None)


def test_a_claim_that_is_not_committed_leaves_nothing(store: Store) -> None:
    made = add_post(store)
    with store.write() as tx:
        assert queue.claim_due(tx, START, 1, locate)
        tx.rollback()
    assert post_of(store, made.id) == made
    assert tries_of(store, made.deliveries[0].id) == []


def test_claim_and_attempt_become_durable_with_the_same_commit(store: Store) -> None:
    add_post(store)
    commits: list[object] = []
    event.listen(store._writer, "commit", commits.append)
    claim(store)
    assert len(commits) == 1


def test_the_instant_of_the_first_try_is_kept_in_whole_milliseconds(store: Store) -> None:
    add_post(store)
    (first,) = claim(store, START + timedelta(microseconds=123_999))
    begun = START + timedelta(microseconds=123_000)
    assert first.delivery.begun_at == begun
    with store.write() as tx:
        deliveries.record_retry(tx, first.delivery.id, "down", after(60))
    (second,) = claim(store, after(61))
    assert (second.delivery.begun_at, second.delivery.tries) == (begun, 2)
    assert second.delivery.message is None


def test_a_look_up_is_given_the_same_as_a_claim(store: Store) -> None:
    found = delivery_in(store, DeliveryState.UNSURE)
    with store.read() as tx:
        loaded = queue.load_claim(tx, found, 77, locate)
    assert (loaded.delivery, loaded.attempt_id) == (found, 77)
    assert (loaded.post.id, loaded.account.name) == (found.post_id, found.account)


# When the bell must ring next.


def test_an_account_whose_delivery_is_under_way_is_not_waited_for(store: Store) -> None:
    add_post(store)
    add_post(store, at=after(1))
    claim(store)
    assert waiting(store) == {}


def test_what_waits_says_when_it_was_asked_for_and_when_it_can_be_tried(store: Store) -> None:
    made = add_post(store, at=after(10))
    assert waiting(store) == {
        "ann": queue.Waiting(account="ann", post_id=made.id, due_at=after(10), ready_at=after(10))
    }


def test_what_is_hastened_is_due_at_once(store: Store) -> None:
    made = add_post(store, at=after(10))
    with store.write() as tx:
        deliveries.hasten(tx, made.id, START)
    assert waiting(store)["ann"].ready_at == START
    assert [found.post.id for found in claim(store, START)] == [made.id]


NETWORK_OF_STATES = st.sampled_from(["scheduled", "scheduled", "scheduled", "processing", "unsure", "missed"])
SECONDS = st.integers(0, 3)
ACCOUNT = st.fixed_dictionaries(
    {
        "health": st.sampled_from([Health.OK, Health.OK, Health.OK, Health.UNAUTHORIZED]),
        "removed_at": st.sampled_from([None, None, None, START]),
        "rests_until": st.none() | SECONDS.map(after),
        "next_post_at": st.none() | SECONDS.map(after),
    }
)
PAUSE = st.fixed_dictionaries({"paused_at": st.just(START), "paused_until": st.none() | SECONDS.map(after)})
RUNS = st.just({"paused_at": None})
TRIES = st.sampled_from([0, 0, 1, STUCK_AFTER, STUCK_AFTER])
QUEUED = st.fixed_dictionaries(
    {"state": NETWORK_OF_STATES, "due_at": SECONDS, "try_at": SECONDS, "tries": TRIES}
)
EVERYTHING = st.sampled_from([[], [], [], [None], [1], [2]])
ANY_ACCOUNT = st.builds(operator.or_, ACCOUNT, RUNS | RUNS | PAUSE)
QUEUES = st.lists(st.tuples(ANY_ACCOUNT, st.lists(QUEUED, max_size=3)), min_size=1, max_size=3)


def _waits(try_at: int, tries: int) -> dict[str, Any]:
    return {"state": "scheduled", "due_at": 0, "try_at": try_at, "tries": tries}


WELL = {"health": Health.OK, "removed_at": None, "rests_until": None, "next_post_at": None, "paused_at": None}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(queues=QUEUES, everything=EVERYTHING, now=SECONDS)
# What is stuck and may be tried again stands behind what waits for another try.
@example(queues=[(WELL, [_waits(1, 0), _waits(0, 0), _waits(0, STUCK_AFTER)])], everything=[], now=0)
@example(queues=[(WELL, [_waits(0, STUCK_AFTER), _waits(1, 0)])], everything=[], now=0)
def test_the_bell_rings_exactly_when_something_can_be_claimed(
    store: Store,
    queues: list[tuple[dict[str, Any], list[dict[str, Any]]]],
    everything: list[int | None],
    now: int,
) -> None:
    with store.write() as tx:
        for table in (attempt, delivery, post, account, pause):
            tx.execute(table.delete())
        for end in everything:
            until = None if end is None else after(end)
            pauses.pause(tx, Pause(scope=PauseScope.EVERYTHING, since=START, until=until))
        numbers = itertools.count(1)
        for n, (of_account, queued) in enumerate(queues):
            tx.execute(insert(account).values(account_row(n) | of_account))
            for said in queued:
                tx.execute(insert(post).values(post_row(number := next(numbers), "scheduled")))
                row = delivery_row(number, n, **said | {k: after(said[k]) for k in ("due_at", "try_at")})
                tx.execute(insert(delivery).values(row))
    with store.read() as tx:
        ready = {found.account for found in queue.next_due(tx) if found.ready_at <= after(now)}
    assert ready == set(taken(store, after(now)))
