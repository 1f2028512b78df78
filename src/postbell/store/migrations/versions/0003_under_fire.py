"""What lately ended without being published is found by an index."""

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


def _deliveries() -> None:
    op.create_index(
        "ix_delivery_lost",
        "delivery",
        ["ended_at"],
        sqlite_where=sa.text("state = 'missed' OR result = 'failed'"),
    )
