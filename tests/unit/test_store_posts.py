from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from postbell.domain.states import (
    DeliveryState,
    Outcome,
    PostState,
    derive_outcome,
)
from postbell.store import deliveries, overdue, posts
from postbell.store.engine import Store
from postbell.store.posts import Filter
from postbell.store.tables.core import delivery, post
from support.world import (
    START,
    add_post,
    claim,
    delivery_in,
    delivery_of,
    locate,
    open_store,
    post_of,
)


LATER = START + timedelta(hours=1)

D, P = DeliveryState, PostState


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


# A post follows its deliveries.


def start_of_three(store: Store) -> tuple[str, dict[str, int]]:
    """Return a post of which all three deliveries are under way, and their ids by account."""
    made = add_post(store, to=("ann", "bob", "cat"))
    assert len(claim(store)) == 3
    return made.id, {found.account: found.id for found in made.deliveries}


def publish(store: Store, delivery_id: int) -> None:
    with store.write() as tx:
        deliveries.record_published(tx, delivery_id, receipt_id="r", url=None, warnings=(), now=LATER)


def test_a_post_starts_with_its_first_delivery_and_ends_with_its_last(store: Store) -> None:
    post_id, ids = start_of_three(store)
    for name in ("ann", "bob"):
        publish(store, ids[name])
        assert post_of(store, post_id).state is P.PROCESSING
    publish(store, ids["cat"])
    ended = post_of(store, post_id)
    assert (ended.state, ended.outcome) == (P.PROCESSED, Outcome.PUBLISHED)


def test_a_retry_keeps_the_post_going(store: Store) -> None:
    post_id, ids = start_of_three(store)
    publish(store, ids["ann"])
    publish(store, ids["bob"])
    with store.write() as tx:
        deliveries.record_retry(tx, ids["cat"], "down", LATER)
    assert post_of(store, post_id).state is P.PROCESSING
    assert [found.delivery.id for found in claim(store, LATER)] == [ids["cat"]]


def test_mixed_outcomes_make_the_post_partial(store: Store) -> None:
    post_id, ids = start_of_three(store)
    publish(store, ids["ann"])
    with store.write() as tx:
        deliveries.record_failed(tx, ids["bob"], "refused", LATER)
        deliveries.record_failed(tx, ids["cat"], "refused", LATER)
    ended = post_of(store, post_id)
    assert (ended.state, ended.outcome) == (P.PROCESSED, Outcome.PARTIAL)


def test_an_unsure_delivery_ends_the_trying_and_asks_for_somebody(store: Store) -> None:
    post_id, ids = start_of_three(store)
    publish(store, ids["ann"])
    publish(store, ids["bob"])
    with store.write() as tx:
        deliveries.lose_track(tx, ids["cat"], "lost")
    ended = post_of(store, post_id)
    assert (ended.state, ended.outcome) == (P.PROCESSED, Outcome.UNSURE)


def test_sending_an_unsure_one_again_opens_the_post_again(store: Store) -> None:
    made = delivery_in(store, D.UNSURE)
    assert post_of(store, made.post_id).state is P.PROCESSED
    with store.write() as tx:
        deliveries.resend(tx, made.id, try_at=LATER, message="it is not there")
    assert post_of(store, made.post_id).state is P.PROCESSING
    again = delivery_of(store, made.id)
    assert (again.try_at, again.begun_at, again.message) == (LATER, made.begun_at, "it is not there")


@pytest.mark.parametrize(("state", "result"), [(D.PROCESSED, Outcome.FAILED), (D.MISSED, Outcome.MISSED)])
def test_reopening_begins_again_under_the_same_identity(
    store: Store, state: DeliveryState, result: Outcome
) -> None:
    made = delivery_in(store, state, result)
    assert made.outcome is result
    with store.write() as tx:
        overdue.record_late(tx, {made.id: "slept"})
        deliveries.reopen(tx, made.id, LATER)
    again = delivery_of(store, made.id)
    assert (again.tries, again.due_at, again.try_at, again.late_reason) == (0, LATER, LATER, None)
    assert (again.result, again.message, again.ended_at) == (None, None, None)
    assert (again.key, again.begun_at) == (made.key, made.begun_at)
    assert post_of(store, made.post_id).state is P.PROCESSING


def test_cancelling_leaves_what_is_under_way(store: Store) -> None:
    made = add_post(store, to=("ann", "bob"))
    (under_way,) = claim(store, limit=1)
    with store.write() as tx:
        assert deliveries.cancel_waiting(tx, made.id, LATER) == 1
    assert post_of(store, made.id).state is P.PROCESSING
    publish(store, under_way.delivery.id)
    ended = post_of(store, made.id)
    assert (ended.state, ended.outcome) == (P.PROCESSED, Outcome.PARTIAL)
    assert {found.account: found.outcome for found in ended.deliveries} == {
        "ann": Outcome.PUBLISHED,
        "bob": Outcome.CANCELLED,
    }


def test_cancelling_a_post_that_waits_for_another_try_ends_it(store: Store) -> None:
    made = add_post(store)
    (under_way,) = claim(store)
    with store.write() as tx:
        deliveries.record_retry(tx, under_way.delivery.id, "down", LATER)
        assert deliveries.cancel_waiting(tx, made.id, LATER) == 1
    ended = post_of(store, made.id)
    assert (ended.state, ended.outcome) == (P.PROCESSED, Outcome.CANCELLED)


# The outcome of a post, once in Python and once in SQL.

ENDINGS: dict[Outcome, tuple[str, str | None]] = {
    Outcome.PUBLISHED: ("processed", "published"),
    Outcome.FAILED: ("processed", "failed"),
    Outcome.MISSED: ("missed", None),
    Outcome.UNSURE: ("unsure", None),
    Outcome.CANCELLED: ("cancelled", None),
}


def test_the_list_and_the_domain_agree_on_the_outcome_of_every_mixture(store: Store) -> None:
    names = [f"a{n}" for n in range(len(ENDINGS))]
    mixtures = [
        mixture
        for count in range(len(names) + 1)
        for mixture in itertools.combinations_with_replacement(ENDINGS, count)
    ]
    expected: dict[str, Outcome] = {}
    for mixture in mixtures:
        made = add_post(store, to=names[: len(mixture)])
        with store.write() as tx:
            tx.execute(update(post).where(post.c.id == made.id).values(state="processed"))
            for found, ending in zip(made.deliveries, mixture, strict=True):
                state, result = ENDINGS[ending]
                where = delivery.c.id == found.id
                tx.execute(update(delivery).where(where).values(state=state, result=result))
        expected[made.id] = derive_outcome(mixture) or Outcome.CANCELLED
    add_post(store, to=names)
    with store.read() as tx:
        listed = [
            (found.id, found.outcome, outcome)
            for outcome in Outcome
            for found in posts.list_posts(tx, Filter(outcome=outcome), locate)
        ]
    assert sorted(listed) == sorted((post_id, outcome, outcome) for post_id, outcome in expected.items())


@pytest.mark.parametrize("state", [D.DRAFT, D.SCHEDULED, D.PROCESSING])
def test_a_post_that_is_not_ended_is_listed_under_no_outcome(store: Store, state: DeliveryState) -> None:
    delivery_in(store, state)
    with store.read() as tx:
        assert not any(posts.list_posts(tx, Filter(outcome=outcome), locate) for outcome in Outcome)
