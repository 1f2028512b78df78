from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postbell.domain.content import Content
from postbell.domain.post import LATE_AFTER, Delivery, Post
from postbell.domain.states import DeliveryState, Outcome, PostState


DUE = datetime(2026, 11, 27, 17, 0, tzinfo=UTC)


def delivery(
    state: DeliveryState,
    *,
    result: Outcome | None = None,
    due_at: datetime | None = DUE,
    begun_at: datetime | None = None,
) -> Delivery:
    return Delivery(
        id=1,
        post_id="p",
        account_id=1,
        account="sky",
        network="bluesky",
        state=state,
        result=result,
        key="k" * 20,
        due_at=due_at,
        begun_at=begun_at,
    )


def post(state: PostState, *deliveries: Delivery) -> Post:
    return Post(
        id="p", state=state, content=Content(text="a"), created_at=DUE, updated_at=DUE, deliveries=deliveries
    )


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (DeliveryState.DRAFT, None),
        (DeliveryState.SCHEDULED, None),
        (DeliveryState.PROCESSING, None),
        (DeliveryState.PROCESSED, Outcome.FAILED),
        (DeliveryState.UNSURE, Outcome.UNSURE),
        (DeliveryState.MISSED, Outcome.MISSED),
        (DeliveryState.CANCELLED, Outcome.CANCELLED),
    ],
)
def test_the_state_of_a_delivery_tells_how_it_ended(state: DeliveryState, outcome: Outcome | None) -> None:
    assert delivery(state, result=Outcome.FAILED).outcome is outcome


def test_a_delivery_is_late_only_beyond_the_bound() -> None:
    state = DeliveryState.PROCESSING
    assert delivery(state, begun_at=DUE + LATE_AFTER).lateness is None
    assert delivery(state, begun_at=DUE + timedelta(minutes=3)).lateness == timedelta(minutes=3)
    assert delivery(state, begun_at=DUE - timedelta(minutes=3)).lateness is None


def test_what_is_public_is_as_late_as_it_became_so() -> None:
    published = delivery(DeliveryState.PROCESSED, begun_at=DUE)
    assert published.lateness is None  # by an older version
    assert replace(published, public_at=DUE + timedelta(hours=1)).lateness == timedelta(hours=1)


def test_a_delivery_that_has_not_begun_or_has_no_time_is_not_late() -> None:
    assert delivery(DeliveryState.SCHEDULED).lateness is None
    assert delivery(DeliveryState.PROCESSING, due_at=None, begun_at=DUE).lateness is None


def test_a_post_has_no_outcome_while_trying_goes_on() -> None:
    done = delivery(DeliveryState.PROCESSED, result=Outcome.PUBLISHED)
    assert post(PostState.PROCESSING, done).outcome is None
    assert post(PostState.PROCESSED, done).outcome is Outcome.PUBLISHED


def test_a_post_that_was_cancelled_before_it_had_accounts_is_cancelled() -> None:
    assert post(PostState.CANCELLED).outcome is Outcome.CANCELLED
