"""What will be published when: what is stored, and what the series will make; nothing is made for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter

from sqlalchemy import Connection

from postbell.domain.content import resolve
from postbell.domain.post import Delivery, Post
from postbell.services.accounts.holds import Holds
from postbell.services.context import Context
from postbell.services.plan.projection import Coming, Projection
from postbell.store import timeline
from postbell.store.drafts import dated_drafts


#: Beyond this nothing is foretold.
LONGEST = timedelta(days=5 * 366)
#: The future is read in parts: the first one is so long, each further one twice as long as the one before.
_FIRST_PART = timedelta(days=1)
_LONGEST_PART = timedelta(days=32)
#: More drafts are not told of.
_MOST_DRAFTS = 500
_IN_ORDER = attrgetter("at", "account")


def upcoming(ctx: Context, *, count: int, until: datetime | None = None) -> list[Coming]:
    """Return the next `count` that are to be published before `until` (aware), the earliest first.

    What is overdue, and still waits, comes first. What is too late to be published at all is known only when
    it is about to be: `services.rehearse` tells.
    """
    now = ctx.now()
    end = min(until or now + LONGEST, now + LONGEST)
    with ctx.store.read() as tx:
        holds = Holds.seen(tx, now)
        overdue = timeline.due_before(tx, min(now, end), limit=count)
        found = sorted(_stored(ctx, tx, holds, overdue, now), key=_IN_ORDER)
        projection = Projection(ctx, tx, holds, now)
        start, part = now, _FIRST_PART
        while start < end and len(found) < count:
            stop = min(start + part, end)
            waiting = timeline.due_between(tx, start, stop, limit=count)
            if len(waiting) == count:  # nothing after the last of them is asked for
                last = _due(waiting[-1])
                stop = last + timedelta.resolution
                waiting = [each for each in waiting if _due(each) < last]
                waiting += timeline.due_between(tx, last, stop)
            coming = [*_stored(ctx, tx, holds, waiting, now), *projection.until(stop)]
            found += sorted(coming, key=_IN_ORDER)
            start, part = stop, min(part * 2, _LONGEST_PART)
    return found[:count]


def between(ctx: Context, start: datetime, end: datetime) -> list[Coming]:
    """Return everything with a time from `start` on and before `end` (aware): past, drafts and future.

    What series will make is foretold for `LONGEST` from now on.
    """
    now = ctx.now()
    with ctx.store.read() as tx:
        holds = Holds.seen(tx, now)
        stored = timeline.due_between(tx, start, end, ended=True)
        drafts = dated_drafts(tx, start, end, _MOST_DRAFTS, ctx.media.path_of)
        dated = [each for each in _reminders(holds, drafts) if start <= each.at < end]
        found = [*_stored(ctx, tx, holds, stored, now), *dated]
        stop = min(end, now + LONGEST)
        if stop > now:
            made = Projection(ctx, tx, holds, now).until(stop)
            found += [each for each in made if each.at >= start]
    return sorted(found, key=_IN_ORDER)


def _stored(
    ctx: Context, tx: Connection, holds: Holds, found: Iterable[Delivery], now: datetime
) -> list[Coming]:
    listed = list(found)
    by_id = timeline.posts_of(tx, listed, ctx.media.path_of)
    return [_of_delivery(holds, each, by_id[each.post_id], now) for each in listed]


def _of_delivery(holds: Holds, each: Delivery, post: Post, now: datetime) -> Coming:
    content, _ = resolve(post.content, post.overrides, network=each.network, account=each.account)
    at = max(_due(each), now)
    held = holds.reason(at, account_id=each.account_id, series_id=post.series_id, labels=post.labels)
    return Coming(
        at=_due(each),
        account=each.account,
        network=each.network,
        content=content,
        post_id=post.id,
        series_id=post.series_id,
        outcome=each.outcome,
        held=None if each.outcome else held,
    )


def _reminders(holds: Holds, drafts: Iterable[Post]) -> Iterator[Coming]:
    for post in drafts:
        assert post.at is not None, "only dated drafts are listed"
        coming = Coming(at=post.at, account="", network="", content=post.content, post_id=post.id, draft=True)
        to = [each for each in post.deliveries if each.account_id in holds.accounts]
        yield from [
            replace(coming, at=each.due_at or post.at, account=each.account, network=each.network)
            for each in to
        ] or [coming]


def _due(each: Delivery) -> datetime:
    assert each.due_at is not None, "what is due has a time"
    return each.due_at
