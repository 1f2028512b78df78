"""A post of a series: what it says this time, and when each account publishes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.domain.content import Content, Override
from postbell.domain.ids import new_delivery_keys, new_post_ids
from postbell.domain.post import Post
from postbell.domain.recurrence import Occurrence
from postbell.domain.series import Series
from postbell.domain.states import PostState
from postbell.domain.variants import pick
from postbell.services.context import Context
from postbell.services.plan.planning import Place, plan
from postbell.services.posts.adding import added_to
from postbell.store import occurrences, posts
from postbell.store.deliveries import Planned
from postbell.store.occurrences import Made


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One post of a series."""

    series: Series
    occurrence: Occurrence
    #: The IANA name of the zone whose clocks show its time.
    zone: str
    #: Which of its posts it is, counted from 0.
    number: int
    accounts: Sequence[Account]
    #: Where the time was chosen for single accounts; keyed by their ids.
    places: Mapping[int, Place] = field(default_factory=dict)

    def plan(self, post: Post) -> list[Planned]:
        """Return when each account publishes the post of this turn."""
        return plan(post, self.accounts, self.places, stream=stream_of(self.series))


def make(tx: Connection, ctx: Context, turns: Sequence[Turn], now: datetime) -> None:
    """Store a post, scheduled, for each of these turns."""
    made = []
    keys = new_delivery_keys(ctx.random, sum(len(turn.accounts) for turn in turns))
    for turn, post_id in zip(turns, _new_ids(tx, ctx, len(turns)), strict=True):
        blank = Post(
            id=post_id,
            state=PostState.SCHEDULED,
            content=Content(),
            created_at=now,
            updated_at=now,
            series_id=turn.series.id,
        )
        post = filled_in(blank, turn)
        keyed = tuple((next(keys), planned) for planned in turn.plan(post))
        made.append(Made(post=post, deliveries=keyed))
    occurrences.insert_made(tx, made)


def filled_in(post: Post, turn: Turn) -> Post:
    """Return a post with everything that its series says for this turn."""
    series = turn.series
    content, overrides = reading(series, turn.number)
    filled = replace(
        post,
        content=content,
        overrides=overrides,
        at=turn.occurrence.at,
        local=turn.occurrence.local,
        zone=turn.zone,
        slot=turn.occurrence.key,
        turn=turn.number,
        labels=series.labels,
        late_limit=series.late_limit,
        delete_after=series.delete_after,
    )
    return added_to(filled, turn.accounts)


def reading(series: Series, turn: int) -> tuple[Content, dict[str, Override]]:
    """Return what a series says in its turn-th post (from 0 on): of its choices and variants the next one."""
    templates = [text for text in (series.content.text, *series.variants) if text] or [""]
    content = series.content

    def others(segments: Sequence[str]) -> tuple[str, ...]:
        return tuple(pick([segment], turn, series.id) for segment in segments)

    content = replace(content, text=pick(templates, turn, series.id), segments=others(content.segments))
    if comment := content.comment:
        content = replace(content, comment=replace(comment, text=pick([comment.text], turn, series.id)))
    overrides = {
        key: said
        if said.text is None
        else replace(said, text=pick([said.text], turn, series.id), segments=others(said.segments))
        for key, said in series.overrides.items()
    }
    return content, overrides


def stream_of(series: Series) -> str:
    """Return what the posts of a series have in common: after an outage only the newest is published."""
    return f"library:{series.library}" if series.library else series.id


def _new_ids(tx: Connection, ctx: Context, count: int) -> list[str]:
    """Return ids that no post has: among very many posts even eight characters may come twice."""
    ids: dict[str, None] = {}
    while len(ids) < count:
        fresh = dict.fromkeys(new_post_ids(ctx.random, count - len(ids)))
        known = posts.known_ids(tx, list(fresh))
        ids |= {post_id: None for post_id in fresh if post_id not in known}
    return list(ids)
