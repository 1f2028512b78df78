"""Stored files as they are sent: whole, or the part that is asked for (RFC 9110, 14)."""

from __future__ import annotations

import re

from fastapi import Request
from starlette.responses import FileResponse, Response

from postbell.api.problems import Refusal
from postbell.domain.media import Media


_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))")
_HEADERS = {"accept-ranges": "bytes", "content-security-policy": "default-src 'none'; sandbox"}


def file_response(request: Request, media: Media, *, inline: bool = False) -> Response:
    """Return the bytes of a file, or the one range of them that is asked for; of several, all.

    Its type is ours, and browsers are told to believe it. Raises Refusal (404) if it has gone from the disk,
    (416) for a range that it does not have.
    """
    try:
        size = media.path.stat().st_size
    except OSError:
        raise Refusal(status=404, code="not_found", detail="The file has gone from the disk.") from None
    _require_range(request, size)
    return FileResponse(
        media.path,
        media_type=media.mime,
        filename=media.name,
        content_disposition_type="inline" if inline else "attachment",
        headers=_HEADERS | {"etag": f'"{media.sha256}"'},
    )


def _require_range(request: Request, size: int) -> None:
    """Leave a range to be answered that can be; one that is none is passed over, as the standard says."""
    found = _RANGE.fullmatch(request.headers.get("range", ""))
    if found:
        first, last, of_end = (int(each) if each else None for each in found.groups())
        if (first is not None and last is not None and last < first) or of_end == 0:
            found = None
        elif first is not None and first >= size:
            raise Refusal(
                status=416,
                code="no_such_range",
                detail=f"The file has {size:,} bytes.",
                headers=(("Content-Range", f"bytes */{size}"),),
            )
    if not found:
        request.scope["headers"] = [each for each in request.scope["headers"] if each[0] != b"range"]
