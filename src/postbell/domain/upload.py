"""A file that comes in parts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that comes in parts; broken off, it goes on where it was."""

    id: str
    #: How many bytes it will have,
    length: int
    #: and how many of them are on the disk for good. It is the length once the file is stored, not before.
    offset: int = 0
    #: What it shows.
    alt: str = ""
    #: What its sender has said of it, in the sender's own form.
    notes: str = ""
    created_at: datetime
    #: When it is forgotten, unless a part comes before.
    expires_at: datetime
    #: The file that it became.
    sha256: str | None = None
