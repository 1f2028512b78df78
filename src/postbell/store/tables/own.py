"""The tables about Postbell itself: what it tells, and what it has pruned."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from postbell.domain.notice import NoticeKind
from postbell.domain.states import Outcome
from postbell.store.tables.base import Base, one_of


class NoticeRow(Base, table=True):
    """Something that the user is told, or was."""

    __tablename__ = "notice"
    __table_args__ = (
        one_of("kind", NoticeKind),
        UniqueConstraint("kind", "subject", "at", name="uq_notice_kind"),
        # What is still to be told, or lasts.
        Index("ix_notice_open", "kind", "subject", sqlite_where=text("over_at IS NULL")),
    )

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    #: No foreign key: what was told outlives what it was about.
    subject: str
    at: datetime
    post_id: str | None = None
    account: str | None = None
    excerpt: str | None = None
    message: str
    mend: str | None = None
    told_at: datetime | None = None
    over_at: datetime | None = None


class TellingRow(Base, table=True):
    """How telling the user goes: one row."""

    __tablename__ = "telling"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: int = Field(primary_key=True)
    #: What ended before this is not told any more: it was seen, or is older than the wish to be told.
    since: datetime
    #: How each way did: [{"name": …, "told_at": …, "failing_since": …, "error": …}].
    ways: list[dict[str, Any]] = Field(sa_type=JSON)


class TallyRow(Base, table=True):
    """How many deliveries of an account ended so, and were pruned since."""

    __tablename__ = "tally"
    __table_args__ = (one_of("outcome", Outcome),)

    account_id: int = Field(primary_key=True, foreign_key="account.id")
    outcome: str = Field(primary_key=True)
    count: int


#: The same tables for statements.
notice = Base.metadata.tables["notice"]
telling = Base.metadata.tables["telling"]
tally = Base.metadata.tables["tally"]
