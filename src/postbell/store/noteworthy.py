"""What the user should know and nobody has noted yet: found by reading, an index leads to each.

What has happened is found by the time at which it ended, what lasts as long as it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
)

from postbell.domain.account import Account, Health
from postbell.domain.notice import NoticeKind
from postbell.domain.post import SUPERSEDED, AttemptKind, Delivery
from postbell.domain.states import DeliveryState
from postbell.store.accounts import account_from, list_accounts
from postbell.store.pauses import held
from postbell.store.posts import delivery_of
from postbell.store.queue import ACCOUNT_PAUSED, ACTIVE
from postbell.store.summary import FAILED, MISSED, Overdue
from postbell.store.tables.core import account, attempt, delivery, post
from postbell.store.tables.own import notice


#: So many of a kind are found at once: to note them must not take long.
AT_ONCE = 500

_TIME = delivery.c.ended_at.type
_OPEN = notice.c.over_at.is_(None)
_ACCOUNT_FIELDS = tuple(column for column in account.c if column.name != "removed_at")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A delivery that the user should know of."""

    delivery: Delivery
    #: The beginning of what its post says.
    excerpt: str


@dataclass(frozen=True, kw_only=True)
class Behind:
    """An account whose posts wait although their time has come."""

    account: Account
    overdue: Overdue
    #: The first of them.
    oldest: Seen


def _not_noted(kind: ColumnElement[str] | NoticeKind, of: ColumnElement[int], *more: Any) -> Any:
    """Return whether nothing is noted of a row of the enclosing query."""
    return not_(exists().where(notice.c.kind == kind, notice.c.subject == cast(of, String), *more))


def _seen(*where: Any) -> Select[Any]:
    said = func.substr(func.coalesce(func.nullif(post.c.title, ""), post.c.text), 1, 200)
    columns = (delivery, account.c.name.label("account"), account.c.network, said.label("excerpt"))
    found = select(*columns).join(account, account.c.id == delivery.c.account_id)
    return found.join(post, post.c.id == delivery.c.post_id).where(*where)


def _ended(*where: Any) -> Select[Any]:
    since = delivery.c.ended_at >= bindparam("since", type_=_TIME)
    return _seen(*where, since).order_by(delivery.c.ended_at).limit(AT_ONCE)


def _lost() -> Select[Any]:
    gave_way = and_(MISSED, func.coalesce(delivery.c.message, "").startswith(SUPERSEDED))
    # Whoever has settled it so knows it.
    settled = exists().where(
        attempt.c.delivery_id == delivery.c.id,
        attempt.c.kind == AttemptKind.SETTLE,
        attempt.c.ended_at >= delivery.c.ended_at,
    )
    kind = func.coalesce(delivery.c.result, delivery.c.state)
    noted = _not_noted(kind, delivery.c.id, notice.c.at == delivery.c.ended_at)
    return _ended(or_(MISSED, FAILED), not_(gave_way), not_(settled), noted)


def _late() -> Select[Any]:
    # What was published by an older version has no time at which it became public.
    moment = func.coalesce(delivery.c.public_at, delivery.c.begun_at)
    days = func.julianday(moment) - func.julianday(delivery.c.due_at)
    return _ended(
        delivery.c.result == literal_column("'published'"),
        delivery.c.late_reason.is_not(None),
        days * 86_400 > bindparam("least"),
        _not_noted(NoticeKind.LATE, delivery.c.id, notice.c.at == delivery.c.ended_at),
    )


