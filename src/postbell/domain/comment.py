"""The first comment on what was published, as it is under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class CommentState(StrEnum):
    """How far a first comment has come."""

    WAITING = "waiting"
    #: Being sent, or looked up.
    SENDING = "sending"
    #: It may be public: it is looked up before anything is sent again.
    UNSURE = "unsure"
    PUBLISHED = "published"
    #: It will not be published; a warning at the delivery says why.
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class FirstComment:
    """The first comment on one delivery."""

    delivery_id: int
    state: CommentState
    #: When it is meant to be published, and when it is tried next (aware UTC).
    due_at: datetime
    try_at: datetime
    #: How often it was tried, or looked up.
    tries: int = 0
    #: The instant of the first try (aware UTC, whole milliseconds); None before that, or if it is forgotten.
    begun_at: datetime | None = None
    progress: Mapping[str, Any] | None = None
    receipt_id: str | None = None
    url: str | None = None
    #: Why it is as it is.
    message: str | None = None
