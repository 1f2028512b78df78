"""What is answered about stored files."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from postbell.api.models import Shape


class StoredMedia(Shape):
    """A file in the store."""

    sha256: str = Field(description="Names it: the SHA-256 of its bytes as they are stored, in hexadecimal.")
    kind: Literal["image", "video"] = Field(description="What it is to a reader.")
    mime: str = Field(description="Its type, read from its content.", examples=["image/jpeg"])
    size: int = Field(description="Its length in bytes, as it is stored.")
    width: int | None = Field(description="Pixels; null where they could not be measured.")
    height: int | None = Field(description="Pixels; null where they could not be measured.")
    alt: str = Field(description="What it shows, where a post does not say that itself; may be empty.")
    used: bool = Field(description="Whether a post or a series uses it; if not it is removed after a day.")
    created_at: str = Field(description="When it was given: RFC 3339, UTC.")


class StoredMediaList(Shape):
    """Files that were stored together."""

    media: list[StoredMedia] = Field(description="The files, in their order.")


class MediaPage(StoredMediaList):
    """A part of the list of files."""

    next: str | None = Field(description="Where the list goes on (`cursor`); null at its end.")
