"""Posts, their deliveries and the log of tries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from postbell.domain.content import Content, Override
from postbell.domain.states import DeliveryState, Outcome, PostState, derive_outcome
from postbell.domain.zones import read_wall


#: What is published later than this after its time is called late.
LATE_AFTER = timedelta(seconds=5)


#: How the message of a missed delivery begins that gave way to a newer one, as is meant to be.
SUPERSEDED = "a newer post of its"


class PlacedBy(StrEnum):
    """Who has chosen the time of a delivery, if not the user."""

    #: The next free posting time of the account.
    QUEUE = "queue"
    #: The best moment of a range.
    AUTO = "auto"
    #: A library has filled an empty posting time.
    LIBRARY = "library"


#: The result of a try to publish that there may have been, and of which the database has no memory.
FORGOTTEN = "forgotten"


class AttemptKind(StrEnum):
    """What a try was for."""

    PUBLISH = "publish"
    #: The network was asked whether an unsure delivery is public.
    FIND = "find"
    #: The user said how it is.
    SETTLE = "settle"
    #: What was published is taken away again.
    REMOVE = "remove"
    #: What was published is changed there.
    EDIT = "edit"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try. Opened, durably, before anything is sent; closed after it."""

    id: int
    delivery_id: int
    kind: AttemptKind
    started_at: datetime
    #: None while it is under way, or if the process died during it.
    ended_at: datetime | None = None
    #: published, progress, rejected, unauthorized, rate_limited, unavailable, unsure, absent, unknown,
    #: interrupted, forgotten; of what the user settled: published, failed, resend; of what was taken away:
    #: removed, of what was changed there: edited. A forgotten one has begun, if at all, between `started_at`
    #: and `ended_at`.
    result: str | None = None
    #: What the network, or the user, said.
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One post for one account."""

    id: int
    post_id: str
    account_id: int
    account: str
    network: str
    state: DeliveryState
    #: How a processed one ended: published or failed.
    result: Outcome | None = None
    #: Names it at the far side; the same at every try.
    key: str
    #: When it is meant to be published; of a draft a reminder, None where it has no date.
    due_at: datetime | None = None
    #: When it may be tried next; later than `due_at` after a setback.
    try_at: datetime | None = None
    tries: int = 0
    #: The instant of the first try.
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    #: Since when it is public; of what was found there, when its last try began.
    public_at: datetime | None = None
    #: What a network has stored between two steps: {"step": …, "data": …}.
    progress: Mapping[str, Any] | None = None
    receipt_id: str | None = None
    url: str | None = None
    #: Why it failed, waits or is unsure.
    message: str | None = None
    warnings: tuple[str, ...] = ()
    #: Why it was late, if it was: all that kept it, one after the other.
    late_reason: str | None = None
    #: The series, or the library, of whose posts only the newest is published late.
    stream: str | None = None
    #: Of what the account is asked to publish; equal where it reads the same.
    fingerprint: str | None = None
    #: How late it may be published; None means as late as any.
    late_limit: timedelta | None = None
    #: Not published after this (aware UTC).
    expires_at: datetime | None = None
    placed_by: PlacedBy | None = None
    #: Why it has the time that it has, a sentence without its full stop.
    placed_why: str | None = None
    #: When what was published is taken away again, and when that was done (aware UTC).
    delete_at: datetime | None = None
    deleted_at: datetime | None = None
    #: When its network is asked next how people respond to it (aware UTC).
    metrics_at: datetime | None = None
    #: When what is public is changed there, if it is still to be, and when that was last done (aware UTC).
    edit_at: datetime | None = None
    edited_at: datetime | None = None
    #: What clocks show at `due_at`, and their zone, in the words of `domain.zones`; None where that is the
    #: time of the post, or Postbell has chosen it.
    wall: str | None = None

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, or None while it has not."""
        if self.state is DeliveryState.PROCESSED:
            return self.result
        ends = {
            DeliveryState.UNSURE: Outcome.UNSURE,
            DeliveryState.MISSED: Outcome.MISSED,
            DeliveryState.CANCELLED: Outcome.CANCELLED,
        }
        return ends.get(self.state)

    @property
    def zone(self) -> str | None:
        """The zone on whose clocks it has a time of its own."""
        return read_wall(self.wall)[1] if self.wall else None

    @property
    def is_to_come(self) -> bool:
        """Whether it waits for its time, and nothing of it was tried."""
        return self.state is DeliveryState.SCHEDULED and not self.tries and self.begun_at is None

    @property
    def lateness(self) -> timedelta | None:
        """How long after its time it became public; None if it was on time, or nothing was tried.

        Of what is not public it is how long after its time the first try began.
        """
        moment = self.public_at or self.begun_at
        if moment is None or self.due_at is None or moment - self.due_at <= LATE_AFTER:
            return None
        return moment - self.due_at


@dataclass(frozen=True, kw_only=True)
class Post:
    """What the user wrote, for whom and when."""

    id: str
    state: PostState
    content: Content
    #: Keyed by network or account name.
    overrides: Mapping[str, Override] = field(default_factory=dict)
    #: When it is meant to be published (aware UTC), the earliest of its times; a draft may have one as a
    #: reminder, and never fires.
    at: datetime | None = None
    #: The time as it was typed: wall clock and the name of its zone.
    local: datetime | None = None
    zone: str | None = None
    created_at: datetime
    updated_at: datetime
    #: Counts the changes.
    version: int = 1
    #: The series that has made it, for which of its slots, and the how-manieth of its posts it is.
    series_id: str | None = None
    slot: str | None = None
    turn: int | None = None
    #: Whether somebody has changed it by hand: then its series leaves it alone.
    touched: bool = False
    #: What its caller calls it: a post has one at most, and others may have the same.
    external_id: str | None = None
    labels: tuple[str, ...] = ()
    #: How late it may be published; None leaves that to the account, and then to the configuration.
    late_limit: timedelta | None = None
    #: Not published after this (aware UTC).
    not_after: datetime | None = None
    #: How long after its publication it is taken away again.
    delete_after: timedelta | None = None
    #: Whether it may say what another post says.
    allow_duplicate: bool = False
    #: Whether its accounts add nothing to it.
    bare: bool = False
    #: Whether the networks decide what they take: what Postbell knows of their limits only warns.
    unchecked: bool = False
    deliveries: tuple[Delivery, ...] = ()

    @property
    def outcome(self) -> Outcome | None:
        """How it ended on all accounts together, or None while trying goes on."""
        if self.state not in (PostState.PROCESSED, PostState.CANCELLED):
            return None
        return derive_outcome(d.outcome for d in self.deliveries) or Outcome.CANCELLED


@dataclass(frozen=True, kw_only=True)
class Revision:
    """What a published post said before it was changed."""

    #: The version of the post that said it.
    version: int
    #: When it was changed (aware UTC).
    until: datetime
    text: str
    segments: tuple[str, ...] = ()
    title: str | None = None
    link: str | None = None
    #: The alt text of each of its files.
    alts: tuple[str, ...] = ()
    #: What it said for single networks or accounts.
    overrides: Mapping[str, Override] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """What it said, for people."""
        named = {"title": self.title, "link": self.link}
        head = [f"{name}: {value}" for name, value in named.items() if value]
        own = [f"[{name}] {said.text}" for name, said in self.overrides.items() if said.text is not None]
        return "\n\n".join([*head, *filter(None, (self.text, *self.segments)), *own])
