"""Files, and what comes in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postbell.shapes.base import stamp


if TYPE_CHECKING:
    from postbell.domain.media import Media
    from postbell.domain.upload import Upload
    from postbell.store.stored import Stored


def media_json(media: Media) -> dict[str, Any]:
    """Return a file of a post."""
    return {
        "name": media.name,
        "alt": media.alt,
        "part": media.part,
        "mime": media.mime,
        "size": media.size,
        "width": media.width,
        "height": media.height,
        "sha256": media.sha256,
    }


def stored_media_json(stored: Stored) -> dict[str, Any]:
    """Return a file in the store."""
    media = stored.media
    return {
        "sha256": media.sha256,
        "kind": media.kind,
        "mime": media.mime,
        "size": media.size,
        "width": media.width,
        "height": media.height,
        "alt": media.alt,
        "used": stored.used,
        "created_at": stamp(stored.created_at),
    }


def upload_json(upload: Upload) -> dict[str, Any]:
    """Return a file that comes in parts."""
    return {
        "id": upload.id,
        "length": upload.length,
        "offset": upload.offset,
        "alt": upload.alt,
        "sha256": upload.sha256,
        "created_at": stamp(upload.created_at),
        "expires_at": stamp(upload.expires_at),
    }
