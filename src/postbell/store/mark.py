"""How far the database has come: counted in it, and in a small file beside it.

SQLite says nothing where an old copy lies in the place of the database, or its write-ahead log is gone. The
file does: it holds how often deliveries were claimed, and a database that counts less has forgotten claims.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, and_, exists, func, select, update

from postbell.domain.caution import Cause, Caution
from postbell.domain.post import FORGOTTEN, AttemptKind
from postbell.domain.states import DeliveryState
from postbell.store.engine import create_file
from postbell.store.prepared import Prepared
from postbell.store.tables import account, attempt, delivery, mark


#: Without claims the file is written anew this often, so that it tells until when somebody was there.
_REFRESHED = timedelta(minutes=15)
#: Bytes of the file, whatever it says: one page, so that it is never half written.
_SIZE = 256

_RAISE = Prepared(update(mark).values(claims=mark.c.claims + 1).returning(mark.c.claims))


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How far a database had come, at an instant."""

    #: How many transactions have claimed deliveries.
    claims: int
    #: Names the machine on which that was; None if it has no name.
    machine: str | None
    #: When that was (aware UTC); None in the database.
    at: datetime | None = None


class MarkFile:
    """The file beside the database, held open by the daemon.

    It is not synced. The process may be killed: what was written is with the kernel. At a power cut the file
    may fall behind the database, which is synced, and a file that is behind says nothing wrong: only one that
    is ahead of the database is an alarm. It is synced when it is made, because a missing file is one too.
    """

    def __init__(self, path: Path, machine: str | None) -> None:
        self.path = path
        self._machine = machine
        self._fd = -1
        self._claims: int | None = None
        self._at: datetime | None = None

    def keep(self, claims: int | None, now: datetime) -> None:
        """Write down how many claims are durable by `now`, None if there was no new one; raises OSError.

        It takes some microseconds, and is left out where there is nothing new to say. The first time makes
        the file if there is none, and is durable when this returns.
        """
        if claims is not None:
            self._claims, self._at = claims, None
        if self._claims is None or (self._at and timedelta() <= now - self._at < _REFRESHED):
            return
        first = self._fd < 0
        if first:
            create_file(self.path)
            self._fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        said = json.dumps({"claims": self._claims, "machine": self._machine, "at": now.isoformat()})
        os.pwrite(self._fd, said.ljust(_SIZE - 1).encode() + b"\n", 0)
        if first:
            self._sync()
        self._at = now

    def close(self, now: datetime) -> None:
        """Write down until when somebody was there, and close the file."""
        if self._fd < 0:
            return
        self._at = None
        with suppress(OSError):
            self.keep(None, now)
        os.close(self._fd)
        self._fd, self._claims = -1, None

    def _sync(self) -> None:
        os.fsync(self._fd)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read_file(path: Path) -> Mark | None:
    """Return what the file says; None if there is none, or nobody can read it."""
    try:
        said: Any = json.loads(path.read_text("ascii"))
        return Mark(
            claims=int(said["claims"]), machine=said["machine"], at=datetime.fromisoformat(said["at"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def machine_name(path: Path = Path("/etc/machine-id")) -> str | None:
    """Return what tells this machine from others, None if nothing does.

    A hash: the id itself should be kept to oneself (machine-id(5)).
    """
    try:
        found = path.read_text("ascii").strip()
    except (OSError, ValueError):
        return None
    return hashlib.sha256(f"postbell {found}".encode()).hexdigest()[:16] if found else None


def raise_claims(tx: Connection) -> int:
    """Count one more transaction that claims; return how many there were."""
    ((count,),) = _RAISE.tuples(tx)
    return int(count)


def read_mark(tx: Connection) -> Mark:
    """Return how far the database has come."""
    row = tx.execute(select(mark.c.claims, mark.c.machine)).one()
    return Mark(claims=row.claims, machine=row.machine)


def set_mark(tx: Connection, claims: int, machine: str | None) -> None:
    """Store how far the database has come, and on which machine."""
    tx.execute(update(mark).values(claims=claims, machine=machine))


def begin_caution(tx: Connection, cause: Cause, now: datetime) -> None:
    """Store that what is overdue is looked up before it is sent, and why."""
    tx.execute(update(mark).values(cause=cause, cautious_since=now))


def read_caution(tx: Connection, can_ask: Callable[[str], bool]) -> Caution | None:
    """Return the last cause for caution, and how much is still in doubt because of it.

    `can_ask` tells of a network's key whether it can be asked what is public.
    """
    row = tx.execute(select(mark.c.cause, mark.c.cautious_since)).one()
    if row.cause is None:
        return None
    of_delivery = attempt.c.delivery_id == delivery.c.id
    tried = and_(of_delivery, attempt.c.kind == AttemptKind.PUBLISH)
    last = select(func.max(attempt.c.id)).where(tried).correlate(delivery).scalar_subquery()
    forgotten = exists().where(attempt.c.id == last, attempt.c.result == FORGOTTEN)
    counts = (
        select(account.c.network, func.count().label("n"))
        .select_from(delivery)
        .join(account, account.c.id == delivery.c.account_id)
        .where(delivery.c.state == DeliveryState.UNSURE, forgotten)
        .group_by(account.c.network)
    )
    by_network = {each.network: each.n for each in tx.execute(counts)}
    asked = sum(count for network, count in by_network.items() if can_ask(network))
    return Caution(
        cause=Cause(row.cause), since=row.cautious_since, left=sum(by_network.values()), asked=asked
    )
