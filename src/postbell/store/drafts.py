"""The dates of drafts: they remind, and nothing is ever published by them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, or_, select, update

from postbell.domain.post import Post
from postbell.domain.states import DeliveryState, PostState
from postbell.store.deliveries import Planned
from postbell.store.posts import Locate, load_posts
from postbell.store.tables.core import delivery, post


def date_drafts(tx: Connection, post_id: str, dates: Iterable[Planned]) -> None:
    """Give the deliveries of a draft their dates."""
    statement = update(delivery).where(
        delivery.c.post_id == post_id,
        delivery.c.account_id == bindparam("of"),
        delivery.c.state == DeliveryState.DRAFT,
    )
    rows = [{"of": each.account_id, "at": each.at, "shown": each.wall} for each in dates]
    if rows:
        tx.execute(statement.values(due_at=bindparam("at"), wall=bindparam("shown")), rows)


def dated_drafts(tx: Connection, start: datetime, end: datetime, limit: int, locate: Locate) -> list[Post]:
    """Return drafts of which an account has a date from `start` on and before `end` (aware), at most `limit`.

    The latest of them, in the order of their times.
    """
    on_account = select(delivery.c.post_id).where(
        delivery.c.state == DeliveryState.DRAFT, delivery.c.due_at >= start, delivery.c.due_at < end
    )
    within = (post.c.at >= start) & (post.c.at < end)
    found = (
        select(post.c.id)
        .where(post.c.state == PostState.DRAFT, or_(within, post.c.id.in_(on_account)))
        .order_by(post.c.at.desc(), post.c.id.desc())
        .limit(limit)
    )
    return load_posts(tx, list(tx.execute(found).scalars())[::-1], locate)
