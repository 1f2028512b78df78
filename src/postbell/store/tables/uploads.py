"""The table of files that come in parts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from postbell.store.tables.base import Base


class UploadRow(Base, table=True):
    """A file that comes in parts."""

    __tablename__ = "upload"
    __table_args__ = (Index("ix_upload_expires_at", "expires_at"),)

    id: str = Field(primary_key=True)
    length: int
    #: So many bytes of it are on the disk for good.
    offset: int
    alt: str
    notes: str
    created_at: datetime
    expires_at: datetime
    #: The file that it became.
    sha256: str | None = None


#: The same table for statements.
upload = Base.metadata.tables["upload"]
