"""What is not published as it is: due for too long, overtaken by a newer one, or in doubt altogether."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
    text,
    tuple_,
    union_all,
    update,
)

from postbell.domain.post import Delivery
from postbell.domain.states import DeliveryEvent, DeliveryState, PostEvent
from postbell.store.attempts import add_forgotten
from postbell.store.comments import doubt_comments
from postbell.store.deliveries import finish_posts, list_deliveries, move, move_posts
from postbell.store.many import as_list, listed, part
from postbell.store.pauses import held, part_held
from postbell.store.prepared import Prepared
from postbell.store.queue import ACCOUNT_PAUSED, ACTIVE, NOW, due_heads
from postbell.store.tables.core import delivery, post
from postbell.store.told import ALL_PUBLIC, PUBLIC


#: A statement has only so many variables: 999 in older builds of SQLite.
_AT_ONCE = 500
#: No limit, as SQLite says it.
_ALL = -1

#: A newer one that has come so far supersedes what is older; one that was cancelled, or is a draft, does not.
_BEGUN_OR_ENDED = (
    DeliveryState.PROCESSING,
    DeliveryState.UNSURE,
    DeliveryState.PROCESSED,
    DeliveryState.MISSED,
)

# As a literal, or SQLite would not see that an index of what waits will do.
_WAITS: ColumnElement[str] = literal_column("'scheduled'")


def _rare(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Make SQLite use the index of a condition: left to itself it goes through everything that waits."""
    return func.likelihood(condition, literal_column("0.000001"))


def _overdue() -> Any:
    of_their_own, of_all = delivery.alias("of_their_own"), delivery.alias("of_all")
    expired = (
        of_their_own.c.state == _WAITS,
        of_their_own.c.expires_at.is_not(None),
        _rare(of_their_own.c.expires_at < NOW),
    )
    too_old = (
        of_all.c.state == _WAITS,
        of_all.c.late_limit.is_(None),
        of_all.c.due_at < bindparam("before", type_=delivery.c.due_at.type),
    )
    ids = union_all(select(of_their_own.c.id).where(*expired), select(of_all.c.id).where(*too_old))
    overdue = delivery.c.id.in_(ids.scalar_subquery())
    late = select(delivery.c.id).where(overdue, not_(ALL_PUBLIC), not_(held(ACTIVE, ACCOUNT_PAUSED)))
    return late.limit(bindparam("most"))


def _has_newer() -> ColumnElement[bool]:
    """Say in SQL that a newer one of the series or library of a delivery is due."""
    newer = delivery.alias("newer")
    of_same = (
        newer.c.account_id == delivery.c.account_id,
        newer.c.stream == delivery.c.stream,
        newer.c.due_at <= NOW,
        tuple_(newer.c.due_at, newer.c.id) > tuple_(delivery.c.due_at, delivery.c.id),
    )
    waits = exists().where(
        *of_same, newer.c.state == _WAITS, newer.c.stream.is_not(None), not_(part_held(newer, ACTIVE))
    )
    ended = exists().where(*of_same, newer.c.state.in_(_BEGUN_OR_ENDED))
    return and_(delivery.c.stream.is_not(None), or_(waits.correlate(delivery), ended.correlate(delivery)))


def _superseded_of_account() -> Any:
    waiting = (
        delivery.c.account_id == bindparam("account_id"),
        delivery.c.state == _WAITS,
        delivery.c.due_at <= NOW,
        not_(part_held(delivery, ACTIVE)),
        not_(ALL_PUBLIC),
        _has_newer(),
    )
    ordered = select(delivery.c.id).where(*waiting).order_by(delivery.c.due_at, delivery.c.id)
    return ordered.limit(bindparam("most"))


_EACH = listed("late")
_TELL_LATE = Prepared(
    update(delivery).where(delivery.c.id == part(_EACH, 0)).values(late_reason=part(_EACH, 1))
)
_HEADS = due_heads()
_OVERDUE = Prepared(_overdue())
# The index is named: left to itself SQLite goes through all that waits to find that none is of a series.
_ANY_STREAM = Prepared(
    text(
        "SELECT 1 FROM delivery INDEXED BY ix_delivery_stream"
        " WHERE state = 'scheduled' AND stream IS NOT NULL LIMIT 1"
    )
)
_SUPERSEDED = select(delivery.c.account_id).join(_HEADS, _HEADS.c.id == delivery.c.id).where(_has_newer())
_IS_SUPERSEDED = select(exists().where(delivery.c.id == bindparam("id"), _has_newer()))
_SUPERSEDED_OF_ACCOUNT = _superseded_of_account()


def list_overdue(tx: Connection, *, before: datetime, now: datetime, most: int = _ALL) -> list[Delivery]:
    """Return what waits and is too late to be published at `now`, but for what is paused; at most so many.

    Too late is what has passed its own last moment; without a limit of its own, what was due before `before`.
    """
    values = {"before": before, "now": now, "most": most}
    return _load(tx, [delivery_id for (delivery_id,) in _OVERDUE.tuples(tx, values)])


