"""The tables of accounts, files, posts, and what becomes of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from postbell.domain.account import Health
from postbell.domain.media import MediaKind
from postbell.domain.pause import PauseScope
from postbell.domain.post import AttemptKind
from postbell.domain.states import DeliveryState, Outcome, PostState
from postbell.store.tables.base import Base, one_of


class AccountRow(Base, table=True):
    """A connected profile."""

    __tablename__ = "account"
    __table_args__ = (
        one_of("health", Health),
        # A removed account keeps its row for the history, and its name is free again.
        Index("uq_account_name", "name", unique=True, sqlite_where=text("removed_at IS NULL")),
    )

    id: int | None = Field(default=None, primary_key=True)
    name: str
    network: str
    server: str | None = None
    credentials: dict[str, Any] = Field(sa_type=JSON)
    session: dict[str, Any] = Field(sa_type=JSON)
    handle: str | None = None
    health: str
    health_note: str | None = None
    paused_at: datetime | None = None
    paused_until: datetime | None = None
    rests_until: datetime | None = None
    rest_reason: str | None = None
    setbacks: int = 0
    created_at: datetime
    removed_at: datetime | None = None
    #: Spans in seconds.
    late_limit: int | None = None
    min_gap: int | None = None
    cooldown: int | None = None
    #: Caps that differ from the network's: {"day": 25}; null lifts one.
    quotas: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    #: Weekly posting times: {"zone": …, "times": [[0, "09:00"]], "days_off": [["2026-12-24", "2026-12-26"]]}.
    slots: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    #: Not before this is the next post published, to keep the least gap.
    next_post_at: datetime | None = None
    #: What OAuth has given; when it ends, and when it is to be traded in before.
    tokens: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    tokens_end_at: datetime | None = None
    renew_at: datetime | None = None
    #: What it adds to its posts: {"signature": …, "utm": {…}, "sites": […]}.
    adds: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))


class MediaRow(Base, table=True):
    """A stored file."""

    __tablename__ = "media"
    __table_args__ = (one_of("kind", MediaKind), CheckConstraint("length(sha256) = 64", name="sha256"))

    sha256: str = Field(primary_key=True)
    kind: str
    mime: str
    size: int
    width: int | None = None
    height: int | None = None
    #: When it was given, the last time that nothing used it.
    created_at: datetime
    #: What it shows, where a post does not say that itself.
    shows: str = Field(default="", sa_column_kwargs={"server_default": ""})
    #: What is in a video.
    film: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))


class PauseRow(Base, table=True):
    """A pause of a series, a label or everything; accounts keep theirs themselves."""

    __tablename__ = "pause"
    __table_args__ = (one_of("scope", PauseScope),)

    scope: str = Field(primary_key=True)
    #: The id of the series or the label; empty for everything.
    name: str = Field(primary_key=True)
    since: datetime
    until: datetime | None = None


class PostRow(Base, table=True):
    """A post."""

    __tablename__ = "post"
    __table_args__ = (
        one_of("state", PostState),
        CheckConstraint("state IN ('draft', 'cancelled') OR at IS NOT NULL", name="has_time"),
        CheckConstraint("(local IS NULL) = (zone IS NULL)", name="local_has_zone"),
        Index("ix_post_state", "state", "at"),
        Index("ix_post_at", "at"),
        # One post for each slot of a series, however often its posts are made.
        Index(
            "uq_post_series_slot",
            "series_id",
            "slot",
            unique=True,
            sqlite_where=text("series_id IS NOT NULL"),
        ),
        # In the order of the list.
        Index(
            "ix_post_external_id",
            "external_id",
            "at",
            "id",
            sqlite_where=text("external_id IS NOT NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    state: str
    text: str
    title: str | None = None
    link: str | None = None
    overrides: dict[str, Any] = Field(sa_type=JSON)
    at: datetime | None = None
    #: The wall clock as typed, ISO 8601 without an offset.
    local: str | None = None
    zone: str | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1
    series_id: str | None = Field(default=None, foreign_key="series.id")
    slot: str | None = None
    #: Which of its series' posts it is, counted from 0.
    turn: int | None = None
    #: Whether somebody has changed it by hand: then its series leaves it alone.
    touched: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})
    labels: list[str] = Field(default_factory=list, sa_type=JSON, sa_column_kwargs={"server_default": "[]"})
    #: Spans in seconds.
    late_limit: int | None = None
    delete_after: int | None = None
    not_after: datetime | None = None
    allow_duplicate: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})
    #: What follows the text as a thread: a list of texts.
    segments: list[str] = Field(default_factory=list, sa_type=JSON, sa_column_kwargs={"server_default": "[]"})
    #: What is published below it first: {"text": …, "after": seconds}.
    comment: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    #: Whether its accounts add nothing to it.
    bare: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})
    #: What its caller calls it.
    external_id: str | None = None
    #: Whether the networks decide what they take.
    unchecked: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})


class PostMediaRow(Base, table=True):
    """A file as one post uses it."""

    __tablename__ = "post_media"
    __table_args__ = (Index("ix_post_media_sha256", "sha256"),)

    post_id: str = Field(primary_key=True, foreign_key="post.id", ondelete="CASCADE")
    position: int = Field(primary_key=True)
    sha256: str = Field(foreign_key="media.sha256")
    name: str
    alt: str
    #: Which part of a thread shows it, from 1.
    part: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class DeliveryRow(Base, table=True):
    """One post for one account."""

    __tablename__ = "delivery"
    __table_args__ = (
        one_of("state", DeliveryState),
        CheckConstraint(f"result IN ('{Outcome.PUBLISHED}', '{Outcome.FAILED}')", name="result"),
        CheckConstraint("(state = 'processed') = (result IS NOT NULL)", name="ended_has_result"),
        CheckConstraint("state IN ('draft', 'cancelled') OR due_at IS NOT NULL", name="has_time"),
        CheckConstraint("state != 'processing' OR begun_at IS NOT NULL", name="claimed_has_begun"),
        UniqueConstraint("post_id", "account_id", name="uq_delivery_post_id"),
        UniqueConstraint("key", name="uq_delivery_key"),
        # The hot question: the earliest due delivery of an account, and whether one is under way.
        Index("ix_delivery_queue", "account_id", "state", "due_at", "id"),
        Index("ix_delivery_state", "state", "due_at"),
        # What waits for another try is little.
        Index("ix_delivery_again", "tries", sqlite_where=text("state = 'scheduled' AND tries > 0")),
        Index("ix_delivery_try_at", "try_at", sqlite_where=text("state = 'scheduled' AND try_at > due_at")),
        Index(
            "ix_delivery_expires_at",
            "expires_at",
            sqlite_where=text("state = 'scheduled' AND expires_at IS NOT NULL"),
        ),
        Index(
            "ix_delivery_fingerprint",
            "account_id",
            "fingerprint",
            sqlite_where=text("fingerprint IS NOT NULL"),
        ),
        Index(
            "ix_delivery_stream",
            "account_id",
            "stream",
            "due_at",
            sqlite_where=text("state = 'scheduled' AND stream IS NOT NULL"),
        ),
        Index("ix_delivery_lost", "ended_at", sqlite_where=text("state = 'missed' OR result = 'failed'")),
        Index(
            "ix_delivery_late",
            "ended_at",
            sqlite_where=text("result = 'published' AND late_reason IS NOT NULL"),
        ),
        Index(
            "ix_delivery_delete_at",
            "delete_at",
            sqlite_where=text("delete_at IS NOT NULL AND deleted_at IS NULL"),
        ),
        Index("ix_delivery_metrics_at", "metrics_at", sqlite_where=text("metrics_at IS NOT NULL")),
        Index("ix_delivery_edit_at", "edit_at", sqlite_where=text("edit_at IS NOT NULL")),
        {"sqlite_autoincrement": True},  # numbers are never used twice: networks derive identities from them
    )

    id: int | None = Field(default=None, primary_key=True)
    post_id: str = Field(foreign_key="post.id", ondelete="CASCADE")
    account_id: int = Field(foreign_key="account.id")
    state: str
    result: str | None = None
    key: str
    due_at: datetime | None = None
    try_at: datetime | None = None
    tries: int = 0
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    public_at: datetime | None = None
    progress: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    receipt_id: str | None = None
    url: str | None = None
    message: str | None = None
    warnings: list[str] = Field(sa_type=JSON)
    late_reason: str | None = None
    #: The series, or the library, of whose posts only the newest is published late.
    stream: str | None = None
    #: Of what the account is asked to publish; equal where it reads the same.
    fingerprint: str | None = None
    #: Seconds; of the post, else of the account; without either the general one counts.
    late_limit: int | None = None
    #: Not published after this, whatever happens.
    expires_at: datetime | None = None
    placed_by: str | None = None
    placed_why: str | None = None
    delete_at: datetime | None = None
    deleted_at: datetime | None = None
    #: When its network is asked next how people respond to it.
    metrics_at: datetime | None = None
    #: When it is changed where it is public, and when it last was.
    edit_at: datetime | None = None
    edited_at: datetime | None = None
    #: What clocks show at a time of its own, and their zone: `2026-11-24T18:00:00 Europe/Berlin`.
    wall: str | None = None


class AttemptRow(Base, table=True):
    """One try of a delivery."""

    __tablename__ = "attempt"
    __table_args__ = (
        one_of("kind", AttemptKind),
        CheckConstraint("(ended_at IS NULL) = (result IS NULL)", name="ended_has_result"),
        Index("ix_attempt_delivery_id", "delivery_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    delivery_id: int = Field(foreign_key="delivery.id", ondelete="CASCADE")
    kind: str
    started_at: datetime
    ended_at: datetime | None = None
    result: str | None = None
    message: str | None = None


#: The same tables for statements.
account = Base.metadata.tables["account"]
media = Base.metadata.tables["media"]
pause = Base.metadata.tables["pause"]
post = Base.metadata.tables["post"]
post_media = Base.metadata.tables["post_media"]
delivery = Base.metadata.tables["delivery"]
attempt = Base.metadata.tables["attempt"]
