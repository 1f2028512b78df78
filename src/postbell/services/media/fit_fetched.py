"""Pictures that were fetched and are not stored, made to fit as those are that users gave."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from postbell.domain.limits import MediaLimit
from postbell.domain.media import Media
from postbell.publishing.web.outside import Picture
from postbell.services.media.file_types import HEAD, recognise
from postbell.services.media.fitting import made_to_fit


_NAME = "the picture of the page"


async def fit_fetched(data: bytes, limit: MediaLimit) -> Picture:
    """Return a picture as a limit allows it, by what is in its bytes.

    Raises Invalid for what is no picture and what cannot be made to fit, and PostbellError where none can.
    """
    return await asyncio.to_thread(_fit, data, limit)


def _fit(data: bytes, limit: MediaLimit) -> Picture:
    known = recognise(data[:HEAD], _NAME)
    item = Media(sha256="", kind=known.kind, mime=known.mime, size=len(data), name=_NAME, path=Path(_NAME))
    with tempfile.TemporaryFile() as file:  # the process reads it by its descriptor
        file.write(data)
        file.seek(0)
        with made_to_fit(file, item, limit) as (answer, made):
            fitted = made.read()
    return Picture(mime=str(answer.get("mime", known.mime)), data=fitted or data)
