"""The tables of what happened, and of who is told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint, text
from sqlmodel import Field

from postbell.domain.hook import CallState
from postbell.store.tables.base import Base, one_of


class EventRow(Base, table=True):
    """One thing that happened. Triggers write it (`postbell.store.triggers`), and nothing else."""

    __tablename__ = "event"
    #: Whoever reads on from a number must not meet it again with another meaning.
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - the form is SQLAlchemy's

    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    kind: str
    #: No foreign keys: what happened outlives what it happened to.
    post_id: str | None = None
    account: str | None = None
    data: dict[str, Any] = Field(sa_type=JSON)


class HookRow(Base, table=True):
    """An address that is told what happens."""

    __tablename__ = "hook"
    __table_args__ = (UniqueConstraint("name", name="uq_hook_name"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True)
    name: str
    url: str
    events: list[str] = Field(sa_type=JSON)
    allow_local: bool
    secret: dict[str, Any] = Field(sa_type=JSON)
    created_at: datetime
    #: The number of the last event that was handed over, or noted to be handed over again.
    after: int
    failures: int = 0
    failing_since: datetime | None = None
    error: str | None = None
    rests_until: datetime | None = None


class HookCallRow(Base, table=True):
    """One event handed over to one address."""

    __tablename__ = "hook_call"
    __table_args__ = (
        one_of("state", CallState),
        UniqueConstraint("hook_id", "event_id", name="uq_hook_call_hook_id"),
        Index("ix_hook_call_waiting", "hook_id", "event_id", sqlite_where=text("state = 'waiting'")),
        Index("ix_hook_call_last_at", "last_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    hook_id: int = Field(foreign_key="hook.id", ondelete="CASCADE")
    #: No foreign key: what was told outlives the event itself.
    event_id: int
    kind: str
    post_id: str | None = None
    account: str | None = None
    state: str
    tries: int
    first_at: datetime
    last_at: datetime
    try_at: datetime | None = None
    status: int | None = None
    took_ms: int | None = None
    error: str | None = None


#: The same tables for statements.
event = Base.metadata.tables["event"]
hook = Base.metadata.tables["hook"]
hook_call = Base.metadata.tables["hook_call"]
