from __future__ import annotations

import pytest

from postbell.domain.states import (
    DELETABLE,
    DELIVERY_STEPS,
    POST_STEPS,
    DeliveryEvent,
    DeliveryState,
    Outcome,
    PostEvent,
    PostState,
    advance_delivery,
    advance_post,
    delivery_step,
    derive_outcome,
    post_sources,
)
from postbell.errors import Conflict, IllegalTransition


# Written out by hand, not read off the code: a row for each event, a column for each state that it may happen
# in, and there the state that it leads to; a dot where it must not happen.
POST_TABLE = """
            draft      scheduled   processing  processed   cancelled
schedule    scheduled  scheduled   .           .           .
unschedule  .          draft       .           .           .
edit        draft      scheduled   .           .           .
start       .          processing  processing  .           .
finish      .          processed   processed   .           .
reopen      .          .           processing  processing  .
amend       .          .           processing  .           .
revise      .          .           .           processed   .
cancel      cancelled  cancelled   .           .           .
delete      .          .           .           .           .
"""

DELIVERY_TABLE = """
            draft      scheduled   processing  unsure     processed  cancelled  missed
schedule    scheduled  scheduled   .           .          .          .          .
unschedule  .          draft       .           .          .          .          .
claim       .          processing  .           .          .          .          .
publish     .          .           processed   .          .          .          .
fail        .          .           processed   .          .          .          .
retry       .          .           scheduled   .          .          .          .
snooze      .          .           scheduled   .          .          .          .
lose        .          unsure      unsure      .          .          .          .
find        .          .           .           processed  .          .          .
resend      .          .           .           scheduled  .          .          .
give_up     .          .           .           processed  .          .          .
miss        .          missed      .           .          .          .          .
cancel      cancelled  cancelled   .           .          .          .          .
reopen      .          .           .           .          scheduled  .          scheduled
"""


def pairs(table: str) -> list[tuple[str, str, str]]:
    """Return every (state, event, next state or dot) of a table."""
    header, *rows = [line.split() for line in table.strip().splitlines()]
    return [(state, event, to) for event, *cells in rows for state, to in zip(header, cells, strict=True)]


def test_the_written_tables_name_every_state_and_event() -> None:
    assert {(state, event) for state, event, _ in pairs(POST_TABLE)} == {
        (state, event) for state in PostState for event in PostEvent
    }
    assert {(state, event) for state, event, _ in pairs(DELIVERY_TABLE)} == {
        (state, event) for state in DeliveryState for event in DeliveryEvent
    }


@pytest.mark.parametrize(("state", "event", "to"), pairs(POST_TABLE))
def test_a_post_goes_where_the_table_says_or_nowhere(state: str, event: str, to: str) -> None:
    if to != ".":
        assert advance_post(PostState(state), PostEvent(event)) is PostState(to)
        return
    with pytest.raises(IllegalTransition, match=f"a post that is {state} cannot {event}"):
        advance_post(PostState(state), PostEvent(event))


@pytest.mark.parametrize(("state", "event", "to"), pairs(DELIVERY_TABLE))
def test_a_delivery_goes_where_the_table_says_or_nowhere(state: str, event: str, to: str) -> None:
    if to != ".":
        assert advance_delivery(DeliveryState(state), DeliveryEvent(event)) is DeliveryState(to)
        return
    with pytest.raises(IllegalTransition, match=f"a delivery that is {state} cannot {event}"):
        advance_delivery(DeliveryState(state), DeliveryEvent(event))


def test_an_illegal_step_is_a_conflict() -> None:
    with pytest.raises(Conflict):
        advance_post(PostState.PROCESSED, PostEvent.EDIT)


@pytest.mark.parametrize(
    ("event", "sources", "target"),
    [
        ("schedule", {"draft", "scheduled"}, "scheduled"),
        ("unschedule", {"scheduled"}, "draft"),
        ("claim", {"scheduled"}, "processing"),
        ("publish", {"processing"}, "processed"),
        ("fail", {"processing"}, "processed"),
        ("retry", {"processing"}, "scheduled"),
        ("snooze", {"processing"}, "scheduled"),
        ("lose", {"processing", "scheduled"}, "unsure"),
        ("find", {"unsure"}, "processed"),
        ("resend", {"unsure"}, "scheduled"),
        ("give_up", {"unsure"}, "processed"),
        ("miss", {"scheduled"}, "missed"),
        ("cancel", {"draft", "scheduled"}, "cancelled"),
        ("reopen", {"processed", "missed"}, "scheduled"),
    ],
)
def test_every_event_leads_a_delivery_to_one_state(event: str, sources: set[str], target: str) -> None:
    found, to = delivery_step(DeliveryEvent(event))
    assert (set(found), to) == (sources, target)
    assert len(found) == len(sources)


def test_the_sources_of_a_post_event_are_the_states_in_which_it_may_happen() -> None:
    for event in PostEvent:
        expected = {state for state, happening, to in pairs(POST_TABLE) if happening == event and to != "."}
        assert set(post_sources(event)) == expected


def test_nothing_leaves_a_cancelled_post_or_delivery() -> None:
    assert all(state is not PostState.CANCELLED for state, _ in POST_STEPS)
    assert all(state is not DeliveryState.CANCELLED for state, _ in DELIVERY_STEPS)


def test_only_a_look_up_or_the_user_leads_out_of_unsure() -> None:
    events = {event for state, event in DELIVERY_STEPS if state is DeliveryState.UNSURE}
    assert events == {DeliveryEvent.FIND, DeliveryEvent.RESEND, DeliveryEvent.GIVE_UP}


def test_a_post_under_way_or_done_cannot_be_deleted() -> None:
    assert {"draft", "scheduled", "cancelled"} == DELETABLE


@pytest.mark.parametrize(
    ("outcomes", "derived"),
    [
        ("", None),
        ("published ?", None),
        ("unsure ?", None),
        ("?", None),
        ("published", "published"),
        ("published published", "published"),
        ("published failed", "partial"),
        ("published missed", "partial"),
        ("published cancelled", "partial"),
        ("published unsure", "unsure"),
        ("failed unsure", "unsure"),
        ("failed", "failed"),
        ("failed missed cancelled", "failed"),
        ("missed cancelled", "missed"),
        ("missed", "missed"),
        ("cancelled cancelled", "cancelled"),
    ],
)
def test_the_outcome_of_a_post_follows_from_its_deliveries(outcomes: str, derived: str | None) -> None:
    given = [None if word == "?" else Outcome(word) for word in outcomes.split()]
    assert derive_outcome(given) == derived
    assert derive_outcome(reversed(given)) == derived
