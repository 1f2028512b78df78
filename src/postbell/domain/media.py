"""Stored files."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from postbell.domain.film import Film


#: The types that files have which are sent, and what the name of such a file ends in.
SUFFIXES = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/avif": ".avif",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
    "audio/wav": ".wav",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "text/vtt": ".vtt",
}

#: The types that are stored besides, and never sent: what networks are given is made of them.
STORED = SUFFIXES | {"image/tiff": ".tif", "image/bmp": ".bmp", "image/heic": ".heic"}


class MediaKind(StrEnum):
    """What a file is to a reader."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    #: Whatever a reader opens with a program of their own; the subtitles of a video, too.
    DOCUMENT = "document"


def kind_of(mime: str) -> MediaKind:
    """Return what a file of a type is to a reader."""
    kind = mime.partition("/")[0]
    return MediaKind(kind) if kind in list(MediaKind) else MediaKind.DOCUMENT


#: Shown by the first comment, and by no part of the post.
COMMENT = 0


@dataclass(frozen=True, kw_only=True)
class Media:
    """A file in the store as one post uses it. The file is immutable and named by its content."""

    #: SHA-256 of the bytes, hexadecimal.
    sha256: str
    kind: MediaKind
    #: The type read from the bytes, `image/jpeg`; never from the file's name.
    mime: str
    #: Length in bytes.
    size: int
    #: Pixels, after the orientation that the file asks for; None where they could not be measured.
    width: int | None = None
    height: int | None = None
    #: What is in a video or a sound; None where nobody has looked into it, and of all others.
    film: Film | None = None
    #: What the file was called when it was given, without folders.
    name: str
    #: Where the stored copy lies.
    path: Path
    #: What the picture shows, for people who cannot see it. Empty if none was given.
    alt: str = ""
    #: Which part of a thread shows it, from 1; or COMMENT.
    part: int = 1


#: A file to be stored: where it lies, its alt text, and which part shows it (see `Media`), else the first.
Source = tuple[Path, str] | tuple[Path, str, int]
