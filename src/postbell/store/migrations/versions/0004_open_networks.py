"""Threads: what follows the first part of a post, and which part shows a file."""

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


def _threads() -> None:
    for table in ("post", "series"):
        op.add_column(table, sa.Column("segments", sa.JSON, nullable=False, server_default="[]"))
    for table in ("post_media", "series_media"):
        op.add_column(table, sa.Column("part", sa.Integer, nullable=False, server_default="1"))
