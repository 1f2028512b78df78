"""Who may ask the HTTP API for what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Scope(StrEnum):
    """What a key opens."""

    #: See posts, accounts, networks and how Postbell is doing.
    READ = "read"
    #: Write drafts, change and remove them, and cancel what is scheduled.
    WRITE = "write"
    #: Let something become public: give a post a time, publish it, try it again, settle it, end a pause.
    PUBLISH = "publish"
    #: Connect, check, pause and forget accounts; with publish too, let them go on.
    ACCOUNTS = "accounts"
    #: All of these, and what concerns Postbell itself.
    ADMIN = "admin"


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key to the HTTP API; of the key itself only its beginning is known."""

    id: int
    name: str
    scopes: frozenset[Scope]
    #: How it begins, to be recognised by.
    start: str
    created_at: datetime
    #: When it stops to be one (aware UTC); None means never.
    expires_at: datetime | None = None
    #: When it was last used (aware UTC), up to a minute earlier than it was.
    used_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Whether it opens anything at an instant (aware)."""
        return self.expires_at is None or now < self.expires_at


def opens(held: Iterable[Scope], needed: Scope) -> bool:
    """Whether who holds some scopes may do what needs one."""
    return bool({needed, Scope.ADMIN}.intersection(held))
