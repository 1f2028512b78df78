"""What a daemon leaves beside the database on which it has worked."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import datetime

from postbell.app import App
from postbell.services.sending.caution import Stock, take_stock
from postbell.store import mark
from postbell.store.engine import Store
from postbell.store.mark import Mark
from support.world import START, World


def left_by_daemon(app: App, machine: str | None = None) -> None:
    """Leave the mark of one that has ended now, on this machine or another."""
    name = mark.machine_name() if machine is None else machine
    with closing(Store(app.places.database)) as store, store.write() as tx:
        left = replace(mark.read_mark(tx), machine=name)
        mark.set_mark(tx, left)
    mark.MarkFile(app.places.mark).make(left, app.ctx.now())


def started(world: World, beside: Mark | None, machine: str = "here") -> Stock:
    """Begin to work on the database as a daemon does that finds this mark beside it."""
    with world.store.write() as tx:
        return take_stock(tx, world.ctx, beside, machine)


def beside(changes: int = 0, at: datetime = START, machine: str | None = "here", edits: int = 0) -> Mark:
    return Mark(changes=changes, edits=edits, machine=machine, at=at)


def database_says(world: World, changes: int, machine: str | None = "here", edits: int = 0) -> None:
    with closing(Store(world.app.places.database)) as store, store.write() as tx:
        mark.set_mark(tx, Mark(changes=changes, edits=edits, machine=machine))
