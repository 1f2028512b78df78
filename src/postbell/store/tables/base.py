"""What all tables have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, MetaData
from sqlmodel import SQLModel


#: Changing a table on SQLite means writing it anew, and that needs every constraint to have a name.
_NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(SQLModel):
    """All tables of Postbell."""

    # SQLite validates rows, nothing else does; not to build what would do it saves a fifth of the module.
    model_config = {"defer_build": True}
    metadata: ClassVar[MetaData] = MetaData(naming_convention=_NAMES)


def one_of(column: str, values: type[Any]) -> CheckConstraint:
    """Return the constraint that a column holds one of the values of an enum."""
    listed = ", ".join(f"'{value.value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
