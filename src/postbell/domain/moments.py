"""The best free moment for a post: far from the account's other posts, and at an hour that has worked.

The score of a moment is a sum of two numbers of about 1 that can be told in a sentence:

- the distance to the nearest other post of the account, as a share of 24 hours; more than that is no better;
- the response to earlier posts at that weekday and hour, divided by the response to all. So that one lucky
  post does not decide, each hour is given PRIOR posts with the usual response (a Bayesian average).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from postbell.domain.ids import Random
from postbell.domain.time_words import WEEKDAYS
from postbell.domain.zones import clock_text, wall_at, wall_to_instant


#: A distance beyond which another post no longer matters.
FAR = timedelta(hours=24)
#: Nothing is ever nearer to another post.
LEAST_GAP = timedelta(minutes=1)
#: How many posts with the usual response every hour of the week is given.
PRIOR = 5
#: People are awake between these, where an account has no slots of its own. Both are included.
WAKING = (time(8), time(22))

_EQUAL = 1e-9


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A moment at which the account might post."""

    #: The instant (aware UTC).
    at: datetime
    #: What clocks show then (naive).
    local: datetime
    #: Whether it is a slot of the account.
    slot: bool = False


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What came back on an earlier post."""

    #: When it was published, on the wall: 0 is Monday.
    weekday: int
    hour: int
    #: How much came back, in any unit, from 0 on.
    score: float


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The moment that was chosen."""

    #: The instant (aware UTC).
    at: datetime
    #: What clocks show then (naive).
    local: datetime
    #: Why, a sentence without its full stop.
    why: str


def best_moment(
    candidates: Iterable[Candidate],
    *,
    taken: Sequence[datetime],
    samples: Sequence[Sample],
    min_gap: timedelta | None,
    random: Random,
) -> Choice | None:
    """Return the candidate with the highest score; `random` decides among equals.

    `taken` are the times (aware) of the account's other posts in any order; what is nearer than `min_gap`, or
    LEAST_GAP, to one of them is no candidate. None if that leaves none.
    """
    others = sorted(taken)
    response = _Response(samples)
    rated = [
        (_share(distance) + response.relative(candidate.local), candidate, distance)
        for candidate in candidates
        if (distance := _distance(candidate.at, others)) >= max(min_gap or LEAST_GAP, LEAST_GAP)
    ]
    if not rated:
        return None
    highest = max(score for score, _, _ in rated)
    best = [item for item in rated if item[0] >= highest - _EQUAL]
    _, chosen, distance = best[int(random.random() * len(best))]
    why = f"{_free(chosen)}, {_apart(distance)}{response.told(chosen.local)}"
    return Choice(at=chosen.at, local=chosen.local, why=why)


def grid(
    start: datetime, end: datetime, zone: ZoneInfo, step: timedelta = timedelta(minutes=30)
) -> Iterator[Candidate]:
    """Yield candidates for an account without slots, in order: from `start` to `end` (aware), both included.

    They are every `step` from the first waking hour of each day on, as clocks in `zone` show it. A time that
    a change of the clocks leaves out is none; of one that comes twice the first is.
    """
    first, last = wall_at(start, zone).date(), wall_at(end, zone).date()
    for number in range((last - first).days + 1):
        local, bedtime = (datetime.combine(first + timedelta(days=number), hour) for hour in WAKING)
        while local <= bedtime:
            at, _ = wall_to_instant(local, zone)
            if start <= at <= end and wall_at(at, zone) == local:
                yield Candidate(at=at, local=local)
            local += step


class _Response:
    """What came back on earlier posts, by weekday and hour."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._scores: dict[tuple[int, int], list[float]] = {}
        for sample in samples:
            self._scores.setdefault((sample.weekday, sample.hour), []).append(sample.score)
        self._usual = sum(sample.score for sample in samples) / max(1, len(samples))

    def relative(self, local: datetime) -> float:
        """Return what is to be expected at that weekday and hour, as a multiple of the usual response."""
        scores = self._at(local)
        if self._usual <= 0:
            return 1.0
        return (PRIOR * self._usual + sum(scores)) / (PRIOR + len(scores)) / self._usual

    def told(self, local: datetime) -> str:
        """Return what came back at that weekday and hour, for the end of a sentence."""
        scores = self._at(local)
        if self._usual <= 0:
            return ""
        hour = f"posts at {_day(local)} {local.hour} h"
        if not scores:
            return f"; of {hour} no response is known"
        ratio = sum(scores) / len(scores) / self._usual
        posts = "1 post" if len(scores) == 1 else f"{len(scores)} posts"
        return f"; {hour} had {ratio:.1f} times the usual response ({posts})"

    def _at(self, local: datetime) -> list[float]:
        return self._scores.get((local.weekday(), local.hour), [])


def _distance(at: datetime, others: Sequence[datetime]) -> timedelta:
    """Return how far the nearest of `others` (sorted) is; the longest span of all if there are none."""
    place = bisect_left(others, at)
    return min((abs(at - other) for other in others[max(0, place - 1) : place + 1]), default=timedelta.max)


def _share(distance: timedelta) -> float:
    return min(distance, FAR) / FAR


def _free(candidate: Candidate) -> str:
    found = "is a free slot" if candidate.slot else "is free"
    return f"{_day(candidate.local)} {clock_text(candidate.local)} {found}"


def _apart(distance: timedelta) -> str:
    if distance == timedelta.max:
        return "with no other post of the account"
    minutes = distance // timedelta(minutes=1)
    far = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
    return f"{far} from the nearest other post"


def _day(local: datetime) -> str:
    return WEEKDAYS[local.weekday()][:3].title()
