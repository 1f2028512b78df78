"""Keys to the HTTP API: made, shown once, and taken back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime

from postbell.domain.access import Key, Scope
from postbell.domain.ids import new_api_key
from postbell.errors import Invalid, Problem
from postbell.services.context import Context
from postbell.store import keys


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")

#: Why the HTTP API is not opened to other machines, and what to do then.
NO_KEY = "other machines would reach it, and there is no key yet"
MAKE_KEY = (
    "Leave `api.listen` at 127.0.0.1 and put a reverse proxy with TLS in front, whose name is in "
    "`api.hosts`; or make a key with `postbell key add`, and restart the daemon."
)


def add_key(
    ctx: Context, *, name: str, scopes: Iterable[Scope], expires_at: datetime | None = None
) -> tuple[Key, str]:
    """Make a key; what is returned with it is all that opens, and is kept nowhere.

    `expires_at` is aware. Raises Invalid, or Conflict if the name is taken.
    """
    if not _NAME.fullmatch(name):
        message = f"{name!r} is no name for a key: use letters, digits, - _ and ., at most 40."
        raise Invalid([Problem(where="--name", message=message)])
    wanted = frozenset(scopes)
    if not wanted:
        raise Invalid(
            [Problem(where="--scope", message=f"it opens nothing; name one of {', '.join(Scope)}.")]
        )
    secret, start = new_api_key(ctx.random)
    with ctx.store.write() as tx:
        key = keys.insert_key(
            tx,
            name=name,
            scopes=wanted,
            sha256=hash_of(secret),
            start=start,
            now=ctx.now(),
            expires_at=expires_at,
        )
    return key, secret


def list_keys(ctx: Context) -> list[Key]:
    """Return every key in the order of their names."""
    with ctx.store.read() as tx:
        return keys.list_keys(tx)


def revoke_key(ctx: Context, name: str) -> Key:
    """Take a key back, at once; raises NotFound."""
    with ctx.store.write() as tx:
        return keys.delete_key(tx, name)


def find_key(ctx: Context, secret: str) -> Key | None:
    """Return the key that this is, if it is one and has not expired."""
    with ctx.store.read() as tx:
        key = keys.find_key(tx, hash_of(secret))
    return key if key and key.is_valid(ctx.now()) else None


def hash_of(secret: str) -> str:
    """Return what is stored of a key. It is random enough that a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()
