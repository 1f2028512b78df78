"""How people respond to what was published, read from its network again and again, ever more seldom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


#: How long after its publication a post is looked at. What comes back comes soon: half of it within hours.
AGES = (
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=3),
    timedelta(days=7),
    timedelta(days=14),
    timedelta(days=30),
)
_ONE = {"likes": "like", "reposts": "repost", "replies": "reply", "quotes": "quote", "comments": "comment"}


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a network said at one instant of one published delivery."""

    account: str
    #: Aware UTC.
    read_at: datetime
    #: How many there were, by what: likes, reposts, replies, quotes, comments.
    counts: Mapping[str, int]


def counts_told(reading: Reading) -> str:
    """Return the counts in words: `3 likes, 1 repost`; those that are none are left out."""
    told = [f"{n:,} {_ONE.get(what, what) if n == 1 else what}" for what, n in reading.counts.items() if n]
    return ", ".join(told) or "nothing yet"


def next_reading(published_at: datetime, now: datetime, longest: timedelta) -> datetime | None:
    """Return when, after `now`, to look again at what was published then (all aware).

    None if it is older than `longest` by that time, or than the last age at which anything is looked at.
    """
    times = (published_at + age for age in AGES if age <= longest)
    return next((time for time in times if time > now), None)
