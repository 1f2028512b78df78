"""The files of a form on their way to the disk: they are never in memory as a whole."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request

from postbell.api.multipart import Begin, Form, Malformed, boundary_of
from postbell.api.problems import Refusal
from postbell.api.texts import require_plain
from postbell.app import App
from postbell.services.media.receiving import Arriving


#: So many files may come at once.
MOST_FILES = 20
#: No alt text is longer, in bytes.
_LONGEST_ALT = 40_000
#: What comes is handed on in pieces of this size.
_PIECE = 1 << 20


@dataclass(kw_only=True)
class _Taking:
    """Takes the parts of a form."""

    app: App
    cleaning: ExitStack
    files: list[Arriving] = field(default_factory=list)
    alts: list[bytearray] = field(default_factory=list)
    _to: Arriving | bytearray = field(default_factory=bytearray)
    #: Of each part its name and the hash of its bytes, in their order.
    _sums: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def sha256(self) -> str:
        """The hash of what the form says; what stands between its parts is another each time it is sent."""
        said = [(name, part.hexdigest()) for name, part in self._sums]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    def take(self, parts: list[Begin | bytes]) -> None:
        """Take what a piece of the form held."""
        for part in parts:
            if isinstance(part, Begin):
                self._end()
                self._to = self._begin(part)
                self._sums.append((part.name, hashlib.sha256()))
                continue
            self._sums[-1][1].update(part)
            if isinstance(self._to, Arriving):
                self._to.take(part)
            else:
                self._to += part
                if len(self._to) > _LONGEST_ALT:
                    raise Malformed(f"an alt text has more than {_LONGEST_ALT:,} bytes")

    def close(self) -> list[Arriving]:
        """Return the files, each with its alt text."""
        self._end()
        if not self.files:
            raise Malformed("there is no file in it")
        if len(self.alts) > len(self.files):
            raise Malformed("there are more alt texts than files")
        for file, alt in zip(self.files, self.alts, strict=False):
            file.alt = _text_of(alt)
            require_plain(f"the alt text of {file.where}", file.alt)
        return self.files

    def _begin(self, part: Begin) -> Arriving | bytearray:
        if part.name == "alt" and part.filename is None:
            self.alts.append(bytearray())
            return self.alts[-1]
        if part.name != "file" or part.filename is None:
            raise Malformed("its parts are files named `file` and texts named `alt`; there is another one")
        if len(self.files) == MOST_FILES:
            raise Malformed(f"there are more than {MOST_FILES} files in it")
        path, file = self.cleaning.enter_context(self.app.ctx.media.incoming())
        where = f"file {len(self.files) + 1}"
        self.files.append(Arriving(path=path, file=file, where=where, limits=self.app.settings.media))
        return self.files[-1]

    def _end(self) -> None:
        if isinstance(self._to, Arriving):
            self._to.end()


def _text_of(alt: bytes | bytearray) -> str:
    try:
        return alt.decode()
    except UnicodeDecodeError:
        raise Malformed("an alt text is not UTF-8") from None


async def arrived(request: Request) -> AsyncIterator[list[Arriving]]:
    """Take the files of a form in; what is not stored by the end of the request is gone then."""
    boundary = boundary_of(request.headers.get("content-type", ""))
    if boundary is None:
        detail = "Files are sent as a form: Content-Type multipart/form-data, with a boundary."
        raise Refusal(status=415, code="media_type", detail=detail)
    form = Form(boundary)
    with ExitStack() as cleaning:
        taking = _Taking(app=request.app.state.postbell(), cleaning=cleaning)
        try:
            async for piece in _pieces(request):
                await asyncio.to_thread(taking.take, form.feed(piece))
            form.close()
            files = await asyncio.to_thread(taking.close)
        except Malformed as error:
            detail = f"The form cannot be taken: {error}."
            raise Refusal(status=400, code="malformed", detail=detail) from None
        request.state.form = taking.sha256
        yield files


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    gathered = bytearray()
    async for part in request.stream():
        gathered += part
        if len(gathered) >= _PIECE:
            yield bytes(gathered)
            gathered.clear()
    yield bytes(gathered)


#: The files that a request brings.
Files = Annotated[list[Arriving], Depends(arrived)]

#: How the document describes the form.
FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": {
                        "file": {
                            "type": "array",
                            "items": {"type": "string", "contentMediaType": "application/octet-stream"},
                            "minItems": 1,
                            "maxItems": MOST_FILES,
                            "examples": [["the bytes of a file"]],
                            "description": "Anything that posts can have; told by the bytes, not by names.",
                        },
                        "alt": {
                            "type": "array",
                            "items": {"type": "string"},
                            "examples": [["A cat"]],
                            "description": "What the files show: the first for the first, and so on.",
                        },
                    },
                }
            }
        },
    }
}
