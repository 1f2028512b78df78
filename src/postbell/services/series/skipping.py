"""Leaving out single times of a series, and taking that back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import takewhile

from sqlalchemy import Connection

from postbell.domain.post import Post
from postbell.domain.recurrence import Occurrence
from postbell.domain.series import Series
from postbell.domain.states import PostState, SeriesState
from postbell.errors import Conflict, NotFound, Stale
from postbell.services.context import Context
from postbell.services.plan.making import Turn, make
from postbell.services.posts import actions
from postbell.store import accounts, occurrences, posts


#: Times that are further away are left out when they are nearer.
FARTHEST = timedelta(days=400)


def skip(ctx: Context, series: Series, slot: str) -> Post:
    """Leave out the time of a series that is named `slot`; return its post, which is cancelled.

    A post that is not made yet is made for that. Raises NotFound where the series does not come at that time,
    and Conflict where its post cannot be cancelled any more.
    """
    with ctx.store.write() as tx:
        if (post := _post_at(tx, ctx, series, slot)) is None:
            _make(tx, ctx, series, _occurrence(ctx, series, slot))
    return actions.cancel(ctx, post or _required(ctx, series, slot))


def unskip(ctx: Context, series: Series, slot: str) -> Post:
    """Take back that a time was left out; return its post, which is scheduled again.

    It says what the series says now. Raises NotFound where the series does not come at that time any more,
    and Conflict where it was not left out, or the series has ended or is a piece of a library.
    """
    if series.state is not SeriesState.ACTIVE:
        raise Conflict(f"Series {series.id} has ended. Write a new one.")
    with ctx.store.write() as tx:
        post = _post_at(tx, ctx, series, slot)
        if post is None or post.state is not PostState.CANCELLED:
            raise Conflict(f"Nothing was left out of series {series.id} at {slot}.")
        occurrence = _occurrence(ctx, series, slot)
        posts.delete_post(tx, post.id)
        _make(tx, ctx, series, occurrence, post.turn)
    ctx.ring()
    return _required(ctx, series, slot)


def _occurrence(ctx: Context, series: Series, slot: str) -> Occurrence:
    """Return the time to come that is named so."""
    if series.library is not None:
        raise Conflict(f"Series {series.id} has no times of its own: cancel its posts instead.")
    now = ctx.now()
    found = next((each for each in _coming(ctx, series) if each.key == slot), None)
    if found is None or found.at <= now:
        raise NotFound(
            f"Series {series.id} does not come at {slot[:40]!r}, or not within {FARTHEST.days} days."
        )
    return found


def _coming(ctx: Context, series: Series) -> Iterator[Occurrence]:
    last = ctx.now() + FARTHEST
    ended = series.state is not SeriesState.ACTIVE
    return takewhile(lambda each: each.at <= last, () if ended else series.rule.occurrences(ctx.now()))


def _make(
    tx: Connection, ctx: Context, series: Series, occurrence: Occurrence, number: int | None = None
) -> None:
    named = {account.name: account for account in accounts.list_accounts(tx)}
    turn = Turn(
        series=series,
        occurrence=occurrence,
        zone=series.rule.zone,
        number=series.made if number is None else number,
        accounts=[named[name] for name in series.to if name in named],
    )
    make(tx, ctx, [turn], ctx.now())


def _post_at(tx: Connection, ctx: Context, series: Series, slot: str) -> Post | None:
    ids = occurrences.ids_of_slots(tx, series.id, [slot])
    return next(iter(posts.load_posts(tx, ids, ctx.media.path_of)), None)


def _required(ctx: Context, series: Series, slot: str) -> Post:
    with ctx.store.read() as tx:
        post = _post_at(tx, ctx, series, slot)
    if post is None:
        raise Stale(f"The post of series {series.id} at {slot} has gone meanwhile; nothing was done.")
    return post
