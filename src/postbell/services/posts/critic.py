"""What the user should know of posts that were rehearsed: clocks, repetitions, quotas, what holds them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from postbell.domain.post import Delivery, PlacedBy, Post
from postbell.domain.quota import in_force, over
from postbell.domain.states import Outcome
from postbell.domain.wall_clock import Occurrence
from postbell.domain.zones import is_zone, twice_note, wall_at, wall_to_instant
from postbell.services.accounts.holds import Holds
from postbell.services.context import Context


#: As far as any quota reaches.
FARTHEST = timedelta(days=30)

#: The slot of an occurrence that clocks decide on; others name an instant, or the posting time of an account.
_ON_WALL = re.compile(r"(?a)\d{4}-\d\d-\d\dT\d\d:\d\d")

_NOT_PUBLIC = (Outcome.FAILED, Outcome.MISSED)


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """A series says on an account what it said there before, within the window for duplicates."""

    series_id: str
    account: str
    count: int


class Critic:
    """Knows what is due around a span, and when accounts like to post."""

    def __init__(
        self,
        ctx: Context,
        holds: Holds,
        around: Iterable[Delivery],
        slots: Mapping[int, Mapping[datetime, Occurrence]],
        *,
        down: bool,
    ) -> None:
        """Look at everything that is due `around` the span, in order.

        `slots` are the posting times by the id of the account and the instant; `holds` is what holds posts
        back at the end, `down` whether no daemon runs then.
        """
        self._ctx, self._holds, self._slots, self._down = ctx, holds, slots, down
        self._times: defaultdict[int, list[datetime]] = defaultdict(list)
        #: By the id of a delivery the one before it that says the same on its account.
        self._before: dict[int, Delivery] = {}
        said: dict[tuple[int, str], Delivery] = {}
        for each in around:
            if each.outcome in _NOT_PUBLIC:
                continue
            self._times[each.account_id].append(due(each))
            if each.fingerprint:
                mark = (each.account_id, each.fingerprint)
                if mark in said and due(each) - due(said[mark]) < ctx.duplicate_window:
                    self._before[each.id] = said[mark]
                said[mark] = each

    def warnings(self, each: Delivery, post: Post) -> tuple[str, ...]:
        """Return what is worth knowing of a delivery: sentences without their full stops."""
        found = [self._of_clocks(each, post), self._of_waiting(each, post), self._of_duplicate(each)]
        return (*filter(None, found), *self._of_quotas(each))

    def repeats(self, inside: Iterable[Delivery], posts: Mapping[str, Post]) -> tuple[Repeat, ...]:
        """Return how often series repeat themselves; `posts` are those of `inside`, by their ids."""
        counts: Counter[tuple[str, str]] = Counter()
        for each in inside:
            if each.id in self._before and self._is_own(each):
                counts[posts[each.post_id].series_id or "", each.account] += 1
        return tuple(
            Repeat(series_id=series_id, account=account, count=count)
            for (series_id, account), count in sorted(counts.items())
        )

    def _is_own(self, each: Delivery) -> bool:
        """Whether it is its own series, or library, that said the same before."""
        return each.stream is not None and each.stream == self._before[each.id].stream

    def _of_clocks(self, each: Delivery, post: Post) -> str | None:
        """Return what a change of the clocks does to a delivery: its time moves, or comes twice."""
        slot = self._slots.get(each.account_id, {}).get(due(each))
        if slot and each.placed_by in (PlacedBy.QUEUE, PlacedBy.LIBRARY):
            return slot.note
        if post.zone is None or not is_zone(post.zone):
            return None
        zone = ZoneInfo(post.zone)
        if post.slot and _ON_WALL.fullmatch(post.slot):
            meant, note = wall_to_instant(datetime.fromisoformat(post.slot), zone)
            if meant == due(each):  # else somebody has moved it by hand
                return note
        return twice_note(due(each), zone)

    def _of_duplicate(self, each: Delivery) -> str | None:
        before = self._before.get(each.id)
        if before is None or self._is_own(each):
            return None
        day = wall_at(due(before), self._ctx.zone)
        return f"post {before.post_id} says the same on {day:%Y-%m-%d}"

    def _of_waiting(self, each: Delivery, post: Post) -> str | None:
        if each.outcome is not None:
            return None
        now, series_id = self._ctx.now(), post.series_id
        held = self._holds.reason(now, account_id=each.account_id, series_id=series_id, labels=post.labels)
        down = "no daemon runs" if self._down else "its turn has not come"
        return f"it still waits: {held or each.message or down}"

    def _of_quotas(self, each: Delivery) -> list[str]:
        account = self._holds.accounts.get(each.account_id)
        if account is None or each.outcome in _NOT_PUBLIC:
            return []
        quotas = in_force(self._ctx.network(account.network).limits.quotas, account.quotas)
        if not quotas:
            return []
        times, at = self._times[account.id], due(each)
        others = times[bisect_left(times, at - FARTHEST) : bisect_right(times, at + FARTHEST)]
        others.remove(at)
        return over(quotas, others, at)


def due(each: Delivery) -> datetime:
    """Return when something is due that has a time."""
    assert each.due_at is not None, "what is due has a time"
    return each.due_at
