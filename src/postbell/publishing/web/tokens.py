"""Tokens: what they say of themselves, and those that OAuth has given for an account."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from postbell.publishing.web.json_text import read_json


#: At this part of their life tokens are traded in for new ones.
_RENEWED_AT = 0.8


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """What a network accepts an account by, until it ends."""

    access_token: str = field(repr=False)
    #: What it is traded in with; empty where the network gives none.
    refresh_token: str = field(default="", repr=False)
    #: What requests are signed with beside it (OAuth 1.0a); empty elsewhere.
    secret: str = field(default="", repr=False)
    #: Aware UTC, as all times here.
    issued_at: datetime
    #: When the access token ends; None if it does not.
    ends_at: datetime | None = None
    #: Whether it can be traded in for a new one.
    renews: bool = False

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no error may show."""
        return (self.access_token, self.refresh_token, self.secret)

    @property
    def renew_at(self) -> datetime | None:
        """When to trade it in: well before it ends, so that an outage then is none of the account's."""
        if self.ends_at is None or not self.renews:
            return None
        return self.issued_at + (self.ends_at - self.issued_at) * _RENEWED_AT

    def values(self) -> dict[str, Any]:
        """Return it as JSON can say it."""
        return {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "secret": self.secret,
            "issued_at": self.issued_at.isoformat(),
            "ends_at": self.ends_at and self.ends_at.isoformat(),
            "renews": self.renews,
        }


def tokens_of(values: Mapping[str, Any]) -> Tokens | None:
    """Return what `Tokens.values` has said; None of nothing."""
    if not values:
        return None
    ends_at = values["ends_at"]
    return Tokens(
        access_token=values["access_token"],
        refresh_token=values["refresh_token"],
        secret=values["secret"],
        issued_at=datetime.fromisoformat(values["issued_at"]),
        ends_at=datetime.fromisoformat(ends_at) if ends_at else None,
        renews=values["renews"],
    )


def expiry_of(token: str) -> float:
    """Return when a JWT says that it ends, in seconds since 1970 (RFC 7519, 4.1.4); 0 if it cannot be read.

    Its signature is not checked: whoever issued the token is asked with it, and decides.
    """
    try:
        payload = token.split(".")[1]
        return float(read_json(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"])
    except (ValueError, IndexError, KeyError, TypeError, OverflowError):
        return 0.0
