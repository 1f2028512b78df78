"""What the user is told without asking, and when not to be disturbed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from postbell.domain.zones import wall_at


class NoticeKind(StrEnum):
    """What a notice is about, the most pressing first: in this order a message tells them."""

    #: The daemon cannot do its work as it should.
    TROUBLE = "trouble"
    #: The network refuses an account; its posts wait.
    ACCOUNT = "account"
    #: A post may be public, and the networks do not tell.
    UNSURE = "unsure"
    FAILED = "failed"
    MISSED = "missed"
    #: A post was to be public for a while only, and could not be taken away.
    REMAINS = "remains"
    #: A post was to be changed where it is public, and could not be.
    UNEDITED = "unedited"
    #: Posts of an account should be public by now, and still wait.
    OVERDUE = "overdue"
    #: A post was published, but late.
    LATE = "late"


#: The daemon settles most of what is unsure by itself; only what stays so is told.
UNSURE_AFTER = timedelta(minutes=5)

#: These last until something changes; the others have happened.
LASTING = (NoticeKind.ACCOUNT, NoticeKind.UNSURE, NoticeKind.OVERDUE)


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One thing that the user should know."""

    kind: NoticeKind
    #: What it is about: the number of the delivery or the account, or the name of the trouble.
    subject: str
    #: When it happened, or was first seen (aware UTC). Kind, subject and this are its identity.
    at: datetime
    post_id: str | None = None
    account: str | None = None
    #: The first words of the post.
    excerpt: str | None = None
    #: What happened. Whole sentences.
    message: str
    #: What to do about it, with the command; None where nothing can be done or needs to be.
    mend: str | None = None
    #: When the user was told (aware UTC).
    told_at: datetime | None = None
    #: Since when nothing of it is left to tell: it was told, or what lasted has ended (aware UTC).
    over_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class QuietHours:
    """The part of each day in which the user is not disturbed, by the clocks on the wall."""

    #: Included.
    start: time
    #: Excluded; before `start` where the night lies between them.
    end: time


def parse_quiet(text: str) -> QuietHours:
    """Return what a text like 22:00-07:00 means; raises ValueError if it is none."""
    found = re.fullmatch(r"(?a)\s*(\d{1,2}:\d\d)\s*-\s*(\d{1,2}:\d\d)\s*", text)
    try:
        times = [time.fromisoformat(part.zfill(5)) for part in found.groups()] if found else []
    except ValueError:
        times = []
    if len(set(times)) != 2:
        raise ValueError(f'"{text[:40]}" is no part of a day. Say it like 22:00-07:00.')
    return QuietHours(start=times[0], end=times[1])


def is_quiet(quiet: QuietHours, now: datetime, zone: ZoneInfo) -> bool:
    """Whether `now` (aware) lies in the quiet hours, as clocks in `zone` show it.

    So an end that the clocks leave out has come as soon as they are past it, and one that they show twice
    comes twice.
    """
    clock = wall_at(now, zone).time()
    if quiet.start < quiet.end:
        return quiet.start <= clock < quiet.end
    return clock >= quiet.start or clock < quiet.end
