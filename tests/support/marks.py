"""What a daemon leaves beside the database on which it has worked."""

from __future__ import annotations

from dataclasses import replace

from postbell.app import App
from postbell.store import mark


def left_by_daemon(app: App, machine: str | None = None) -> None:
    """Leave the mark of one that has ended now, on this machine or another."""
    name = mark.machine_name() if machine is None else machine
    with app.ctx.store.write() as tx:
        mark.set_mark(tx, replace(mark.read_mark(tx), machine=name))
    with app.ctx.store.read() as tx:
        mark.MarkFile(app.places.mark).make(mark.read_mark(tx), app.ctx.now())
