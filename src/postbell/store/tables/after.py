"""The tables about what has been published: how people respond to it, and what is said below it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, text
from sqlmodel import Field

from postbell.domain.comment import CommentState
from postbell.store.tables.base import Base, one_of


class ReadingRow(Base, table=True):
    """How people had responded to what was published, when its network was asked."""

    __tablename__ = "reading"
    __table_args__ = (Index("ix_reading_delivery_id", "delivery_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    delivery_id: int = Field(foreign_key="delivery.id", ondelete="CASCADE")
    read_at: datetime
    #: How many there were, by what.
    counts: dict[str, Any] = Field(sa_type=JSON)


class CommentRow(Base, table=True):
    """The first comment on what was published."""

    __tablename__ = "comment"
    __table_args__ = (
        one_of("state", CommentState),
        # What still waits is little.
        Index("ix_comment_try_at", "try_at", sqlite_where=text("state IN ('waiting', 'unsure')")),
    )

    delivery_id: int = Field(primary_key=True, foreign_key="delivery.id", ondelete="CASCADE")
    state: str
    due_at: datetime
    try_at: datetime
    tries: int = 0
    begun_at: datetime | None = None
    progress: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    receipt_id: str | None = None
    url: str | None = None
    message: str | None = None


class EngagementRow(Base, table=True):
    """How people responded to what was published."""

    __tablename__ = "engagement"

    delivery_id: int = Field(primary_key=True, foreign_key="delivery.id", ondelete="CASCADE")
    #: Likes, replies and shares together, as the user or the network counts them.
    responses: float
    recorded_at: datetime


#: The same tables for statements.
reading = Base.metadata.tables["reading"]
comment = Base.metadata.tables["comment"]
engagement = Base.metadata.tables["engagement"]
