"""What is answered about what is public."""

from __future__ import annotations

from pydantic import Field

from postbell.api.models import Instant, Override, Shape


class Revision(Shape):
    """What a published post said before it was changed."""

    version: int = Field(description="The version of the post that said it.")
    until: Instant = Field(description="When it was changed.")
    text: str = Field(description="The text.")
    segments: list[str] = Field(description="The further parts of a thread.")
    title: str | None = Field(description="The title.")
    link: str | None = Field(description="The web address.")
    alts: list[str] = Field(description="The alt text of each of its files.")
    overrides: dict[str, Override] = Field(description="What it said for single networks or accounts.")


class Revisions(Shape):
    """What a post has said."""

    revisions: list[Revision] = Field(description="The oldest first; what it says now is in the post.")
