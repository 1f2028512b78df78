"""Holding back what is due, until a time or until the user says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PauseScope(StrEnum):
    """What is held back, besides single accounts."""

    EVERYTHING = "everything"
    SERIES = "series"
    LABEL = "label"


@dataclass(frozen=True, kw_only=True)
class Pause:
    """What the user holds back."""

    scope: PauseScope
    #: The id of the series or the label; empty for everything.
    name: str = ""
    since: datetime
    #: When it ends by itself (aware UTC); None means when the user says so.
    until: datetime | None = None

    def told(self) -> str:
        """Return what is paused, in words."""
        return {PauseScope.EVERYTHING: "everything"}.get(self.scope, f"{self.scope} {self.name}")
