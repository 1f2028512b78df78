"""Connected profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from postbell.domain.additions import Additions
from postbell.domain.quota import Quota
from postbell.domain.weekly import WeeklySlots


#: What an account keeps secret, as it is stored: a text is encrypted.
Stored = Mapping[str, Any] | str


class Health(StrEnum):
    """Whether the network accepts the account."""

    OK = "ok"
    #: Its credentials were refused: it must be checked or given new ones; its deliveries wait.
    UNAUTHORIZED = "unauthorized"


@dataclass(frozen=True, kw_only=True)
class Account:
    """A profile on one network, named by the user."""

    id: int
    name: str
    network: str
    server: str | None = None
    credentials: Stored = field(default_factory=dict, repr=False)
    session: Stored = field(default_factory=dict, repr=False)
    #: What OAuth has given for it, if it has.
    tokens: Stored = field(default_factory=dict, repr=False)
    #: When that ends, and when it is to be traded in before that (aware UTC); None where it is not.
    tokens_end_at: datetime | None = None
    renew_at: datetime | None = None
    #: The name at the network, as it said itself when the account was last verified.
    handle: str | None = None
    health: Health = Health.OK
    #: Why the account is not well, in the network's words.
    health_note: str | None = None
    #: Since when the user has paused it, and until when if it goes on by itself.
    paused_at: datetime | None = None
    paused_until: datetime | None = None
    #: Until when it waits because the network asked for it or could not be reached, and why.
    rests_until: datetime | None = None
    rest_reason: str | None = None
    #: How often in a row the network could not be reached.
    setbacks: int = 0
    created_at: datetime
    #: How late its posts may be published; None leaves that to the configuration.
    late_limit: timedelta | None = None
    #: The least time between two of its posts.
    min_gap: timedelta | None = None
    #: The least time between two recycled posts.
    cooldown: timedelta | None = None
    #: Quotas that take the place of the network's own.
    quotas: tuple[Quota, ...] = ()
    #: What it adds to its posts; of its parameters the patterns.
    adds: Additions = field(default_factory=Additions)
    #: When it likes to post; queued posts take these times.
    slots: WeeklySlots | None = None
    #: Not before this (aware UTC) is its next post published, to keep the least gap.
    next_post_at: datetime | None = None

    def is_paused(self, now: datetime) -> bool:
        """Whether the user holds it back at an instant (aware)."""
        return self.paused_at is not None and (self.paused_until is None or self.paused_until > now)
