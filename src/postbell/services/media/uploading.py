"""Files that come in parts: what came of one survives whatever breaks off, and the rest goes on behind it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from postbell.domain.ids import new_post_id
from postbell.domain.upload import Upload
from postbell.errors import Conflict, Invalid, NotFound, Problem
from postbell.sections import MediaSettings
from postbell.services.context import Context
from postbell.services.media import receiving
from postbell.services.media.receiving import Arriving, TooLong, WrongSum, require_room, written
from postbell.store import uploads as store
from postbell.store.stored import Stored


#: After so many bytes it is made sure that they survive.
_SURE_EVERY = 8_000_000


def begin_upload(ctx: Context, limits: MediaSettings, *, length: int, alt: str, notes: str) -> Upload:
    """Store that a file of so many bytes will come, and return how it is to be sent.

    Raises Invalid, Conflict where too much is under way, and DiskFull.
    """
    if not length:
        message = "the file is empty; download or export it again."
        raise Invalid([Problem(where="Upload-Length", message=message)])
    if length > limits.most(None):
        message = f"a file may have {limits.most(None):,} bytes at most."
        raise TooLong([Problem(where="Upload-Length", message=message)])
    now = ctx.now()
    new = Upload(
        id=new_post_id(ctx.random),
        length=length,
        alt=alt,
        notes=notes,
        created_at=now,
        expires_at=now + timedelta(hours=limits.open_hours),
    )
    with ctx.store.write() as tx:
        under_way = [each for each in store.list_uploads(tx, now) if each.sha256 is None]
        _require_few(under_way, length, limits)
        coming = sum(each.length - each.offset for each in under_way)
        require_room(ctx.media.folder, limits, wanted=coming + length)
        store.add_upload(tx, new)
    return new


def find_upload(ctx: Context, upload_id: str) -> Upload:
    """Return an upload; raises NotFound."""
    with ctx.store.read() as tx:
        found = store.find_upload(tx, upload_id, ctx.now())
    if found is None:
        raise _gone(upload_id)
    return found


def list_uploads(ctx: Context) -> list[Upload]:
    """Return the uploads that there are, the newest first."""
    with ctx.store.read() as tx:
        return store.list_uploads(tx, ctx.now())


def forget_upload(ctx: Context, upload_id: str) -> None:
    """Forget an upload; a file that it became stays. Raises NotFound.

    Its bytes go when the transaction around this has ended: see `erase`.
    """
    with ctx.store.write() as tx:
        if not store.forget_upload(tx, upload_id):
            raise _gone(upload_id)


def erase(ctx: Context, upload_id: str) -> None:
    """Remove what has come of an upload that is over."""
    ctx.media.partial(upload_id).unlink(missing_ok=True)


def sweep(ctx: Context, unused: Iterable[str] = (), *, before: datetime) -> int:
    """Forget uploads that have expired; remove files, and return how many those were.

    Besides these `unused` ones, which nobody gave again since `before` (aware), it is what nobody sends to
    its end: parts without an upload, and half files that nobody wrote to since then.
    """
    lying = ctx.media.partials()  # first: what begins meanwhile is in the database before it is on the disk
    with ctx.store.write(by_user=False) as tx:
        known = store.forget_expired(tx, ctx.now())
    left = [each for each in lying if each not in known]
    for each in left:
        erase(ctx, each)
    return len(left) + ctx.media.remove(unused, before=before) + ctx.media.sweep(before=before)


@dataclass(kw_only=True)
class Part:
    """A part of a file on its way in."""

    ctx: Context
    upload: Upload
    limits: MediaSettings
    #: What counts its checksum, and what that must be; None where nobody has said it.
    hasher: Any = None
    checksum: bytes | None = None
    _arriving: Arriving = field(init=False)

    def __post_init__(self) -> None:
        """Open the file behind what has come so far; raises NotFound where that has gone."""
        path = self.ctx.media.partial(self.upload.id)
        with written(path.parent):
            file = self.ctx.media.open_partial(self.upload.id)
        try:
            self._require_bytes(file)
            self._arriving = _going_on(file, path, self.upload, self.limits)
        except BaseException:
            file.close()
            raise

    @property
    def offset(self) -> int:
        """How much of the file has come."""
        return self._arriving.size

    @property
    def whole(self) -> bool:
        """Whether all of it is there."""
        return self.offset == self.upload.length

    def take(self, data: bytes) -> None:
        """Take the next bytes; raises TooLong, DiskFull, and Invalid where it is seen that they are no good.

        A file that is no good is forgotten.
        """
        if self.offset + len(data) > self.upload.length:
            message = f"more has come than the {self.upload.length:,} bytes that it was to have."
            raise TooLong([Problem(where="file", message=message)])
        try:
            self._arriving.take(data)
        except Invalid:
            self._forget()
            raise
        if self.hasher:
            self.hasher.update(data)
        elif self.offset - self.upload.offset >= _SURE_EVERY:
            self.save()

    def save(self) -> None:
        """Make sure that what has come is still there after a power cut, but for what nobody has proved."""
        if self.checksum is None and self.offset > self.upload.offset and not self.whole:
            self._save()

    def end(self) -> None:
        """Say that nothing comes behind: it is on the disk for good. Raises WrongSum."""
        if self.checksum is not None and self.hasher.digest() != self.checksum:
            message = "it is not what was sent: its checksum is another one. Send it again."
            raise WrongSum([Problem(where="Upload-Checksum", message=message)])
        if not self.whole:
            self._save()
        else:
            self._sync()

    def close(self) -> None:
        """Close the file; what a full disk has not taken is not missed."""
        with suppress(OSError):
            self._arriving.file.close()

    def finish(self, ctx: Context) -> Stored:
        """Store the whole file as one that was uploaded at once; its bytes stay until `erase`.

        Raises Invalid, NotFound, and DiskFull; of a file that is no good nothing is kept then.
        """
        try:
            # A copy: if the daemon ends in between, what has come must be there as it was.
            with ctx.media.incoming() as (path, file):
                require_room(path.parent, self.limits, wanted=self.upload.length)
                with written(path.parent), self._arriving.path.open("rb") as source:
                    shutil.copyfileobj(source, file, 1 << 20)
                    file.flush()
                arrived = replace(self._arriving, path=path, alt=self.upload.alt)
                (stored,) = receiving.keep(ctx, [arrived], self.limits)
        except Invalid:
            self._forget()
            raise
        with ctx.store.write() as tx:
            if not store.record_stored(tx, self.upload.id, stored.media.sha256):
                raise _gone(self.upload.id)
        return stored

    def _require_bytes(self, file: BinaryIO) -> None:
        """Raise NotFound where the file is not what the database says: that is an old one."""
        if os.fstat(file.fileno()).st_size < self.upload.offset:
            self._forget()
            raise _gone(self.upload.id)

    def _save(self) -> None:
        self._sync()
        expires_at = self.ctx.now() + timedelta(hours=self.limits.open_hours)
        with self.ctx.store.write() as tx:
            if not store.record_offset(tx, self.upload.id, self.offset, expires_at):
                raise _gone(self.upload.id)
        self.upload = replace(self.upload, offset=self.offset, expires_at=expires_at)

    def _sync(self) -> None:
        with written(self._arriving.path.parent):
            self._arriving.file.flush()
            os.fsync(self._arriving.file.fileno())

    def _forget(self) -> None:
        with self.ctx.store.write() as tx:
            store.forget_upload(tx, self.upload.id)
        erase(self.ctx, self.upload.id)


def _going_on(file: BinaryIO, path: Path, upload: Upload, limits: MediaSettings) -> Arriving:
    """Return a file on its way in, behind the bytes that it has."""
    arriving = Arriving(path=path, file=file, where="file", limits=limits)
    with path.open("rb") as before:
        arriving.go_on(before, upload.offset)
    file.truncate(upload.offset)
    file.seek(upload.offset)
    return arriving


def _require_few(under_way: list[Upload], length: int, limits: MediaSettings) -> None:
    """Raise Conflict where so many uploads, or so many bytes, are under way that this would be too much."""
    advice = "Send one to its end, or delete one (DELETE /api/v1/uploads/ID), and try again."
    if len(under_way) >= limits.open_uploads:
        raise Conflict(f"{len(under_way)} uploads are under way, and no more may be. {advice}")
    if sum(each.length for each in under_way) + length > limits.most_open:
        raise Conflict(f"Uploads of more than {limits.most_open:,} bytes would be under way. {advice}")


def _gone(upload_id: str) -> NotFound:
    return NotFound(f"There is no upload {upload_id!r}, or it has expired; begin another one.")
