"""Where a list goes on: opaque to programs, the time and the name of the last that was told."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from postbell.domain.plain import fault_of
from postbell.errors import Invalid, Problem


_LONGEST = 200


def cursor_of(at: datetime | None, name: str) -> str:
    """Return what to go on with behind the one of this time (aware), or of none, and this name."""
    told = f"{at.isoformat() if at else ''} {name}"
    return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")


def read_cursor(text: str) -> tuple[datetime | None, str]:
    """Return the time (aware UTC) and the name that `cursor_of` was given; raises Invalid if it made none."""
    try:
        told = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
        at, blank, name = told.partition(" ")
        moment = datetime.fromisoformat(at) if at else None
        last = moment.astimezone(UTC) if moment else None
    except (ValueError, OverflowError):
        raise _refusal() from None
    if not (blank and name) or len(text) > _LONGEST or fault_of(name) or (moment and not moment.tzinfo):
        raise _refusal()
    return last, name


def read_timed(text: str) -> tuple[datetime, str]:
    """Return the same of a list in which everything has a time."""
    moment, name = read_cursor(text)
    if moment is None:
        raise _refusal()
    return moment, name


def _refusal() -> Invalid:
    return Invalid([Problem(where="cursor", message="it is none; take `next` of the part before.")])
