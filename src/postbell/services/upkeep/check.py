"""What was found when something was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    level: Level
    #: What was found. A whole sentence.
    message: str
    #: What to do about it, where the message does not say it already.
    mend: str | None = None


def good(name: str, message: str) -> Check:
    """Return that something is well."""
    return Check(name=name, level=Level.OK, message=message)


def odd(name: str, message: str, mend: str | None = None) -> Check:
    """Return that something is not as it should be."""
    return Check(name=name, level=Level.WARN, message=message, mend=mend)


def bad(name: str, message: str, mend: str | None = None) -> Check:
    """Return that something is broken."""
    return Check(name=name, level=Level.FAIL, message=message, mend=mend)
