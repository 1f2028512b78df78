"""What makes posts by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postbell.domain.content import Content, Override
from postbell.domain.recurrence import Recurrence
from postbell.domain.recycling import Recycling
from postbell.domain.states import SeriesState


@dataclass(frozen=True, kw_only=True)
class Series:
    """What the user wrote once, to be published again and again."""

    id: str
    state: SeriesState = SeriesState.ACTIVE
    rule: Recurrence | Recycling
    #: Its texts may hold choices: {one|two}.
    content: Content
    #: Other texts, taken in turn with that of `content`.
    variants: tuple[str, ...] = ()
    #: Keyed by network or account name.
    overrides: Mapping[str, Override] = field(default_factory=dict)
    #: Names of accounts.
    to: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    late_limit: timedelta | None = None
    delete_after: timedelta | None = None
    created_at: datetime
    updated_at: datetime
    #: Counts the changes.
    version: int = 1
    #: How many posts it has made.
    made: int = 0
    #: Up to when (aware UTC) its posts are made; None before the first.
    made_until: datetime | None = None
    #: When its next posts are to be made (aware UTC): as soon as this is not further away than the horizon.
    #: None for a library piece, and when it has ended.
    next_at: datetime | None = None

    @property
    def library(self) -> str | None:
        """The library that it is a piece of."""
        return self.rule.library if isinstance(self.rule, Recycling) else None
