"""Removing what is over for long, so that the database does not grow for ever."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from postbell.sections import RetentionSettings
from postbell.store import retention
from postbell.store.engine import Store
from postbell.store.events import count_old_events, prune_events
from postbell.store.hooks import prune_calls
from postbell.store.retention import Step


#: Does one step in a transaction of its own.
Write = Callable[[Callable[[Connection], Step]], Awaitable[Step]]


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """How much was removed, or would be."""

    attempts: int
    posts: int
    #: What is told of what happened; not the history of posts, which goes with them.
    events: int = 0


async def prune(write: Write, settings: RetentionSettings, now: datetime) -> Pruned:
    """Remove what is older at `now` (aware) than the settings allow, a little in each transaction."""
    attempts = posts = events = 0
    after: int | None = 0
    if before := _before(settings.attempts_days, now):
        while after is not None:
            step = await write(partial(retention.prune_attempts, before=before, after=after))
            attempts, after = attempts + step.removed, step.after
    after = 0
    if before := _before(settings.posts_days, now):
        while after is not None:
            step = await write(partial(retention.prune_posts, before=before))
            posts, after = posts + step.removed, step.after
    after = 0
    if before := _before(settings.events_days, now):
        while after is not None:
            step = await write(partial(prune_events, before=before))
            events, after = events + step.removed, step.after
        while (await write(partial(prune_calls, before=before))).after is not None:
            pass
    return Pruned(attempts=attempts, posts=posts, events=events)


def foretell(store: Store, settings: RetentionSettings, now: datetime) -> Pruned:
    """Return what `prune` would remove at `now` (aware)."""
    with store.read() as tx:
        attempts, posts = retention.count_prunable(
            tx, attempts=_before(settings.attempts_days, now), posts=_before(settings.posts_days, now)
        )
        before = _before(settings.events_days, now)
        events = count_old_events(tx, before) if before else 0
    return Pruned(attempts=attempts, posts=posts, events=events)


def _before(days: float, now: datetime) -> datetime | None:
    return now - timedelta(days=days) if days else None
