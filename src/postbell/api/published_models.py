"""What is answered about what is public."""

from __future__ import annotations

from pydantic import Field

from postbell.api.models import Instant, Note, Shape
from postbell.api.post_models import Override


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


class Edit(Shape):
    """What an edit would change for one account."""

    account: str = Field(description="The name of the account.")
    network: str = Field(description="The key of its network.")
    url: str | None = Field(description="Where the post is public.")
    changes: list[str] = Field(
        description="The lines that go, each with a minus, and those that come, with a plus. None where it "
        "would be changed to what it says once more."
    )


class EditPreview(Shape):
    """What an edit would change. Nothing was stored, nothing was sent."""

    edits: list[Edit] = Field(description="What would be changed, for each account.")
    problems: list[Note] = Field(description="What is worth knowing of it.")
