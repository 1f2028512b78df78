"""What is answered about stored files."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from postbell.api.models import Shape


class StoredMedia(Shape):
    """A file in the store."""

    sha256: str = Field(description="Names it: the SHA-256 of its bytes as they are stored, in hexadecimal.")
    kind: Literal["image", "video", "audio", "document"] = Field(description="What it is to a reader.")
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


class Upload(Shape):
    """A file that comes in parts."""

    id: str = Field(description="Names it.", examples=["k7f2m9qx"])
    length: int = Field(description="How many bytes it will have.")
    offset: int = Field(
        description="How many of them are stored for good; `length` once the file is stored, not before."
    )
    alt: str = Field(description="What it shows.")
    sha256: str | None = Field(description="Names the stored file (see media); null while there is none.")
    created_at: str = Field(description="When it was begun: RFC 3339, UTC.")
    expires_at: str = Field(description="When it is forgotten, unless a part comes before: RFC 3339, UTC.")


class Uploads(Shape):
    """Files that come in parts."""

    uploads: list[Upload] = Field(description="The newest first.")


class JobItem(Shape):
    """One file of a job."""

    url: str = Field(description="Where it is fetched from.")
    alt: str = Field(description="What it shows.")
    state: Literal["waiting", "done", "failed"] = Field(description="What became of it.")
    sha256: str | None = Field(description="Names the stored file; null while there is none.")
    message: str | None = Field(description="Why it failed, and what can be done; null where it did not.")


class Job(Shape):
    """Work that goes on after it was asked for."""

    id: str = Field(description="Names the job.", examples=["k7f2m9qx"])
    state: Literal["working", "ended"] = Field(description="ended: nothing is left to do.")
    failed: int = Field(description="How many of its items have failed so far.")
    items: list[JobItem] = Field(description="What is done, in the order in which it was asked for.")
    created_at: str = Field(description="When it was asked for: RFC 3339, UTC.")
    ended_at: str | None = Field(description="When it ended; it is known for 7 days more.")


class Jobs(Shape):
    """The newest jobs."""

    jobs: list[Job] = Field(description="The newest first.")


class MediaPage(StoredMediaList):
    """A part of the list of files."""

    next: str | None = Field(description="Where the list goes on (`cursor`); null at its end.")
