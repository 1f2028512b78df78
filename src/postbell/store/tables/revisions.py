"""The table of what published posts said before they were changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlmodel import Field

from postbell.store.tables.base import Base


class RevisionRow(Base, table=True):
    """What a published post said before it was changed."""

    __tablename__ = "revision"

    post_id: str = Field(primary_key=True, foreign_key="post.id", ondelete="CASCADE")
    version: int = Field(primary_key=True)
    until: datetime
    #: {"text": …, "segments": […], "title": …, "link": …, "alts": […], "overrides": {…}}.
    said: dict[str, Any] = Field(sa_type=JSON)


#: The same table for statements.
revision = Base.metadata.tables["revision"]
