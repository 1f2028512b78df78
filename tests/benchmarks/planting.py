"""Databases with posts by the thousand and by the million."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

from benchmarks.peers.payload import TEXT
from postbell.app import App
from postbell.services.accounts import accounts
from support.home import Home


ACCOUNTS = 50

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :end)"
_AT = "strftime('%Y-%m-%d %H:%M:%f000', :begin, ((i - :first) * :step) || ' seconds')"
#: In no order, as those that are made up.
_ID = "printf('%08x', (i * 2654435761) % 4294967296)"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """So many posts, one to one account each, `step` seconds apart."""

    count: int
    begin: datetime
    step: float
    #: Whether they have been published; else they wait.
    published: bool = False
    #: The number of the first: that of the last one planted before it, plus one.
    first: int = 0


def connect(home: Home, url: str, count: int = ACCOUNTS) -> None:
    """Add webhook accounts without asking the far side."""
    with home.app() as app:
        for number in range(count):
            values = {"url": url}
            accounts.add_account(
                app.ctx, network="webhook", name=f"hook-{number}", server=None, values=values, verify=False
            )


def plant(app: App, *wanted: Wanted) -> None:
    """Store posts in one transaction; the accounts take turns."""
    with app.ctx.store.write() as tx:
        for each in wanted:
            _plant(tx, each)


def plant_due(home: Home, count: int) -> None:
    """Store posts that were all due within the last minute."""
    with home.app() as app:
        begin = app.ctx.now() - timedelta(seconds=60)
        plant(app, Wanted(count=count, begin=begin, step=50 / count))


def _plant(tx: Connection, wanted: Wanted) -> None:
    post = {"id": _ID, "text": ":text", "overrides": "'{}'", "labels": "'[]'", "version": "1"}
    # Nothing was made later than now: the daemon would think that its clock was set back.
    post |= {"at": _AT, **dict.fromkeys(("created_at", "updated_at"), "'2025-01-01 00:00:00.000000'")}
    sent = {
        "id": "i + 1",
        "post_id": _ID,
        "account_id": f"i % {ACCOUNTS} + 1",
        "key": "printf('%020x', i)",
        "fingerprint": "lower(hex(randomblob(16)))",
        "warnings": "'[]'",
    }
    sent |= dict.fromkeys(("due_at", "try_at"), _AT)
    attempt = {"delivery_id": "i + 1", "kind": "'publish'", "result": "'published'"}
    attempt |= dict.fromkeys(("started_at", "ended_at"), _AT)
    state = "processed" if wanted.published else "scheduled"
    tables = [("post", post | {"state": f"'{state}'"})]
    tables += [("delivery", sent | {"state": f"'{state}'", "tries": "0"})]
    if wanted.published:
        done = {"result": "'published'", "tries": "1", "receipt_id": "'1'"}
        done |= dict.fromkeys(("begun_at", "ended_at"), _AT)
        tables[1] = ("delivery", tables[1][1] | done)
        tables.append(("attempt", attempt))
    values = {
        "first": wanted.first,
        "end": wanted.first + wanted.count,
        "begin": wanted.begin.astimezone(UTC).isoformat(" ", "milliseconds").removesuffix("+00:00"),
        "step": wanted.step,
        "text": TEXT,
    }
    for table, row in tables:
        into = f"INSERT INTO {table} ({', '.join(row)}) {_NUMBERS} SELECT {', '.join(row.values())} FROM n"
        tx.execute(text(into), {name: value for name, value in values.items() if f":{name}" in into})
