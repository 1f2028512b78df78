"""What lately ended without being published, and what waits for another try, is found by an index each."""

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


def _deliveries() -> None:
    op.create_index(
        "ix_delivery_lost",
        "delivery",
        ["ended_at"],
        sqlite_where=sa.text("state = 'missed' OR result = 'failed'"),
    )


def _tried() -> None:
    op.create_index(
        "ix_delivery_again",
        "delivery",
        ["tries"],
        sqlite_where=sa.text("state = 'scheduled' AND tries > 0"),
    )
