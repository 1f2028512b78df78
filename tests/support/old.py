"""Databases of earlier versions, with everything that may be in them."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from alembic import command

from postbell.durable import create_file
from postbell.store import schema
from postbell.store.engine import open_engine


NOW, LATER = "2026-11-23 09:00:00.000000", "2026-11-23 10:00:00.000000"
TABLES = ("account", "media", "post", "post_media", "delivery", "attempt")

OF_POST = {
    "draft": "draft",
    "scheduled": "scheduled",
    "processing": "processing",
    "unsure": "processed",
    "processed": "processed",
    "cancelled": "cancelled",
    "missed": "processed",
}


def make_old(path: Path, revision: str = "0001") -> None:
    """Make a database of an earlier schema, with posts and deliveries in every state."""
    create_file(path)
    _upgrade(path, "0001")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = ON")
        for table, row in rows():
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))
    _upgrade(path, revision)


def _upgrade(path: Path, revision: str) -> None:
    engine = open_engine(path, "BEGIN IMMEDIATE", "foreign_keys = OFF")
    with engine.begin() as tx:
        config = schema.alembic_config()
        config.attributes["connection"] = tx
        command.upgrade(config, revision)
    engine.dispose()


def rows() -> list[tuple[str, dict[str, Any]]]:
    """Return the rows of such a database, each with its table."""
    known = {"network": "fake", "credentials": '{"token": "x"}', "session": '{"a": [1]}', "created_at": NOW}
    found: list[tuple[str, dict[str, Any]]] = [
        ("account", known | {"id": 1, "name": "ann", "health": "ok", "setbacks": 2, "paused_at": NOW}),
        ("account", known | {"id": 4, "name": "old", "health": "ok", "setbacks": 0, "removed_at": NOW}),
        (
            "media",
            {"sha256": "f" * 64, "kind": "image", "mime": "image/png", "size": 7, "width": 1, "height": 2}
            | {"created_at": NOW},
        ),
    ]
    for number, (state, of_post) in enumerate(OF_POST.items(), start=1):
        timed = None if state == "draft" else NOW
        words = {"text": f"Grüße\n{state} \U0001f98a", "overrides": json.dumps({"ann": {"text": "other"}})}
        times = {"at": timed, "local": timed and "2026-11-23T10:00:00", "zone": timed and "Europe/Berlin"}
        found += [
            (
                "post",
                {"id": f"p{number}", "state": of_post, "title": None, "link": "https://a.example/"}
                | {"created_at": NOW, "updated_at": LATER, "version": number}
                | words
                | times,
            ),
            (
                "post_media",
                {"post_id": f"p{number}", "position": 0, "sha256": "f" * 64, "name": "a.png", "alt": "A"},
            ),
            (
                "delivery",
                {
                    "id": 10 * number,
                    "post_id": f"p{number}",
                    "account_id": 1,
                    "state": state,
                    "key": f"k{number}",
                }
                | {"result": "published" if state == "processed" else None, "due_at": timed, "try_at": timed}
                | {"tries": 3, "begun_at": None if state in ("draft", "scheduled") else NOW}
                | {"progress": '{"step": "s", "data": {}}', "warnings": '["cropped"]', "late_reason": "why"},
            ),
            (
                "attempt",
                {"id": number, "delivery_id": 10 * number, "kind": "settle", "started_at": NOW}
                | {"ended_at": LATER, "result": "published", "message": "said"},
            ),
        ]
    return found


def content(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every old table."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return {
            table: [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2")]
            for table in TABLES
        }


def layout(path: Path) -> dict[str, Any]:
    """Return every table and index as SQLite keeps it, without the freedoms of writing it down."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {f"{kind} {name}": _normalised(sql) for kind, name, sql in rows if name != "alembic_version"}


def _normalised(sql: str) -> tuple[str, ...]:
    flat = re.sub(r"\s+", " ", sql).replace('"', "")
    head, _, rest = flat.partition("(")
    inside, _, tail = rest.rpartition(")")
    parts, depth = [""], 0
    for letter in inside:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return (head.strip(), *sorted(part.strip() for part in parts), tail.strip())
