"""The first tables: accounts, media, posts, deliveries and the log of tries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of version 0.1."""
    _accounts()
    _media()
    _posts()
    _deliveries()
    _attempts()


def _accounts() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("server", sa.String()),
        sa.Column("credentials", sa.JSON(), nullable=False),
        sa.Column("session", sa.JSON(), nullable=False),
        sa.Column("handle", sa.String()),
        sa.Column("health", sa.String(), nullable=False),
        sa.Column("health_note", sa.String()),
        sa.Column("paused_at", sa.DateTime()),
        sa.Column("rests_until", sa.DateTime()),
        sa.Column("rest_reason", sa.String()),
        sa.Column("setbacks", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("removed_at", sa.DateTime()),
        sa.CheckConstraint("health IN ('ok', 'unauthorized')", name=op.f("ck_account_health")),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
    )
    op.create_index(
        "uq_account_name", "account", ["name"], unique=True, sqlite_where=sa.text("removed_at IS NULL")
    )


def _media() -> None:
    op.create_table(
        "media",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("mime", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer()),
        sa.Column("height", sa.Integer()),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("kind IN ('image', 'video')", name=op.f("ck_media_kind")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_media_sha256")),
        sa.PrimaryKeyConstraint("sha256", name="pk_media"),
    )


def _posts() -> None:
    op.create_table(
        "post",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("title", sa.String()),
        sa.Column("link", sa.String()),
        sa.Column("overrides", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime()),
        sa.Column("local", sa.String()),
        sa.Column("zone", sa.String()),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('draft', 'cancelled') OR at IS NOT NULL", name=op.f("ck_post_has_time")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'scheduled', 'processing', 'processed', 'cancelled')",
            name=op.f("ck_post_state"),
        ),
        sa.CheckConstraint("(local IS NULL) = (zone IS NULL)", name=op.f("ck_post_local_has_zone")),
        sa.PrimaryKeyConstraint("id", name="pk_post"),
    )
    op.create_index("ix_post_at", "post", ["at"])
    op.create_index("ix_post_state", "post", ["state", "at"])
    op.create_table(
        "post_media",
        sa.Column("post_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("alt", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_post_media_post_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["sha256"], ["media.sha256"], name="fk_post_media_sha256"),
        sa.PrimaryKeyConstraint("post_id", "position", name="pk_post_media"),
    )
    op.create_index("ix_post_media_sha256", "post_media", ["sha256"])


def _deliveries() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("result", sa.String()),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime()),
        sa.Column("try_at", sa.DateTime()),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.DateTime()),
        sa.Column("ended_at", sa.DateTime()),
        sa.Column("progress", sa.JSON()),
        sa.Column("receipt_id", sa.String()),
        sa.Column("url", sa.String()),
        sa.Column("message", sa.String()),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("late_reason", sa.String()),
        sa.CheckConstraint(
            "(state = 'processed') = (result IS NOT NULL)", name=op.f("ck_delivery_ended_has_result")
        ),
        sa.CheckConstraint("result IN ('published', 'failed')", name=op.f("ck_delivery_result")),
        sa.CheckConstraint(
            "state != 'processing' OR begun_at IS NOT NULL", name=op.f("ck_delivery_claimed_has_begun")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'cancelled') OR due_at IS NOT NULL", name=op.f("ck_delivery_has_time")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'scheduled', 'processing', 'unsure', 'processed', 'cancelled', 'missed')",
            name=op.f("ck_delivery_state"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_delivery_account_id"),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_delivery_post_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.UniqueConstraint("key", name="uq_delivery_key"),
        sa.UniqueConstraint("post_id", "account_id", name="uq_delivery_post_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_delivery_queue", "delivery", ["account_id", "state", "due_at", "id"])
    op.create_index("ix_delivery_state", "delivery", ["state", "due_at"])


def _attempts() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime()),
        sa.Column("result", sa.String()),
        sa.Column("message", sa.String()),
        sa.CheckConstraint("kind IN ('publish', 'find', 'settle')", name=op.f("ck_attempt_kind")),
        sa.CheckConstraint("(ended_at IS NULL) = (result IS NULL)", name=op.f("ck_attempt_ended_has_result")),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name="fk_attempt_delivery_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_attempt"),
    )
    op.create_index("ix_attempt_delivery_id", "attempt", ["delivery_id", "id"])
