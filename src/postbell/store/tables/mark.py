"""The table that says how far the database has come."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from postbell.domain.caution import Cause
from postbell.store.tables.base import Base, one_of


class MarkRow(Base, table=True):
    """How far the database has come: one row."""

    __tablename__ = "mark"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"), one_of("cause", Cause))

    id: int = Field(primary_key=True)
    #: How many transactions changed it, and how many of those were of commands.
    changes: int
    edits: int
    #: Names the machine whose daemon worked on it last: empty if it has no name, null before the first.
    machine: str | None = None
    #: Why there is caution, since when, until when all was known before that, and how many edits are lost.
    cause: str | None = None
    cautious_since: datetime | None = None
    known_until: datetime | None = None
    lost_edits: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    #: When a daemon last worked on it, to the day.
    alive_at: datetime | None = None


#: The same table for statements.
mark = Base.metadata.tables["mark"]
