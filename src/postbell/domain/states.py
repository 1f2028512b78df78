"""The states of posts and deliveries, and every step between them.

These two tables are the only place that says what may happen. The guards in SQL, the CHECK constraints and
the actions offered to the user are read off them.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from postbell.errors import IllegalTransition


class PostState(StrEnum):
    """Where a post is on its way."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    PROCESSING = "processing"
    PROCESSED = "processed"
    CANCELLED = "cancelled"


class SeriesState(StrEnum):
    """Whether a series still makes posts."""

    ACTIVE = "active"
    #: Its rule has come to its end, or the user has ended it.
    ENDED = "ended"


class PostEvent(StrEnum):
    """What can happen to a post."""

    #: The user gives it a time.
    SCHEDULE = "schedule"
    #: The user takes its time away.
    UNSCHEDULE = "unschedule"
    #: The user changes its content, accounts or time.
    EDIT = "edit"
    #: The first of its deliveries is claimed.
    START = "start"
    #: Trying has ended on every account.
    FINISH = "finish"
    #: The user wants an ended delivery tried again.
    REOPEN = "reopen"
    #: The user changes what is still to come of it, while some accounts have it already.
    AMEND = "amend"
    #: The user changes what it says after it was published.
    REVISE = "revise"
    CANCEL = "cancel"
    DELETE = "delete"


