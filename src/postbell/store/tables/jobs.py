"""The table of work that goes on after it was asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index
from sqlmodel import Field

from postbell.store.tables.base import Base


class JobRow(Base, table=True):
    """Files that are fetched together."""

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_ended_at", "ended_at"),)

    id: str = Field(primary_key=True)
    created_at: datetime
    ended_at: datetime | None = None
    begun: int = 0
    #: What is fetched, and what became of it: [{"url", "alt", "state", "sha256", "message"}].
    items: list[dict[str, Any]] = Field(sa_type=JSON)


#: The same table for statements.
job = Base.metadata.tables["job"]
