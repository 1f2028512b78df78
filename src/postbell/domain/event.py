"""What happened: every change that a program may want to hear of, numbered in the order of the changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    """What happened to what."""

    #: A post was stored, in whatever state.
    POST_ADDED = "post.added"
    #: It has a time at which it is published, or another one.
    POST_SCHEDULED = "post.scheduled"
    #: Something else of it was changed; or it was taken up again after it had ended.
    POST_CHANGED = "post.changed"
    POST_DELETED = "post.deleted"
    #: How it ended, on all its accounts together; once more where that turns out to be otherwise.
    POST_PUBLISHED = "post.published"
    POST_PARTIAL = "post.partial"
    POST_FAILED = "post.failed"
    POST_MISSED = "post.missed"
    POST_UNSURE = "post.unsure"
    POST_CANCELLED = "post.cancelled"
    #: The same for one account.
    DELIVERY_PUBLISHED = "delivery.published"
    DELIVERY_FAILED = "delivery.failed"
    DELIVERY_MISSED = "delivery.missed"
    DELIVERY_UNSURE = "delivery.unsure"
    DELIVERY_CANCELLED = "delivery.cancelled"
    #: It waits, to be tried again.
    DELIVERY_SCHEDULED = "delivery.scheduled"
    #: What was published was taken away again.
    DELIVERY_REMOVED = "delivery.removed"
    #: What was published was changed there.
    DELIVERY_EDITED = "delivery.edited"
    ACCOUNT_ADDED = "account.added"
    ACCOUNT_CHANGED = "account.changed"
    ACCOUNT_REMOVED = "account.removed"
    #: Its network refuses it; its posts wait.
    ACCOUNT_UNAUTHORIZED = "account.unauthorized"
    #: Its network accepts it again.
    ACCOUNT_RECOVERED = "account.recovered"
    SERIES_ADDED = "series.added"
    SERIES_CHANGED = "series.changed"
    SERIES_DELETED = "series.deleted"
    PAUSE_BEGUN = "pause.begun"
    PAUSE_ENDED = "pause.ended"
    #: A file was stored that was not there, whoever gave it.
    MEDIA_ADDED = "media.added"
    #: What it shows was said otherwise.
    MEDIA_CHANGED = "media.changed"
    MEDIA_DELETED = "media.deleted"
    #: Files are to be fetched.
    JOB_ADDED = "job.added"
    #: Every one of them was fetched, or could not be.
    JOB_ENDED = "job.ended"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened."""

    #: Counts up in the order in which changes were made; never used twice in one database.
    id: int
    #: When it was written down (aware UTC).
    at: datetime
    kind: EventKind
    #: What it is about, as far as it is about such things.
    post_id: str | None = None
    #: The name that the account had then.
    account: str | None = None
    #: What was so then: values of JSON, instants in ISO 8601 with a Z.
    data: Mapping[str, Any]