class DeliveryState(StrEnum):
    """Where one post for one account is on its way."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    PROCESSING = "processing"
    #: It may be public already: only a look-up on the network, or the user, can tell.
    UNSURE = "unsure"
    PROCESSED = "processed"
    CANCELLED = "cancelled"
    MISSED = "missed"


class DeliveryEvent(StrEnum):
    """What can happen to a delivery."""

    SCHEDULE = "schedule"
    UNSCHEDULE = "unschedule"
    CLAIM = "claim"
    PUBLISH = "publish"
    FAIL = "fail"
    #: Nothing was accepted: try again later.
    RETRY = "retry"
    #: The network asked to wait, or works on it: go on later. The try does not count.
    SNOOZE = "snooze"
    #: The answer was lost, or the process died with the request under way; or it was given up after that.
    LOSE = "lose"
    #: A look-up, or the user, says that it is public.
    FIND = "find"
    #: A look-up, or the user, says that it is not public: send it again.
    RESEND = "resend"
    #: The user says that it is not public and shall stay so.
    GIVE_UP = "give_up"
    #: It was due for too long.
    MISS = "miss"
    CANCEL = "cancel"
    #: The user wants a failed or missed one tried again.
    REOPEN = "reopen"


class Outcome(StrEnum):
    """How trying ended: of a delivery, or derived for a post."""

    PUBLISHED = "published"
    #: Only of a post: some accounts have it, some do not.
    PARTIAL = "partial"
    FAILED = "failed"
    MISSED = "missed"
    UNSURE = "unsure"
    CANCELLED = "cancelled"


_P, _D = PostState, DeliveryState

POST_STEPS: dict[tuple[PostState, PostEvent], PostState] = {
    (_P.DRAFT, PostEvent.SCHEDULE): _P.SCHEDULED,
    (_P.SCHEDULED, PostEvent.SCHEDULE): _P.SCHEDULED,
    (_P.SCHEDULED, PostEvent.UNSCHEDULE): _P.DRAFT,
    (_P.DRAFT, PostEvent.EDIT): _P.DRAFT,
    (_P.SCHEDULED, PostEvent.EDIT): _P.SCHEDULED,
    (_P.SCHEDULED, PostEvent.START): _P.PROCESSING,
    (_P.PROCESSING, PostEvent.START): _P.PROCESSING,
    (_P.SCHEDULED, PostEvent.FINISH): _P.PROCESSED,
    (_P.PROCESSING, PostEvent.FINISH): _P.PROCESSED,
    (_P.PROCESSING, PostEvent.AMEND): _P.PROCESSING,
    (_P.PROCESSED, PostEvent.REOPEN): _P.PROCESSING,
    (_P.PROCESSED, PostEvent.REVISE): _P.PROCESSED,
    (_P.PROCESSING, PostEvent.REOPEN): _P.PROCESSING,
    (_P.DRAFT, PostEvent.CANCEL): _P.CANCELLED,
    (_P.SCHEDULED, PostEvent.CANCEL): _P.CANCELLED,
}

#: States in which a post may be removed with everything that belongs to it.
DELETABLE = frozenset({PostState.DRAFT, PostState.SCHEDULED, PostState.CANCELLED})

DELIVERY_STEPS: dict[tuple[DeliveryState, DeliveryEvent], DeliveryState] = {
    (_D.DRAFT, DeliveryEvent.SCHEDULE): _D.SCHEDULED,
    (_D.SCHEDULED, DeliveryEvent.SCHEDULE): _D.SCHEDULED,
    (_D.SCHEDULED, DeliveryEvent.UNSCHEDULE): _D.DRAFT,
    (_D.SCHEDULED, DeliveryEvent.CLAIM): _D.PROCESSING,
    (_D.PROCESSING, DeliveryEvent.PUBLISH): _D.PROCESSED,
    (_D.PROCESSING, DeliveryEvent.FAIL): _D.PROCESSED,
    (_D.PROCESSING, DeliveryEvent.RETRY): _D.SCHEDULED,
    (_D.PROCESSING, DeliveryEvent.SNOOZE): _D.SCHEDULED,
    (_D.PROCESSING, DeliveryEvent.LOSE): _D.UNSURE,
    (_D.SCHEDULED, DeliveryEvent.LOSE): _D.UNSURE,
    (_D.UNSURE, DeliveryEvent.FIND): _D.PROCESSED,
    (_D.UNSURE, DeliveryEvent.GIVE_UP): _D.PROCESSED,
    (_D.UNSURE, DeliveryEvent.RESEND): _D.SCHEDULED,
    (_D.SCHEDULED, DeliveryEvent.MISS): _D.MISSED,
    (_D.DRAFT, DeliveryEvent.CANCEL): _D.CANCELLED,
    (_D.SCHEDULED, DeliveryEvent.CANCEL): _D.CANCELLED,
    (_D.PROCESSED, DeliveryEvent.REOPEN): _D.SCHEDULED,
    (_D.MISSED, DeliveryEvent.REOPEN): _D.SCHEDULED,
}


def advance_post(state: PostState, event: PostEvent) -> PostState:
    """Return the state after `event`; raises IllegalTransition where the table has no such step."""
    try:
        return POST_STEPS[state, event]
    except KeyError:
        raise IllegalTransition(f"a post that is {state} cannot {event}") from None


def advance_delivery(state: DeliveryState, event: DeliveryEvent) -> DeliveryState:
    """Return the state after `event`; raises IllegalTransition where the table has no such step."""
    try:
        return DELIVERY_STEPS[state, event]
    except KeyError:
        raise IllegalTransition(f"a delivery that is {state} cannot {event}") from None


def delivery_step(event: DeliveryEvent) -> tuple[tuple[DeliveryState, ...], DeliveryState]:
    """Return the states in which `event` may happen, and the one state that it leads to."""
    sources = tuple(state for state, happening in DELIVERY_STEPS if happening == event)
    (target,) = {DELIVERY_STEPS[state, event] for state in sources}
    return sources, target


def post_sources(event: PostEvent) -> tuple[PostState, ...]:
    """Return the states in which `event` may happen to a post."""
    return tuple(state for state, happening in POST_STEPS if happening == event)


def derive_outcome(outcomes: Iterable[Outcome | None]) -> Outcome | None:
    """Return the outcome of a post from those of its deliveries.

    None while one of them is still to come. One unsure delivery makes the post unsure, because somebody has
    to look; otherwise published and anything else together are partial.
    """
    found = list(outcomes)
    if not found or None in found:
        return None
    kinds = set(found)
    if Outcome.UNSURE in kinds:
        return Outcome.UNSURE
    if Outcome.PUBLISHED in kinds:
        return Outcome.PUBLISHED if len(kinds) == 1 else Outcome.PARTIAL
    for outcome in (Outcome.FAILED, Outcome.MISSED):
        if outcome in kinds:
            return outcome
    return Outcome.CANCELLED
