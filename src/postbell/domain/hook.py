"""Addresses that are told what happens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from postbell.domain.account import Stored
from postbell.domain.event import EventKind


#: What an address is told where nothing else is asked for: how posts end, and how accounts are.
USUAL = (
    EventKind.POST_SCHEDULED,
    EventKind.POST_PUBLISHED,
    EventKind.POST_PARTIAL,
    EventKind.POST_FAILED,
    EventKind.POST_MISSED,
    EventKind.POST_UNSURE,
    EventKind.POST_CANCELLED,
    EventKind.ACCOUNT_UNAUTHORIZED,
    EventKind.ACCOUNT_RECOVERED,
)
#: For so long an event is handed over again and again, then it is given up.
GIVEN_UP_AFTER = timedelta(hours=24)
#: An address that has taken nothing for so long is shown as a trouble.
FAILS_AFTER = timedelta(hours=1)
#: How long the old secret still signs beside a new one.
OLD_SECRET_FOR = timedelta(hours=24)


class CallState(StrEnum):
    """How handing over an event to an address went."""

    #: It was not taken, and is tried again.
    WAITING = "waiting"
    TAKEN = "taken"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, kw_only=True)
class Hook:
    """An address that is told what happens."""

    id: int
    name: str
    url: str
    #: Kinds of events; `post.*` means all about posts, `*` everything.
    events: tuple[str, ...]
    #: Whether the address may lie in a private network, or on this machine.
    allow_local: bool
    #: What signs, as it is stored: {"secret": …, "old": …, "old_until": …}.
    secret: Stored = field(repr=False)
    created_at: datetime
    #: The number of the last event that was handed over, or noted to be handed over again.
    after: int
    #: How often in a row, since when (aware UTC) and why it took nothing; until when it is left alone.
    failures: int = 0
    failing_since: datetime | None = None
    error: str | None = None
    rests_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class HookCall:
    """One event handed over to one address."""

    event_id: int
    kind: EventKind
    post_id: str | None = None
    account: str | None = None
    state: CallState
    tries: int
    #: When it was tried first and last, and is tried again (aware UTC).
    first_at: datetime
    last_at: datetime
    try_at: datetime | None = None
    #: What was answered, if anything was, and after how many milliseconds.
    status: int | None = None
    took_ms: int | None = None
    error: str | None = None


def heard(events: Iterable[str]) -> tuple[EventKind, ...]:
    """Return the kinds that words like post.failed, `post.*` or `*` stand for, in their order.

    Raises ValueError, naming it, for a word that stands for none.
    """
    found: set[EventKind] = set()
    for word in events:
        stem = word.removesuffix("*")
        kinds = [kind for kind in EventKind if kind == word or (word.endswith("*") and kind.startswith(stem))]
        if not kinds or (stem and stem != word and not stem.endswith(".")):
            raise ValueError(word)
        found.update(kinds)
    return tuple(kind for kind in EventKind if kind in found)


def fails_for_long(hooks: Sequence[Hook], now: datetime) -> list[Hook]:
    """Return those that have taken nothing for long at `now` (aware)."""
    return [each for each in hooks if each.failing_since and now - each.failing_since >= FAILS_AFTER]
