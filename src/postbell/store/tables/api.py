"""The tables of the HTTP API: who may ask, and what was answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

from postbell.store.tables.base import Base


class KeyRow(Base, table=True):
    """A key; what it is made of is not in it."""

    __tablename__ = "api_key"
    __table_args__ = (
        CheckConstraint("length(sha256) = 64", name="sha256"),
        UniqueConstraint("name", name="uq_api_key_name"),
        UniqueConstraint("sha256", name="uq_api_key_sha256"),
        {"sqlite_autoincrement": True},  # what was answered to a key that is gone is not told to a later one
    )

    id: int | None = Field(default=None, primary_key=True)
    name: str
    scopes: list[str] = Field(sa_type=JSON)
    sha256: str
    #: How it begins.
    start: str
    created_at: datetime
    expires_at: datetime | None = None
    used_at: datetime | None = None


class AnswerRow(Base, table=True):
    """What was answered to a request that may come again."""

    __tablename__ = "answer"
    __table_args__ = (Index("ix_answer_at", "at"),)

    #: Who has asked, and the Idempotency-Key.
    caller: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    #: The SHA-256 of all that was asked for.
    request: str
    status: int
    headers: dict[str, Any] = Field(sa_type=JSON)
    body: str
    at: datetime


#: The same tables for statements.
api_key = Base.metadata.tables["api_key"]
answer = Base.metadata.tables["answer"]
