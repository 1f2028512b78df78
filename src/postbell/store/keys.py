"""Keys to the HTTP API in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from postbell.domain.access import Key, Scope
from postbell.errors import Conflict, NotFound
from postbell.store.prepared import Prepared
from postbell.store.tables.api import api_key


_FIELDS = tuple(column for column in api_key.c if column.name != "sha256")
_FOUND = Prepared(select(*_FIELDS).where(api_key.c.sha256 == bindparam("sha256")))


def insert_key(
    tx: Connection,
    *,
    name: str,
    scopes: Iterable[Scope],
    sha256: str,
    start: str,
    now: datetime,
    expires_at: datetime | None,
) -> Key:
    """Store a key by its hash; raises Conflict if the name is taken."""
    values: dict[str, Any] = {
        "name": name,
        "scopes": sorted(scopes),
        "created_at": now,
        "expires_at": expires_at,
    }
    try:
        made = tx.execute(
            insert(api_key).values(sha256=sha256, start=start, **values).returning(*_FIELDS)
        ).one()
    except IntegrityError:
        raise Conflict(f"There is a key named {name} already. Choose another name, or revoke it.") from None
    return _key(made)


def find_key(tx: Connection, sha256: str) -> Key | None:
    """Return the key with this hash."""
    found = _FOUND.rows(tx, {"sha256": sha256})
    return _key_of(found[0]) if found else None


def list_keys(tx: Connection) -> list[Key]:
    """Return every key in the order of their names."""
    return [_key(row) for row in tx.execute(select(*_FIELDS).order_by(api_key.c.name))]


def use_key(tx: Connection, key_id: int, now: datetime) -> None:
    """Note that a key was used; nothing happens if it has gone."""
    tx.execute(update(api_key).where(api_key.c.id == key_id).values(used_at=now))


def delete_key(tx: Connection, name: str) -> Key:
    """Remove a key and return it; raises NotFound."""
    gone = tx.execute(delete(api_key).where(api_key.c.name == name).returning(*_FIELDS)).one_or_none()
    if gone is None:
        raise NotFound(f"There is no key named {name}. `postbell key list` shows those that there are.")
    return _key(gone)


def _key(row: Row[Any]) -> Key:
    return _key_of(row._asdict())


def _key_of(columns: Mapping[str, Any]) -> Key:
    return Key(**{**columns, "scopes": frozenset(map(Scope, columns["scopes"]))})
