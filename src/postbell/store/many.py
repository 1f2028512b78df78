"""Many values as one parameter: a list in JSON, so that a statement is the same however many there are.

It is prepared once, and one step of SQLite does the work for all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, TableValuedAlias, bindparam, func, select


def listed(name: str) -> TableValuedAlias:
    """Return the values of the parameter `name` as a table, whose column is `value`."""
    return func.json_each(bindparam(name)).table_valued("value", name="listed")


def one_of(name: str) -> Select[Any]:
    """Return the values of the parameter `name`, for `in_`."""
    return select(listed(name).c.value)


def part(row: TableValuedAlias, number: int) -> ColumnElement[Any]:
    """Return the how-manieth part of each value, where values are lists."""
    return func.json_extract(row.c.value, f"$[{number}]")


def as_list(values: Iterable[Any]) -> str:
    """Return what such a parameter is given. Text that no database can hold is refused by the driver."""
    return json.dumps(list(values), ensure_ascii=False)


def as_time(moment: datetime | None) -> str | None:
    """Return an instant (aware) as the tables hold it."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
