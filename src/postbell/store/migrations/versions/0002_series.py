"""Series, queue slots, pauses, and what says how late a post may be."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables of version 0.1 to those of version 0.2."""
    _series()
    _of_series()
    _pauses()
    _accounts()
    _posts()
    _deliveries()
    _attempts()


def _series() -> None:
    op.create_table(
        "series",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rule", sa.JSON(), nullable=False),
        sa.Column("library", sa.String()),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("title", sa.String()),
        sa.Column("link", sa.String()),
        sa.Column("variants", sa.JSON(), nullable=False),
        sa.Column("overrides", sa.JSON(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("late_limit", sa.Integer()),
        sa.Column("delete_after", sa.Integer()),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.Column("made_until", sa.DateTime()),
        sa.Column("next_at", sa.DateTime()),
        sa.CheckConstraint("state IN ('active', 'ended')", name=op.f("ck_series_state")),
        sa.PrimaryKeyConstraint("id", name="pk_series"),
    )
    op.create_index("ix_series_next", "series", ["state", "next_at"])
    op.create_index("ix_series_library", "series", ["library"], sqlite_where=sa.text("library IS NOT NULL"))


def _of_series() -> None:
    op.create_table(
        "series_account",
        sa.Column("series_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.DateTime()),
        sa.ForeignKeyConstraint(
            ["series_id"], ["series.id"], name="fk_series_account_series_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_series_account_account_id"),
        sa.PrimaryKeyConstraint("series_id", "account_id", name="pk_series_account"),
    )
    op.create_index("ix_series_account_account_id", "series_account", ["account_id"])
    op.create_table(
        "series_media",
        sa.Column("series_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("alt", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_id"], ["series.id"], name="fk_series_media_series_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["sha256"], ["media.sha256"], name="fk_series_media_sha256"),
        sa.PrimaryKeyConstraint("series_id", "position", name="pk_series_media"),
    )
    op.create_index("ix_series_media_sha256", "series_media", ["sha256"])


def _pauses() -> None:
    op.create_table(
        "pause",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("until", sa.DateTime()),
        sa.CheckConstraint("scope IN ('everything', 'series', 'label')", name=op.f("ck_pause_scope")),
        sa.PrimaryKeyConstraint("scope", "name", name="pk_pause"),
    )


def _accounts() -> None:
    for column in (
        sa.Column("paused_until", sa.DateTime()),
        sa.Column("late_limit", sa.Integer()),
        sa.Column("min_gap", sa.Integer()),
        sa.Column("cooldown", sa.Integer()),
        sa.Column("quotas", sa.JSON()),
        sa.Column("slots", sa.JSON()),
        sa.Column("next_post_at", sa.DateTime()),
    ):
        op.add_column("account", column)


def _posts() -> None:
    # Not by ADD COLUMN: a reference cannot be named there, and the next change of the table needs the name.
    with op.batch_alter_table("post") as table:
        for column in (
            sa.Column("series_id", sa.String()),
            sa.Column("slot", sa.String()),
            sa.Column("turn", sa.Integer()),
            sa.Column("touched", sa.Boolean(), nullable=False, server_default="0"),
            sa.Column("labels", sa.JSON(), nullable=False, server_default="[]"),
            sa.Column("late_limit", sa.Integer()),
            sa.Column("delete_after", sa.Integer()),
            sa.Column("not_after", sa.DateTime()),
            sa.Column("allow_duplicate", sa.Boolean(), nullable=False, server_default="0"),
        ):
            table.add_column(column)
        table.create_foreign_key("fk_post_series_id", "series", ["series_id"], ["id"])
    op.create_index(
        "uq_post_series_slot",
        "post",
        ["series_id", "slot"],
        unique=True,
        sqlite_where=sa.text("series_id IS NOT NULL"),
    )


def _deliveries() -> None:
    for column in (
        sa.Column("stream", sa.String()),
        sa.Column("fingerprint", sa.String()),
        sa.Column("late_limit", sa.Integer()),
        sa.Column("expires_at", sa.DateTime()),
        sa.Column("placed_by", sa.String()),
        sa.Column("placed_why", sa.String()),
        sa.Column("delete_at", sa.DateTime()),
        sa.Column("deleted_at", sa.DateTime()),
    ):
        op.add_column("delivery", column)
    scheduled = "state = 'scheduled' AND"
    for name, columns, where in (
        ("expires_at", ["expires_at"], f"{scheduled} expires_at IS NOT NULL"),
        ("fingerprint", ["account_id", "fingerprint"], "fingerprint IS NOT NULL"),
        ("stream", ["account_id", "stream", "due_at"], f"{scheduled} stream IS NOT NULL"),
        ("delete_at", ["delete_at"], "delete_at IS NOT NULL AND deleted_at IS NULL"),
    ):
        op.create_index(f"ix_delivery_{name}", "delivery", columns, sqlite_where=sa.text(where))
    op.create_table(
        "engagement",
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("responses", sa.Float(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name="fk_engagement_delivery_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("delivery_id", name="pk_engagement"),
    )


def _attempts() -> None:
    with op.batch_alter_table("attempt") as table:
        table.drop_constraint(op.f("ck_attempt_kind"), type_="check")
        table.create_check_constraint(
            op.f("ck_attempt_kind"), "kind IN ('publish', 'find', 'settle', 'remove')"
        )
