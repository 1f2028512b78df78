"""Work that goes on after it was asked for: files that are fetched from addresses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ItemState(StrEnum):
    """What became of one thing that a job is to do."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class JobItem:
    """One file that is to be fetched."""

    url: str
    alt: str = ""
    state: ItemState = ItemState.WAITING
    #: The file that it became.
    sha256: str | None = None
    #: Why it failed, and what can be done. A whole sentence.
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """Files that are fetched together; one that fails keeps no other back."""

    id: str
    created_at: datetime
    #: When the last of them was done or had failed; None while there is something to do.
    ended_at: datetime | None = None
    #: So often it was begun: once more after every stop of the daemon in between.
    begun: int = 0
    items: tuple[JobItem, ...]
