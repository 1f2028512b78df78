"""First comments in the database: one verb for each step, guarded as those of deliveries are.

waiting -> sending -> published | failed | waiting (again later) | unsure
unsure  -> sending -> published | failed | waiting (it is not public) | unsure
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, literal_column, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from postbell.domain.account import Health
from postbell.domain.comment import CommentState, FirstComment
from postbell.domain.post import Delivery
from postbell.errors import Stale
from postbell.store.pauses import everything_held
from postbell.store.posts import delivery_of
from postbell.store.queue import ACCOUNT_PAUSED, ACTIVE
from postbell.store.tables.after import comment
from postbell.store.tables.core import account, delivery


#: What is still to be published, or looked up.
OPEN = comment.c.state.in_([literal_column(f"'{state}'") for state in ("waiting", "unsure")])
#: How long the far side may still be at work on a try whose answer was lost.
STILL_AT_WORK = timedelta(minutes=1)


def plan_comment(tx: Connection, delivery_id: int, at: datetime, *, unsure: bool = False) -> None:
    """Let a first comment on a delivery that is public be published at a time; `unsure` if it may be already.

    What is planned already stays as it is.
    """
    state = CommentState.UNSURE if unsure else CommentState.WAITING
    values = {"delivery_id": delivery_id, "state": state, "due_at": at, "try_at": at, "tries": 0}
    tx.execute(insert(comment).values(values).on_conflict_do_nothing())


def any_due(tx: Connection, by: datetime) -> bool:
    """Whether anything waits that is due by a time (aware), whatever holds it back."""
    due: Select[Any] = (
        select(literal_column("1")).select_from(comment).where(OPEN, comment.c.try_at <= by).limit(1)
    )
    return tx.execute(due).first() is not None


def due_comments(tx: Connection, now: datetime, limit: int) -> list[tuple[FirstComment, Delivery]]:
    """Return what is due by now with its deliveries, what waits longest first, at most `limit`.

    What belongs to an account that must be reconnected, rests, is paused or was removed is left out, and so
    is all while everything is paused.
    """
    rested = or_(account.c.rests_until.is_(None), account.c.rests_until <= now)
    rows = tx.execute(
        select(comment.c.delivery_id)
        .join(delivery, delivery.c.id == comment.c.delivery_id)
        .join(account, account.c.id == delivery.c.account_id)
        .where(OPEN, comment.c.try_at <= now, delivery.c.deleted_at.is_(None))
        .where(account.c.health == Health.OK, rested, account.c.removed_at.is_(None))
        .where(~ACCOUNT_PAUSED, ~everything_held(ACTIVE))
        .order_by(comment.c.try_at, comment.c.delivery_id)
        .limit(limit),
        {"now": now},
    )
    ids = [row.delivery_id for row in rows]
    return [pair for pair in _load(tx, comment.c.delivery_id.in_(ids)) if pair[0].delivery_id in ids]


def comments_of(tx: Connection, post_id: str) -> list[FirstComment]:
    """Return the first comments on a post, one for each account that has published it and makes one."""
    return [found for found, _ in _load(tx, delivery.c.post_id == post_id)]


def find_comment(tx: Connection, delivery_id: int) -> FirstComment | None:
    """Return the first comment on a delivery, if there is to be one."""
    return next((found for found, _ in _load(tx, comment.c.delivery_id == delivery_id)), None)


def begin_comment(tx: Connection, found: FirstComment, begun_at: datetime | None) -> None:
    """Take a first comment up; durable before anything is sent. Raises Stale if it is not as it was found.

    `begun_at` is stored as the instant of the first try, unless there is one; None for a look-up.
    """
    _change(
        tx,
        found.delivery_id,
        found.state,
        state=CommentState.SENDING,
        tries=found.tries + 1,
        begun_at=found.begun_at or begun_at,
    )


def save_comment_progress(tx: Connection, delivery_id: int, progress: dict[str, Any]) -> None:
    """Store what was done so far. Raises Stale if it is not under way."""
    _change(tx, delivery_id, CommentState.SENDING, progress=progress)


def publish_comment(tx: Connection, delivery_id: int, *, receipt_id: str, url: str | None) -> None:
    """Record that it is public. Raises Stale if it is not under way."""
    values = {"state": CommentState.PUBLISHED, "receipt_id": receipt_id, "url": url, "message": None}
    _change(tx, delivery_id, CommentState.SENDING, **values)


def put_comment_off(
    tx: Connection,
    delivery_id: int,
    message: str,
    until: datetime,
    *,
    state: CommentState,
    counts: bool = True,
) -> None:
    """Go on with it later, from `state`; without `counts` the try is given back. Raises Stale."""
    tries = comment.c.tries if counts else comment.c.tries - 1
    values = {"state": state, "message": message, "try_at": until, "tries": tries}
    _change(tx, delivery_id, CommentState.SENDING, **values)


def give_comment_up(tx: Connection, delivery_id: int, message: str) -> None:
    """Record that it will not be published, with a warning at its delivery. Raises Stale."""
    _change(tx, delivery_id, CommentState.SENDING, state=CommentState.FAILED, message=message)
    warn(tx, delivery_id, message)


def warn(tx: Connection, delivery_id: int, warning: str) -> None:
    """Add a warning to a delivery."""
    added = func.json_insert(delivery.c.warnings, "$[#]", warning)
    tx.execute(update(delivery).where(delivery.c.id == delivery_id).values(warnings=added))


def lose_interrupted_comments(tx: Connection, now: datetime) -> None:
    """Call unsure what was under way when a process died; only for a daemon that has just started.

    What is all public already goes on at once.
    """
    told, interrupted = {"message": "Postbell ended during the try"}, comment.c.state == CommentState.SENDING
    public = func.json_extract(comment.c.progress, "$.receipt").is_not(None)
    going_on = update(comment).where(interrupted, public)
    tx.execute(going_on.values(**told, state=CommentState.WAITING, try_at=now))
    in_doubt = update(comment).where(interrupted)
    tx.execute(in_doubt.values(**told, state=CommentState.UNSURE, try_at=now + STILL_AT_WORK))


def doubt_comments(tx: Connection, accounts: Sequence[int] | None, now: datetime) -> None:
    """Call unsure what waits and is due by now, of these accounts or of all: the database may have forgotten.

    The instant of a first try is forgotten with it.
    """
    waits = [comment.c.state == CommentState.WAITING, comment.c.try_at <= now]
    if accounts is not None:
        own = select(delivery.c.id).where(delivery.c.account_id.in_(accounts))
        waits.append(comment.c.delivery_id.in_(own))
    tx.execute(update(comment).where(*waits).values(state=CommentState.UNSURE))


def drop_comment(tx: Connection, delivery_id: int) -> None:
    """Let no first comment be published any more: what it is about was taken away."""
    waits = (comment.c.delivery_id == delivery_id, OPEN)
    told = "the post was taken away"
    tx.execute(update(comment).where(*waits).values(state=CommentState.FAILED, message=told))


def _change(tx: Connection, delivery_id: int, was: CommentState, **values: Any) -> None:
    where = (comment.c.delivery_id == delivery_id, comment.c.state == was)
    if tx.execute(update(comment).where(*where).values(values)).rowcount != 1:
        raise Stale(f"The first comment on delivery {delivery_id} is not {was} any more; nothing was done.")


def _load(tx: Connection, where: Any) -> list[tuple[FirstComment, Delivery]]:
    names = [column.name for column in comment.c]
    rows = tx.execute(
        select(*(column.label(f"comment_{column.name}") for column in comment.c))
        .add_columns(delivery, account.c.name.label("account"), account.c.network)
        .join_from(comment, delivery, delivery.c.id == comment.c.delivery_id)
        .join(account, account.c.id == delivery.c.account_id)
        .where(where)
        .order_by(comment.c.try_at, comment.c.delivery_id)
    )
    found = []
    for row in rows:
        columns = row._asdict()
        own = {name: columns.pop(f"comment_{name}") for name in names}
        own["state"] = CommentState(own["state"])
        found.append((FirstComment(**own), delivery_of(columns)))
    return found