def _over() -> Select[Any]:
    of_subject = delivery.c.id == cast(notice.c.subject, Integer)
    lost = (DeliveryState.PROCESSED, DeliveryState.MISSED)
    still_lost = exists().where(of_subject, delivery.c.ended_at == notice.c.at, delivery.c.state.in_(lost))
    still_unsure = exists().where(of_subject, delivery.c.state == DeliveryState.UNSURE)
    still_refused = exists().where(
        account.c.id == cast(notice.c.subject, Integer),
        account.c.removed_at.is_(None),
        account.c.health == Health.UNAUTHORIZED,
    )
    ended = (NoticeKind.FAILED, NoticeKind.MISSED)
    return select(notice.c.id).where(
        _OPEN,
        or_(
            and_(notice.c.kind.in_(ended), not_(still_lost)),
            and_(notice.c.kind == NoticeKind.UNSURE, not_(still_unsure)),
            and_(notice.c.kind == NoticeKind.ACCOUNT, not_(still_refused)),
        ),
    )


_LOST = _lost()
_LATE = _late()
_OVER = _over()
_UNSURE = _seen(
    delivery.c.state == DeliveryState.UNSURE, _not_noted(NoticeKind.UNSURE, delivery.c.id, _OPEN)
).limit(AT_ONCE)
_REFUSED = select(*_ACCOUNT_FIELDS).where(
    account.c.removed_at.is_(None),
    account.c.health == Health.UNAUTHORIZED,
    _not_noted(NoticeKind.ACCOUNT, account.c.id, _OPEN),
)
_WAITING = (
    delivery.c.state == DeliveryState.SCHEDULED,
    account.c.health == Health.OK,
    not_(held(ACTIVE, ACCOUNT_PAUSED)),
)
#: SQLite takes the other columns from the row with the least time (sqlite.org/lang_select.html, 2.5).
_BEHIND = (
    select(
        delivery.c.id,
        delivery.c.account_id,
        func.count().label("n"),
        func.min(delivery.c.due_at).label("since"),
    )
    .join(account, account.c.id == delivery.c.account_id)
    .where(*_WAITING, delivery.c.due_at < bindparam("before", type_=_TIME))
    .group_by(delivery.c.account_id)
)
_THESE = _seen(delivery.c.id.in_(bindparam("ids", expanding=True)))


def find_lost(tx: Connection, since: datetime) -> list[Seen]:
    """Return what failed or was missed from `since` (aware) on, and neither gave way nor was settled so."""
    return [_seen_from(row) for row in tx.execute(_LOST, {"since": since})]


def find_late(tx: Connection, since: datetime, least: timedelta) -> list[Seen]:
    """Return what was published from `since` (aware) on, more than `least` after its time."""
    return [_seen_from(row) for row in tx.execute(_LATE, {"since": since, "least": least.total_seconds()})]


def find_unsure(tx: Connection) -> list[Seen]:
    """Return what may be public, and nobody can tell."""
    return [_seen_from(row) for row in tx.execute(_UNSURE)]


def find_refused(tx: Connection) -> list[Account]:
    """Return the accounts that their networks refuse."""
    return [account_from(row) for row in tx.execute(_REFUSED)]


def find_behind(tx: Connection, before: datetime, now: datetime) -> list[Behind]:
    """Return the accounts of which something waits that was due before an instant (aware).

    What the user holds back does not count, and neither does what waits for an account to be reconnected:
    that is another trouble. All are returned, also those that are noted already.
    """
    rows = tx.execute(_BEHIND, {"before": before, "now": now}).all()
    if not rows:
        return []
    by_id = {account.id: account for account in list_accounts(tx)}
    oldest = {row.id: _seen_from(row) for row in tx.execute(_THESE, {"ids": [row.id for row in rows]})}
    return [
        Behind(
            account=by_id[row.account_id],
            overdue=Overdue(count=row.n, oldest=row.since),
            oldest=oldest[row.id],
        )
        for row in rows
    ]


def find_over(tx: Connection) -> list[int]:
    """Return the ids of open notices that are true no more: it was tried again, settled or reconnected.

    Those of accounts that are behind are left out, and those of the daemon's own troubles.
    """
    return list(tx.execute(_OVER).scalars())


def _seen_from(row: Any) -> Seen:
    values = row._asdict()
    excerpt = values.pop("excerpt")
    return Seen(delivery=delivery_of(values), excerpt=excerpt)
