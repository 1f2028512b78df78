"""What a daemon leaves beside the database on which it has worked."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from postbell.app import App
from postbell.store import mark
from postbell.store.engine import Store


def left_by_daemon(app: App, machine: str | None = None) -> None:
    """Leave the mark of one that has ended now, on this machine or another."""
    name = mark.machine_name() if machine is None else machine
    with closing(Store(app.places.database)) as store, store.write() as tx:
        left = replace(mark.read_mark(tx), machine=name)
        mark.set_mark(tx, left)
    mark.MarkFile(app.places.mark).make(left, app.ctx.now())
