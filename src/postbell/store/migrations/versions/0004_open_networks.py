"""Threads, comments, edits, additions. OAuth. API keys, answers, ids. Responses. Events, hooks. Files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables of version 0.3 to those of version 0.4."""
    _threads()
    _tokens()
    _comments()
    _keys()
    _answers()
    _readings()
    _events()
    _hooks()
    _alive()
    _sounds()
    _media()
    _films()
    _jobs()
    _fetches()
    _uploads()
    _edits()
    _additions()
    _own_times()
    _external_ids()
    _unchecked()
    _public_since()


def _public_since() -> None:
    op.add_column("delivery", sa.Column("public_at", sa.DateTime))


def _unchecked() -> None:
    op.add_column("post", sa.Column("unchecked", sa.Boolean, nullable=False, server_default="0"))


def _external_ids() -> None:
    op.add_column("post", sa.Column("external_id", sa.String))
    there = sa.text("external_id IS NOT NULL")
    op.create_index("ix_post_external_id", "post", ["external_id", "at", "id"], sqlite_where=there)


def _own_times() -> None:
    op.add_column("delivery", sa.Column("wall", sa.String))


def _additions() -> None:
    op.add_column("account", sa.Column("adds", sa.JSON))
    op.add_column("post", sa.Column("bare", sa.Boolean, nullable=False, server_default="0"))


