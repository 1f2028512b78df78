"""What the HTTP API answers about the database itself."""

from __future__ import annotations

from pydantic import Field

from postbell.api.models import Shape


class Backup(Shape):
    """A copy of the database on the machine of Postbell."""

    name: str = Field(
        description="The name of the file in the folder of backups.",
        examples=["postbell-0004-20261127T170000Z.db"],
    )
    size: int = Field(description="Its length in bytes.")


class Backups(Shape):
    """The copies in the folder of backups, the newest first; those of a time still to come come last."""

    backups: list[Backup] = Field(description="The copies.")


class NewBackup(Backup):
    """A copy that was made, and checked, just now."""

    path: str = Field(
        description="Where it lies on that machine.",
        examples=["/var/lib/postbell/backups/postbell-0004-20261127T170000Z.db"],
    )
    rows: dict[str, int] = Field(description="How many rows it holds, by table.")


class Sound(Shape):
    """Whether the database is sound."""

    path: str = Field(
        description="Where the database lies on that machine.", examples=["/var/lib/postbell/postbell.db"]
    )
    sound: bool = Field(description="Whether nothing is wrong with it.")
    problems: list[str] = Field(description="What is wrong with it.")
