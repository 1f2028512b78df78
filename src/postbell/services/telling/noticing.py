"""What the user should know now, put into words."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.domain.notice import Notice, NoticeKind
from postbell.domain.post import LATE_AFTER
from postbell.services.accounts.holds import Held, Hold, hold_of
from postbell.services.upkeep.health import (
    ended_told,
    late_told,
    overdue_told,
    unsure_told,
)
from postbell.store import noteworthy
from postbell.store.noteworthy import Behind, Seen
from postbell.store.notices import count_pending, end_notices, keep_notices, list_open


_EXCERPT = 80


@dataclass(frozen=True, kw_only=True)
class News:
    """What has changed since the user was last told."""

    #: What is new.
    fresh: tuple[Notice, ...]
    #: The numbers of the notices that are true no more.
    over: tuple[int, ...]
    #: How many are to be told, by kind, without what is new.
    pending: dict[NoticeKind, int]


@dataclass(frozen=True, kw_only=True)
class Sought:
    """What is looked for."""

    about: Collection[NoticeKind]
    #: What ended before this (aware UTC) is old.
    since: datetime
    #: So late a post may be without a notice.
    late: timedelta
    #: What became unsure after this is not told yet.
    unsure_before: datetime
    #: Puts an instant into words.
    time: Callable[[datetime], str]


def look(tx: Connection, now: datetime, sought: Sought) -> News:
    """Return what is to be noted at `now` (aware UTC); reads only."""
    about, late = sought.about, max(LATE_AFTER, sought.late)
    fresh: list[Notice] = []
    over = noteworthy.find_over(tx)
    for each in noteworthy.find_lost(tx, sought.since):
        ended = _of_delivery(NoticeKind(str(each.delivery.outcome)), each, *ended_told(each.delivery))
        # What the user does not want to hear of is noted all the same: it must not be found again.
        fresh.append(ended if ended.kind in about else replace(ended, over_at=now))
    if NoticeKind.LATE in about:
        slow = noteworthy.find_late(tx, sought.since, late)
        fresh += [_of_delivery(NoticeKind.LATE, each, late_told(each.delivery), None) for each in slow]
    if NoticeKind.UNSURE in about:
        fresh += [_unsure(each, now) for each in noteworthy.find_unsure(tx)]
    if NoticeKind.ACCOUNT in about:
        fresh += [_refused(each, now, sought.time) for each in noteworthy.find_refused(tx)]
    if NoticeKind.OVERDUE in about:
        behind = noteworthy.find_behind(tx, now - late, now)
        known = {each.notice.subject: each for each in list_open(tx, NoticeKind.OVERDUE)}
        still = {str(each.account.id) for each in behind}
        over += [each.id for subject, each in known.items() if subject not in still]
        fresh += [_behind(each, now, sought.time) for each in behind if str(each.account.id) not in known]
    pending = count_pending(tx, sought.unsure_before, now)
    return News(fresh=tuple(fresh), over=tuple(over), pending=pending)


def note(tx: Connection, news: News, now: datetime) -> None:
    """Write down what `look` has found."""
    keep_notices(tx, news.fresh)
    end_notices(tx, news.over, now)


def _of_delivery(kind: NoticeKind, seen: Seen, message: str, mend: str | None) -> Notice:
    delivery = seen.delivery
    assert delivery.ended_at is not None, "what has ended has a time at which it did"
    return _about(kind, seen, delivery.ended_at, message, mend)


def _unsure(seen: Seen, now: datetime) -> Notice:
    told, mend = unsure_told(seen.delivery)
    return _about(NoticeKind.UNSURE, seen, now, f"Unsure: {told}", mend)


def _refused(account: Account, now: datetime, time: Callable[[datetime], str]) -> Notice:
    held = Held(account=account.name, hold=Hold.UNAUTHORIZED, reason=account.health_note)
    told = held.said(time)
    return Notice(
        kind=NoticeKind.ACCOUNT,
        subject=str(account.id),
        at=now,
        account=account.name,
        message=f"{told[0].upper()}{told[1:]}. Its posts wait.",
        mend=f"Give it new credentials: {held.mend}.",
    )


def _behind(behind: Behind, now: datetime, time: Callable[[datetime], str]) -> Notice:
    told, held = overdue_told(behind.overdue, behind.oldest.delivery, time), hold_of(behind.account, now)
    return Notice(
        kind=NoticeKind.OVERDUE,
        subject=str(behind.account.id),
        at=now,
        post_id=behind.oldest.delivery.post_id,
        account=behind.account.name,
        excerpt=_excerpt(behind.oldest),
        message=f"Overdue: {told}{f'; {held.said(time)}' if held else ''}.",
        mend=f"See why: `postbell show {behind.oldest.delivery.post_id}`.",
    )


def _about(kind: NoticeKind, seen: Seen, at: datetime, message: str, mend: str | None) -> Notice:
    delivery = seen.delivery
    return Notice(
        kind=kind,
        subject=str(delivery.id),
        at=at,
        post_id=delivery.post_id,
        account=delivery.account,
        excerpt=_excerpt(seen),
        message=message,
        mend=mend,
    )


def _excerpt(seen: Seen) -> str | None:
    words = " ".join("".join(char if char.isprintable() else " " for char in seen.excerpt).split())
    return (words if len(words) <= _EXCERPT else f"{words[: _EXCERPT - 1]}…") or None
