"""Sections of the configuration: how long things are kept, and how far ahead they are made."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


#: What is counted over a month must be there for a month.
_LEAST_DAYS = 40


class Section(BaseModel):
    """A part of the configuration; no other keys than its own are known in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BackupSettings(Section):
    """Copies of the database."""

    every_hours: float = Field(
        default=24, ge=0, le=8760, description="How often the daemon makes one; 0: never by itself."
    )
    keep: int = Field(default=7, ge=1, description="How many backups are kept, the newest,")
    keep_weeks: int = Field(
        default=4, ge=0, description="and for how many weeks the newest of each week besides."
    )

    @property
    def every(self) -> timedelta | None:
        """How often the daemon makes a backup; None if never."""
        return timedelta(hours=self.every_hours) if self.every_hours else None


class RetentionSettings(Section):
    """For how long the database remembers what is over. How many there were is kept for ever."""

    attempts_days: float = Field(
        default=90, ge=0, le=36500, description="Each try of what was published; 0: for ever."
    )
    posts_days: float = Field(
        default=730,
        ge=0,
        le=36500,
        description="Posts of which nothing is left to do; 0: for ever, else at least 40.",
    )

    @field_validator("posts_days")
    @classmethod
    def _longer_than_a_month(cls, value: float) -> float:
        if 0 < value < _LEAST_DAYS:
            raise ValueError(f"quotas count the posts of a month; at least {_LEAST_DAYS} days, or 0")
        return value


class SeriesSettings(Section):
    """What makes posts by itself."""

    horizon_days: float = Field(
        default=60, ge=1, le=3660, description="How far ahead posts are made; the next one always is."
    )
    fill_ahead_hours: float = Field(
        default=24, ge=1, le=8760, description="How far ahead a library fills empty posting times."
    )

    @model_validator(mode="after")
    def _fills_what_is_known(self) -> Self:
        if self.fill_ahead_hours > self.horizon_days * 24:
            raise ValueError("fill_ahead_hours reaches beyond horizon_days; make it shorter")
        return self


class SecretsSettings(Section):
    """How the secrets of accounts lie in the database: encrypted, once `postbell secrets encrypt` was run."""

    key_file: Path | None = Field(
        default=None,
        description="The file of keys; systemd's credential secrets.key, if there is one, is read instead.",
        examples=["/etc/postbell/secrets.key"],
    )
