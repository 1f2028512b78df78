"""The table of what happened."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlmodel import Field

from postbell.store.base import Base


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


#: The same table for statements.
event = Base.metadata.tables["event"]
