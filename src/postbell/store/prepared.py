"""Statements that are run for every post, handed to the driver as they are.

SQLAlchemy says what they are, and is left out when they are run: it takes longer for most than SQLite does.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import JSON, Boolean, Connection, DateTime
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from postbell.store.many import as_time


_NAMED = dialect(paramstyle="named")
_NOTHING: Mapping[str, Any] = {}


class Prepared:
    """A statement of SQLAlchemy, compiled when it is run for the first time.

    Its parameters are given by name: instants (aware), and what SQLite takes.
    """

    def __init__(self, statement: Any) -> None:
        self._statement = statement

    def run(self, tx: Connection, values: Mapping[str, Any] = _NOTHING) -> int:
        """Change rows; return how many."""
        return self._execute(tx, values).rowcount

    def tuples(self, tx: Connection, values: Mapping[str, Any] = _NOTHING) -> list[Any]:
        """Return the rows as the database holds them, instants and all."""
        return self._execute(tx, values).fetchall()

    def rows(self, tx: Connection, values: Mapping[str, Any] = _NOTHING) -> list[dict[str, Any]]:
        """Return the rows by column, with aware instants and what was in JSON."""
        return [self.read(row) for row in self.tuples(tx, values)]

    def read(self, row: tuple[Any, ...]) -> dict[str, Any]:
        """Return one of the rows of `tuples` by column, as `rows` does."""
        found = dict(zip(self._columns, row, strict=True))
        for name, read in self._readers:
            if (value := found[name]) is not None:
                found[name] = read(value)
        return found

    def _execute(self, tx: Connection, values: Mapping[str, Any]) -> sqlite3.Cursor:
        given = {
            name: as_time(value) if isinstance(value, datetime) else value for name, value in values.items()
        }
        raw: Any = tx.connection.driver_connection
        text, fixed = self._compiled
        cursor: sqlite3.Cursor = raw.execute(text, fixed | given)
        return cursor

    @cached_property
    def _compiled(self) -> tuple[str, dict[str, Any]]:
        """The words of SQL, and the values that are always the same."""
        compiled = self._statement.compile(dialect=_NAMED, compile_kwargs={"render_postcompile": True})
        fixed = compiled.params.items()
        return str(compiled), {name: str(v) if isinstance(v, str) else v for name, v in fixed}

    @cached_property
    def _columns(self) -> list[str]:
        return [column.name for column in self._statement.exported_columns]

    @cached_property
    def _readers(self) -> list[tuple[str, Callable[[Any], Any]]]:
        columns = self._statement.exported_columns
        return [(column.name, read) for column in columns if (read := _reader(column.type))]


def _reader(kind: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    """Return what makes a value of what the driver returns; None where that is one."""
    held = kind.impl if isinstance(kind, TypeDecorator) else kind
    if isinstance(held, DateTime):
        return _instant
    if isinstance(held, JSON):
        return _of_json
    return bool if isinstance(held, Boolean) else None


def _instant(stored: str) -> datetime:
    return datetime.fromisoformat(f"{stored}+00:00")


def _of_json(stored: str) -> Any:
    # Most lists and objects are empty; to find that out takes the reader longer than all the rest of a row.
    if stored == "[]":
        return []
    return {} if stored == "{}" else json.loads(stored)
