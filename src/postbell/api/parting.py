"""A part of a file on its way to the disk. What came of a part that breaks off is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated

from fastapi import Depends, Path, Request
from starlette.requests import ClientDisconnect

from postbell.api import tus
from postbell.api.call import answered
from postbell.api.problems import Refusal
from postbell.errors import PostbellError
from postbell.services.media.uploading import Part, find_upload


UploadId = Annotated[
    str, Path(description="Names the upload.", pattern="^[a-z0-9]{1,20}$", examples=["k7f2m9qx"])
]

#: Seconds without a byte after which nobody is there any more.
_PATIENCE = 60.0
#: What comes is handed on in pieces of this size.
_PIECE = 1 << 20


@dataclass(eq=False)
class Way:
    """What one request sends of an upload; another one for the same upload takes its place."""

    key: str | None
    _patience: asyncio.Timeout | None = None
    _taken: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self) -> None:
        """Have it end with what has come: whoever sends it has lost the connection, and come again."""
        self._taken = True
        if self._patience:
            self._patience.reschedule(asyncio.get_running_loop().time())

    async def pieces(self, request: Request) -> AsyncIterator[bytes]:
        """Yield what comes; raises Refusal once nothing does, or it was taken, and ClientDisconnect."""
        stream, gathered = request.stream(), bytearray()
        try:
            while (piece := await self._next(stream)) is not None:
                gathered += piece
                if len(gathered) >= _PIECE:
                    yield bytes(gathered)
                    gathered.clear()
        except (ClientDisconnect, Refusal):
            yield bytes(gathered)
            raise
        yield bytes(gathered)

    async def _next(self, stream: AsyncIterator[bytes]) -> bytes | None:
        try:
            async with asyncio.timeout(0 if self._taken else _PATIENCE) as self._patience:
                return await anext(stream, None)
        except TimeoutError:
            if self._taken:
                raise _under_way("Another request has gone on with this upload.") from None
            detail = f"Nothing has come for {_PATIENCE:g} s; what came before is kept."
            raise Refusal(status=408, code="too_slow", detail=detail) from None
        finally:
            self._patience = None


async def arrived(request: Request, id: UploadId) -> AsyncIterator[Part | None]:  # noqa: A002 - the name in the path
    """Take a part in; None where nothing is left to do: the file is stored, or this wish was answered."""
    tus.require_version(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != tus.PART:
        detail = f"A part is sent as it is: Content-Type {tus.PART}."
        raise Refusal(status=415, code="media_type", detail=detail)
    offset, (hasher, checksum) = tus.number(request, "Upload-Offset"), tus.sum_of(request)
    app = request.app.state.postbell()
    if await asyncio.to_thread(answered, request):
        async for _piece in request.stream():
            pass  # it is counted, for it is a part of what must be the same
        yield None
        return
    async with _alone(request, id) as way:
        upload = await asyncio.to_thread(find_upload, app.ctx, id)
        if offset != upload.offset:
            detail = f"The upload goes on at {upload.offset:,}, not at {offset:,}; ask it: HEAD."
            headers = (("Upload-Offset", str(upload.offset)),)
            raise Refusal(status=409, code="offset", detail=detail, headers=headers)
        if upload.sha256:
            async for piece in request.stream():
                if piece:
                    raise Refusal(status=413, code="too_long", detail="All of the file has come before.")
            yield None
            return
        make = partial(Part, ctx=app.ctx, upload=upload, limits=app.settings.media)
        part = await asyncio.to_thread(make, hasher=hasher, checksum=checksum)
        try:
            await _take(part, way, request)
            yield part
        finally:
            part.close()


async def _take(part: Part, way: Way, request: Request) -> None:
    try:
        async for piece in way.pieces(request):
            await asyncio.to_thread(part.take, piece)
        await asyncio.to_thread(part.end)
    except (ClientDisconnect, Refusal):
        with suppress(PostbellError):  # then what was sure before is what there is
            await asyncio.to_thread(part.save)
        raise


@asynccontextmanager
async def _alone(request: Request, upload_id: str) -> AsyncIterator[Way]:
    """Be the only request that sends something of an upload."""
    ways: dict[str, Way] = request.app.state.ways
    key = request.headers.get("idempotency-key")
    while before := ways.get(upload_id):
        if key is not None and key == before.key:
            raise _under_way("A request with this Idempotency-Key is under way; ask again.")
        before.take()
        await before.ended.wait()
    way = ways[upload_id] = Way(key)
    try:
        yield way
    finally:
        del ways[upload_id]
        way.ended.set()


def _under_way(detail: str) -> Refusal:
    return Refusal(status=409, code="under_way", detail=detail, headers=(("Retry-After", "1"),))


#: The part that a request brings; None where nothing is left to do.
Parted = Annotated[Part | None, Depends(arrived)]
