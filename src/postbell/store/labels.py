"""What posts and series are filed under."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, exists, func, or_, select, true

from postbell.domain.pause import PauseScope
from postbell.domain.states import PostState, SeriesState
from postbell.store.pauses import has_label
from postbell.store.tables.core import pause, post
from postbell.store.tables.series import series


@dataclass(frozen=True, kw_only=True)
class Label:
    """A label, and what has it."""

    name: str
    #: How many posts have it; of these, how many are still to be published.
    posts: int = 0
    scheduled: int = 0
    #: How many series have it that still make posts.
    series: int = 0
    #: Whether what has it is held back.
    paused: bool = False


def list_labels(tx: Connection, now: datetime) -> list[Label]:
    """Return every label that a post, an active series or a pause at `now` (aware) has, by name."""
    of_post = func.json_each(post.c.labels).table_valued("value", name="label")
    waits = post.c.state.in_((PostState.SCHEDULED, PostState.PROCESSING))
    counts = select(of_post.c.value, func.count().label("n"), func.sum(waits).label("waiting"))
    counts = counts.select_from(post.join(of_post, true())).group_by(of_post.c.value)
    counted = {row.value: row for row in tx.execute(counts)}
    of_series = func.json_each(series.c.labels).table_valued("value", name="label")
    active = select(of_series.c.value, func.count().label("n")).select_from(series.join(of_series, true()))
    active = active.where(series.c.state == SeriesState.ACTIVE).group_by(of_series.c.value)
    made_by = {row.value: row.n for row in tx.execute(active)}
    lasting = pause.c.until.is_(None) | (pause.c.until > now)
    held = select(pause.c.name).where(pause.c.scope == PauseScope.LABEL, lasting)
    paused = set(tx.execute(held).scalars())
    return [
        Label(
            name=name,
            posts=counted[name].n if name in counted else 0,
            scheduled=counted[name].waiting if name in counted else 0,
            series=made_by.get(name, 0),
            paused=name in paused,
        )
        for name in sorted({*counted, *made_by, *paused})
    ]


def is_used(tx: Connection, label: str) -> bool:
    """Whether a post that is still to be published, or a series, has a label."""
    to_come = (PostState.DRAFT, PostState.SCHEDULED, PostState.PROCESSING)
    found = or_(
        exists().where(post.c.state.in_(to_come), has_label(post, label)),
        exists().select_from(series).where(has_label(series, label)),
    )
    return bool(tx.execute(select(found)).scalar_one())