def list_superseded(tx: Connection, now: datetime, most: int = _ALL) -> list[Delivery]:
    """Return what would be published next, but for a newer one of its series or library that is due too.

    With it is returned what else of its account is superseded; in all at most so many. What takes its place
    as the next may be superseded as well, so this is asked until nothing is. What is held back takes no part.
    """
    ids: list[int] = []
    if not _ANY_STREAM.tuples(tx):
        return []  # most have no series: then no head is looked for
    for account_id in tx.execute(_SUPERSEDED, {"now": now}).scalars().all():
        left = most if most == _ALL else most - len(ids)
        if not left:
            break
        values = {"account_id": account_id, "now": now, "most": left}
        ids += tx.execute(_SUPERSEDED_OF_ACCOUNT, values).scalars()
    return _load(tx, ids)


def is_superseded(tx: Connection, delivery_id: int, now: datetime) -> bool:
    """Whether a newer one of its series or library is due at `now`, if it is of one."""
    return bool(tx.execute(_IS_SUPERSEDED, {"id": delivery_id, "now": now}).scalar_one())


def miss(tx: Connection, ids: Sequence[int], message: str, now: datetime) -> list[Delivery]:
    """Give up what waits, with the reason, to which that of the last try is added; return it."""
    said = func.coalesce("; the last try: " + delivery.c.message, "") + PUBLIC
    missed = []
    for start in range(0, len(ids), _AT_ONCE):
        these = delivery.c.id.in_(ids[start : start + _AT_ONCE])
        move(tx, these, DeliveryEvent.MISS, ended_at=now, message=message + said)
        finish_posts(tx, these)
        missed += list_deliveries(tx, these)
    return missed


def record_late(tx: Connection, reasons: Mapping[int, str]) -> None:
    """Store why deliveries are late, by their ids."""
    if reasons:
        _TELL_LATE.run(tx, {"late": as_list(reasons.items())})


def doubt_overdue(
    tx: Connection,
    accounts: Sequence[int] | None,
    *,
    told: str,
    since: datetime | None,
    now: datetime,
    due: datetime | None = None,
) -> list[Delivery]:
    """Call unsure what waits and is due by `due`, or `now`, of these accounts or of all; return it.

    It may be public already, and the database does not know: each gets a forgotten try, which began between
    `since` and `now`, if there was one; without `since` at any time since the posts were made. Nobody can
    change such a post any more, as with any that was tried.
    """
    waits = [delivery.c.state == DeliveryState.SCHEDULED, delivery.c.due_at <= (due or now), not_(ALL_PUBLIC)]
    waits += [] if accounts is None else [delivery.c.account_id.in_(accounts)]
    doubt_comments(tx, accounts, now)
    doubted = list_deliveries(tx, and_(*waits))
    for start in range(0, len(doubted), _AT_ONCE):
        some = doubted[start : start + _AT_ONCE]
        these = delivery.c.id.in_([each.id for each in some])
        posts = {each.post_id for each in some}
        _forget(tx, some, told, since=since, now=now)
        move(tx, these, DeliveryEvent.LOSE, message=told)
        move_posts(tx, posts, PostEvent.START)
        finish_posts(tx, these)
    return doubted


def doubt_begun(
    tx: Connection, accounts: Sequence[int], *, told: str, since: datetime | None, now: datetime
) -> None:
    """Do the same with what these accounts have begun with: more may have been done than is known."""
    begun = delivery.c.state.in_((DeliveryState.PROCESSING, DeliveryState.UNSURE))
    doubted = list_deliveries(tx, and_(begun, delivery.c.account_id.in_(accounts), not_(ALL_PUBLIC)))
    for start in range(0, len(doubted), _AT_ONCE):
        _forget(tx, doubted[start : start + _AT_ONCE], told, since=since, now=now)


def _forget(
    tx: Connection, doubted: Sequence[Delivery], told: str, *, since: datetime | None, now: datetime
) -> None:
    """Write down for each a try that there may have been since then; else since it was made."""
    earliest = dict.fromkeys((each.id for each in doubted), since)
    if since is None:
        made = select(delivery.c.id, post.c.created_at).join(post, post.c.id == delivery.c.post_id)
        rows = tx.execute(made.where(delivery.c.id.in_(list(earliest))))
        earliest = {row.id: row.created_at for row in rows}
    begun = {delivery_id: min(time or now, now) for delivery_id, time in earliest.items()}
    add_forgotten(tx, begun, told, now=now)


def _load(tx: Connection, ids: Sequence[int]) -> list[Delivery]:
    found = []
    for start in range(0, len(ids), _AT_ONCE):
        found += list_deliveries(tx, delivery.c.id.in_(ids[start : start + _AT_ONCE]))
    return found
