"""What a series is about to do, without doing it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from postbell.domain.content import Content
from postbell.domain.pause import Pause, PauseScope
from postbell.domain.post import Post
from postbell.domain.recurrence import Occurrence
from postbell.domain.series import Series
from postbell.domain.states import SeriesState
from postbell.domain.zones import wall_at
from postbell.errors import Problem
from postbell.services.context import Context
from postbell.services.plan.making import reading
from postbell.services.posts.compose import in_place, not_stored
from postbell.services.posts.judging import find_accounts
from postbell.services.posts.templates import judge_series
from postbell.services.series.series import WantedSeries, faults_of, new_series
from postbell.store import occurrences, pauses, posts


@dataclass(frozen=True, kw_only=True)
class Upcoming:
    """One of the next posts of a series."""

    #: When it is published (aware UTC), and what clocks in `zone` show then (naive).
    at: datetime
    local: datetime
    zone: str
    #: Names the time for which it is; that of a post stays when this is moved.
    slot: str
    #: What the user should know about the clocks, without a full stop.
    note: str | None = None
    content: Content
    #: None where it is not made yet.
    post: Post | None = None


def preview_series(ctx: Context, wanted: WantedSeries) -> tuple[Series, list[Problem]]:
    """Return a series as it would be stored, and what the user should know of it; nothing is stored.

    Raises Invalid with every problem at once.
    """
    accounts, problems = find_accounts(ctx, wanted.to)
    with ctx.media.stage(not_stored(wanted.media)) as files:
        series = new_series(ctx, wanted, in_place(wanted.media, files.media))
        problems += [*faults_of(wanted), *files.problems]
        return series, judge_series(ctx, series, accounts, problems)


def look_ahead(ctx: Context, series: Series, count: int) -> list[Upcoming]:
    """Return the next posts of a series, at most `count`: those that are made, skipped or moved, and others.

    Of a piece of a library those are told that are made; which slots it fills later is not known yet.
    """
    now = ctx.now()
    times: list[Occurrence] = []
    later: list[Occurrence] = []
    if series.state is SeriesState.ACTIVE:
        times = list(islice(series.rule.occurrences(now), count))
        # A slot before this that has no post gets none: one that was changed by hand stands for it.
        later = list(islice(series.rule.occurrences(max(now, series.made_until or now)), count))
    with ctx.store.read() as tx:
        coming = occurrences.coming_ids(tx, series.id, now, count)
        taken = occurrences.ids_of_slots(tx, series.id, [each.key for each in (*times, *later)])
        ids = list(dict.fromkeys([*coming, *taken]))
        made = {post.slot: post for post in posts.load_posts(tx, ids, ctx.media.path_of)}
    by_key = {each.key: each for each in times}
    found = [_of_post(ctx, post, by_key.get(slot or "")) for slot, post in made.items()]
    missing = (each for each in later if each.key not in made)
    for number, each in enumerate(missing, series.made):
        content, _ = reading(series, number)
        found.append(
            Upcoming(
                at=each.at,
                local=each.local,
                zone=series.rule.zone,
                slot=each.key,
                note=each.note,
                content=content,
            )
        )
    return sorted(found, key=lambda each: each.at)[:count]


def next_times(ctx: Context) -> dict[str, datetime]:
    """Return when (aware UTC) the next post of each series is due, by the id of the series."""
    with ctx.store.read() as tx:
        return occurrences.next_times(tx, ctx.now())


def paused_series(ctx: Context) -> dict[str, Pause]:
    """Return the pauses of series that are in force now, by the id of the series."""
    with ctx.store.read() as tx:
        found = pauses.list_pauses(tx, ctx.now())
    return {pause.name: pause for pause in found if pause.scope is PauseScope.SERIES}


def _of_post(ctx: Context, post: Post, slot: Occurrence | None) -> Upcoming:
    at = post.at or (slot.at if slot else None)
    assert at is not None, "what is scheduled has a time"
    return Upcoming(
        at=at,
        local=post.local or wall_at(at, ctx.zone),
        zone=post.zone or ctx.zone.key,
        slot=post.slot or "",
        note=slot.note if slot and slot.at == at else None,
        content=post.content,
        post=post,
    )