def _uploads() -> None:
    op.create_table(
        "upload",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("length", sa.Integer, nullable=False),
        sa.Column("offset", sa.Integer, nullable=False),
        sa.Column("alt", sa.String, nullable=False),
        sa.Column("notes", sa.String, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
        sa.Column("sha256", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_upload"),
    )
    op.create_index("ix_upload_expires_at", "upload", ["expires_at"])


def _edits() -> None:
    for name in ("edit_at", "edited_at"):
        op.add_column("delivery", sa.Column(name, sa.DateTime))
    there = sa.text("edit_at IS NOT NULL")
    op.create_index("ix_delivery_edit_at", "delivery", ["edit_at"], sqlite_where=there)
    op.create_table(
        "revision",
        sa.Column("post_id", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("until", sa.DateTime, nullable=False),
        sa.Column("said", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_revision_post_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("post_id", "version", name="pk_revision"),
    )
    notices = "'trouble', 'account', 'unsure', 'failed', 'missed', 'remains', 'unedited', 'overdue', 'late'"
    kinds = {"attempt": "'publish', 'find', 'settle', 'remove', 'edit'", "notice": notices}
    for name, listed in kinds.items():
        with op.batch_alter_table(name) as table:
            table.drop_constraint(op.f(f"ck_{name}_kind"), type_="check")
            table.create_check_constraint(op.f(f"ck_{name}_kind"), f"kind IN ({listed})")


def _fetches() -> None:
    op.create_table(
        "fetch",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("delivery_id", sa.Integer, nullable=False),
        sa.Column("file", sa.String, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("address", sa.String, nullable=False),
        sa.Column("agent", sa.String, nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name="fk_fetch_delivery_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_fetch"),
    )
    op.create_index("ix_fetch_delivery_id", "fetch", ["delivery_id", "id"])


def _jobs() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("ended_at", sa.DateTime),
        sa.Column("begun", sa.Integer, nullable=False),
        sa.Column("items", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
    )
    op.create_index("ix_job_ended_at", "job", ["ended_at"])


def _media() -> None:
    op.add_column("media", sa.Column("shows", sa.String, nullable=False, server_default=""))


def _films() -> None:
    op.add_column("media", sa.Column("film", sa.JSON))


def _sounds() -> None:
    kinds = "'image', 'video', 'audio', 'document'"
    with op.batch_alter_table("media") as table:
        table.drop_constraint(op.f("ck_media_kind"), type_="check")
        table.create_check_constraint(op.f("ck_media_kind"), f"kind IN ({kinds})")


def _tokens() -> None:
    op.add_column("account", sa.Column("tokens", sa.JSON))
    op.add_column("account", sa.Column("tokens_end_at", sa.DateTime))
    op.add_column("account", sa.Column("renew_at", sa.DateTime))


def _comments() -> None:
    for table in ("post", "series"):
        op.add_column(table, sa.Column("comment", sa.JSON))
    op.create_table(
        "comment",
        sa.Column("delivery_id", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("due_at", sa.DateTime, nullable=False),
        sa.Column("try_at", sa.DateTime, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("begun_at", sa.DateTime),
        sa.Column("progress", sa.JSON),
        sa.Column("receipt_id", sa.String),
        sa.Column("url", sa.String),
        sa.Column("message", sa.String),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'unsure', 'published', 'failed')", name=op.f("ck_comment_state")
        ),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name="fk_comment_delivery_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("delivery_id", name="pk_comment"),
    )
    waits = sa.text("state IN ('waiting', 'unsure')")
    op.create_index("ix_comment_try_at", "comment", ["try_at"], sqlite_where=waits)


def _keys() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("sha256", sa.String, nullable=False),
        sa.Column("start", sa.String, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime),
        sa.Column("used_at", sa.DateTime),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_api_key_sha256")),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("name", name="uq_api_key_name"),
        sa.UniqueConstraint("sha256", name="uq_api_key_sha256"),
        sqlite_autoincrement=True,
    )


def _answers() -> None:
    op.create_table(
        "answer",
        sa.Column("caller", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("request", sa.String, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("headers", sa.JSON, nullable=False),
        sa.Column("body", sa.String, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name="pk_answer"),
    )
    op.create_index("ix_answer_at", "answer", ["at"])


def _threads() -> None:
    for table in ("post", "series"):
        op.add_column(table, sa.Column("segments", sa.JSON, nullable=False, server_default="[]"))
    for table in ("post_media", "series_media"):
        op.add_column(table, sa.Column("part", sa.Integer, nullable=False, server_default="1"))


def _readings() -> None:
    op.add_column("delivery", sa.Column("metrics_at", sa.DateTime))
    there = sa.text("metrics_at IS NOT NULL")
    op.create_index("ix_delivery_metrics_at", "delivery", ["metrics_at"], sqlite_where=there)
    op.create_table(
        "reading",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("delivery_id", sa.Integer, nullable=False),
        sa.Column("read_at", sa.DateTime, nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name="fk_reading_delivery_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_reading"),
    )
    op.create_index("ix_reading_delivery_id", "reading", ["delivery_id", "id"])


def _events() -> None:
    op.create_table(
        "event",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("post_id", sa.String),
        sa.Column("account", sa.String),
        sa.Column("data", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
        sqlite_autoincrement=True,
    )


def _hooks() -> None:
    op.create_table(
        "hook",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("url", sa.String, nullable=False),
        sa.Column("events", sa.JSON, nullable=False),
        sa.Column("allow_local", sa.Boolean, nullable=False),
        sa.Column("secret", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("after", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failing_since", sa.DateTime),
        sa.Column("error", sa.String),
        sa.Column("rests_until", sa.DateTime),
        sa.PrimaryKeyConstraint("id", name="pk_hook"),
        sa.UniqueConstraint("name", name="uq_hook_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "hook_call",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("hook_id", sa.Integer, nullable=False),
        sa.Column("event_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("post_id", sa.String),
        sa.Column("account", sa.String),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("first_at", sa.DateTime, nullable=False),
        sa.Column("last_at", sa.DateTime, nullable=False),
        sa.Column("try_at", sa.DateTime),
        sa.Column("status", sa.Integer),
        sa.Column("took_ms", sa.Integer),
        sa.Column("error", sa.String),
        sa.CheckConstraint("state IN ('waiting', 'taken', 'given_up')", name=op.f("ck_hook_call_state")),
        sa.ForeignKeyConstraint(["hook_id"], ["hook.id"], name="fk_hook_call_hook_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_hook_call"),
        sa.UniqueConstraint("hook_id", "event_id", name="uq_hook_call_hook_id"),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index("ix_hook_call_waiting", "hook_call", ["hook_id", "event_id"], sqlite_where=waiting)
    op.create_index("ix_hook_call_last_at", "hook_call", ["last_at"])


def _alive() -> None:
    op.add_column("mark", sa.Column("alive_at", sa.DateTime))
