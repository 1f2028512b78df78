"""Many posts and series at once, in a world."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert

from postbell.domain.content import Content
from postbell.domain.ids import new_delivery_key, new_post_id
from postbell.domain.recurrence import Recurrence
from postbell.domain.recycling import Recycling
from postbell.domain.series import Series
from postbell.domain.states import DeliveryState, PostState
from postbell.services.context import Context
from postbell.services.series.recur import make_first
from postbell.store import accounts, series
from postbell.store.tables.core import delivery, post
from support.world import World


def plant_posts(ctx: Context, wanted: Sequence[tuple[str, Sequence[str], datetime]]) -> None:
    """Store scheduled posts in one transaction: (text, accounts, time) each."""
    now = ctx.now()
    posts, deliveries = [], []
    with ctx.store.write() as tx:
        ids = {account.name: account.id for account in accounts.list_accounts(tx)}
        for text, names, at in wanted:
            post_id = new_post_id(ctx.random)
            row = {"id": post_id, "state": PostState.SCHEDULED, "text": text, "overrides": {}, "at": at}
            posts.append(row | {"created_at": now, "updated_at": now, "version": 1, "labels": []})
            for name in names:
                key = new_delivery_key(ctx.random)
                of_post = {"post_id": post_id, "account_id": ids[name], "state": DeliveryState.SCHEDULED}
                deliveries.append(
                    of_post | {"key": key, "due_at": at, "try_at": at, "tries": 0, "warnings": []}
                )
        tx.execute(insert(post), posts)
        tx.execute(insert(delivery), deliveries)


def plant_series(world: World, text: str, to: Sequence[str], rule: Recurrence | Recycling) -> str:
    """Store a series with its first posts, and return its id."""
    now = world.clock.now()
    with world.store.write() as tx:
        named = accounts.accounts_named(tx, list(to))
        new = Series(
            id=new_post_id(world.ctx.random),
            rule=rule,
            content=Content(text=text),
            to=tuple(to),
            created_at=now,
            updated_at=now,
        )
        series.insert_series(tx, new, [named[name].id for name in to])
        make_first(tx, world.ctx, new, now)
    return new.id
