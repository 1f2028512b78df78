"""What is found by an index now, what the user is told, how far the database has come, what was pruned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables of version 0.2 to those of version 0.3."""
    _deliveries()
    _tried()
    _waiting()
    _notices()
    _mark()
    _tally()


def _deliveries() -> None:
    op.create_index(
        "ix_delivery_lost",
        "delivery",
        ["ended_at"],
        sqlite_where=sa.text("state = 'missed' OR result = 'failed'"),
    )
    op.create_index(
        "ix_delivery_late",
        "delivery",
        ["ended_at"],
        sqlite_where=sa.text("result = 'published' AND late_reason IS NOT NULL"),
    )


def _tried() -> None:
    op.create_index(
        "ix_delivery_again",
        "delivery",
        ["tries"],
        sqlite_where=sa.text("state = 'scheduled' AND tries > 0"),
    )


def _waiting() -> None:
    op.create_index(
        "ix_delivery_try_at",
        "delivery",
        ["try_at"],
        sqlite_where=sa.text("state = 'scheduled' AND try_at > due_at"),
    )


def _notices() -> None:
    kinds = "'trouble', 'account', 'unsure', 'failed', 'missed', 'remains', 'overdue', 'late'"
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("post_id", sa.String),
        sa.Column("account", sa.String),
        sa.Column("excerpt", sa.String),
        sa.Column("message", sa.String, nullable=False),
        sa.Column("mend", sa.String),
        sa.Column("told_at", sa.DateTime),
        sa.Column("over_at", sa.DateTime),
        sa.CheckConstraint(f"kind IN ({kinds})", name=op.f("ck_notice_kind")),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
        sa.UniqueConstraint("kind", "subject", "at", name="uq_notice_kind"),
    )
    op.create_index("ix_notice_open", "notice", ["kind", "subject"], sqlite_where=sa.text("over_at IS NULL"))
    op.create_table(
        "telling",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("since", sa.DateTime, nullable=False),
        sa.Column("ways", sa.JSON, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_telling_single")),
        sa.PrimaryKeyConstraint("id", name="pk_telling"),
    )


def _mark() -> None:
    op.create_table(
        "mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("edits", sa.Integer(), nullable=False),
        sa.Column("machine", sa.String()),
        sa.Column("cause", sa.String()),
        sa.Column("cautious_since", sa.DateTime()),
        sa.Column("known_until", sa.DateTime()),
        sa.Column("lost_edits", sa.Integer(), nullable=False, server_default="0"),
        sa.CheckConstraint("id = 1", name=op.f("ck_mark_one_row")),
        sa.CheckConstraint(
            "cause IN ('went_back', 'copied', 'mark_lost', 'restored', 'clock_set', 'away')",
            name=op.f("ck_mark_cause"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_mark"),
    )
    op.execute("INSERT INTO mark (id, changes, edits) VALUES (1, 0, 0)")


def _tally() -> None:
    outcomes = "'published', 'partial', 'failed', 'missed', 'unsure', 'cancelled'"
    op.create_table(
        "tally",
        sa.Column("account_id", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.CheckConstraint(f"outcome IN ({outcomes})", name=op.f("ck_tally_outcome")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_tally_account_id"),
        sa.PrimaryKeyConstraint("account_id", "outcome", name="pk_tally"),
    )
