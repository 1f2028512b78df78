"""The tables of series."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, text
from sqlmodel import Field

from postbell.domain.states import SeriesState
from postbell.store.tables.base import Base, one_of


class SeriesRow(Base, table=True):
    """What makes posts by itself."""

    __tablename__ = "series"
    __table_args__ = (
        one_of("state", SeriesState),
        # The hot question: which series must make posts by now.
        Index("ix_series_next", "state", "next_at"),
        Index("ix_series_library", "library", sqlite_where=text("library IS NOT NULL")),
    )

    id: str = Field(primary_key=True)
    state: str
    #: The words of its rule, and which kind: {"kind": "recurrence", "words": {…}}.
    rule: dict[str, Any] = Field(sa_type=JSON)
    library: str | None = None
    text: str
    title: str | None = None
    link: str | None = None
    variants: list[str] = Field(sa_type=JSON)
    overrides: dict[str, Any] = Field(sa_type=JSON)
    labels: list[str] = Field(sa_type=JSON)
    #: Spans in seconds.
    late_limit: int | None = None
    delete_after: int | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1
    made: int = 0
    made_until: datetime | None = None
    next_at: datetime | None = None
    #: What follows the text as a thread: a list of texts.
    segments: list[str] = Field(default_factory=list, sa_type=JSON, sa_column_kwargs={"server_default": "[]"})
    #: What is published below it first: {"text": …, "after": seconds}.
    comment: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))


class SeriesAccountRow(Base, table=True):
    """An account for which a series makes posts."""

    __tablename__ = "series_account"
    __table_args__ = (Index("ix_series_account_account_id", "account_id"),)

    series_id: str = Field(primary_key=True, foreign_key="series.id", ondelete="CASCADE")
    account_id: int = Field(primary_key=True, foreign_key="account.id")
    #: When a piece of a library was last used for it.
    used_at: datetime | None = None


class SeriesMediaRow(Base, table=True):
    """A file as one series uses it."""

    __tablename__ = "series_media"
    __table_args__ = (Index("ix_series_media_sha256", "sha256"),)

    series_id: str = Field(primary_key=True, foreign_key="series.id", ondelete="CASCADE")
    position: int = Field(primary_key=True)
    sha256: str = Field(foreign_key="media.sha256")
    name: str
    alt: str
    #: Which part of a thread shows it, from 1.
    part: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


#: The same tables for statements.
series = Base.metadata.tables["series"]
series_account = Base.metadata.tables["series_account"]
series_media = Base.metadata.tables["series_media"]
