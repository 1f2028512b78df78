"""What was answered to requests that may come again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from postbell.store.tables.api import answer


@dataclass(frozen=True, kw_only=True)
class Answered:
    """An answer that was given."""

    #: The SHA-256 of all that was asked for.
    request: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str


def find_answer(tx: Connection, caller: str, key: str, since: datetime) -> Answered | None:
    """Return what was answered to a caller under a key, if that was not before `since` (aware)."""
    row = tx.execute(
        select(answer.c.request, answer.c.status, answer.c.headers, answer.c.body).where(
            answer.c.caller == caller, answer.c.key == key, answer.c.at >= since
        )
    ).one_or_none()
    return Answered(**row._asdict()) if row else None


def keep_answer(
    tx: Connection, caller: str, key: str, given: Answered, *, now: datetime, since: datetime
) -> None:
    """Store an answer, and forget those that were given before `since`."""
    tx.execute(delete(answer).where(answer.c.at < since))
    tx.execute(insert(answer).values(caller=caller, key=key, at=now, **vars(given)))
