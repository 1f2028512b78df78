"""The table of files that were fetched by public links."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from postbell.store.tables.base import Base


class FetchRow(Base, table=True):
    """Somebody fetched a file of a delivery."""

    __tablename__ = "fetch"
    __table_args__ = (Index("ix_fetch_delivery_id", "delivery_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    delivery_id: int = Field(foreign_key="delivery.id", ondelete="CASCADE")
    file: str
    at: datetime
    #: Where it was asked from; behind a proxy that is the proxy.
    address: str
    #: What it calls itself.
    agent: str


#: The same table for statements.
fetch = Base.metadata.tables["fetch"]
