"""What posts and series are filed under."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    TableValuedAlias,
    cast,
    exists,
    func,
    or_,
    select,
)

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
    """Return every label that a post, an active series or a pause at `now` (aware) has, by name.

    Older versions took labels that cannot be told as they are: there is a mark for what is no character.
    """
    of_post, label = _each(post.c.labels)
    waits = post.c.state.in_((PostState.SCHEDULED, PostState.PROCESSING))
    counts = select(label, func.count().label("n"), func.sum(waits).label("waiting"))
    counts = counts.select_from(post.join(of_post, of_post.c.type == "text")).group_by(label)
    counted = {_told(row.label): row for row in tx.execute(counts)}
    of_series, label = _each(series.c.labels)
    active = select(label, func.count().label("n"))
    active = active.select_from(series.join(of_series, of_series.c.type == "text"))
    active = active.where(series.c.state == SeriesState.ACTIVE).group_by(label)
    made_by = {_told(row.label): row.n for row in tx.execute(active)}
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


def _each(labels: ColumnElement[Any]) -> tuple[TableValuedAlias, ColumnElement[bytes]]:
    """Return the labels of a row, and their bytes: SQLite would fail to read what is no UTF-8 as a text."""
    found = func.json_each(labels).table_valued("value", "type", name="label")
    return found, cast(found.c.value, LargeBinary).label("label")


def _told(label: bytes) -> str:
    return label.decode("utf-8", "replace")


def is_used(tx: Connection, label: str) -> bool:
    """Whether a post that is still to be published, or a series, has a label."""
    to_come = (PostState.DRAFT, PostState.SCHEDULED, PostState.PROCESSING)
    found = or_(
        exists().where(post.c.state.in_(to_come), has_label(post, label)),
        exists().select_from(series).where(has_label(series, label)),
    )
    return bool(tx.execute(select(found)).scalar_one())
