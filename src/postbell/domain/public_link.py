"""Links by which a network fetches a file: signed, so that nobody can make one up, and good for a time."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, kw_only=True)
class PublicLink:
    """What a link opens, and until when."""

    #: The delivery that it was made for.
    number: int
    #: The file, below the folder of stored files: `ab/abcdef….jpg`.
    file: str
    #: Aware UTC, whole seconds.
    expires_at: datetime


def sign(link: PublicLink, key: bytes) -> str:
    """Return a link as a word that can stand in an address."""
    told = json.dumps([link.number, link.file, int(link.expires_at.timestamp())], separators=(",", ":"))
    body = urlsafe_b64encode(told.encode()).rstrip(b"=")
    return f"{body.decode()}.{_signature(body, key)}"


def read_link(word: str, key: bytes, now: datetime) -> PublicLink | None:
    """Return the link in a word; None for one that was not signed with this key, or whose time is over."""
    body, _, signature = word.partition(".")
    if not word.isascii() or not hmac.compare_digest(signature, _signature(body.encode(), key)):
        return None
    number, file, expires = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    expires_at = datetime.fromtimestamp(expires, UTC)
    return PublicLink(number=number, file=file, expires_at=expires_at) if now < expires_at else None


def _signature(body: bytes, key: bytes) -> str:
    digest = hmac.digest(key, b"postbell public link\n" + body, hashlib.sha256)
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
