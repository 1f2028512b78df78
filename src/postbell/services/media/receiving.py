"""Files that come from outside: taken in as they come, looked at, cleaned, and stored to be used later."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from postbell.domain.media import MediaKind
from postbell.errors import Conflict, DiskFull, Invalid, NotFound, Problem
from postbell.sections import MediaSettings
from postbell.services.context import Context
from postbell.services.media.file_types import HEAD, FileType, recognise
from postbell.store import stored as store
from postbell.store.media import record_given
from postbell.store.stored import Stored


#: After so many bytes it is looked again how much room is left.
_LOOK_EVERY = 16_000_000
#: What files of a kind are called.
_CALLED = {MediaKind.IMAGE: "a picture", MediaKind.VIDEO: "a video", MediaKind.AUDIO: "a sound"}


class TooLong(Invalid):
    """A file is longer than files of its kind may be."""


class WrongSum(Invalid):
    """A part is not what its sender has counted the checksum of; nothing of it was kept."""


@dataclass(kw_only=True)
class Arriving:
    """A file on its way in. What it is its first bytes say; its name says nothing."""

    path: Path
    #: Where it is written to.
    file: BinaryIO
    #: What it is called in problems: `file 1`.
    where: str
    limits: MediaSettings
    alt: str = ""
    #: Its bytes so far.
    size: int = 0
    _head: bytearray = field(default_factory=bytearray)
    _type: FileType | None = None
    _looked_at: int = -_LOOK_EVERY

    def take(self, data: bytes) -> None:
        """Take its next bytes; raises Invalid where it is seen that they are no good, and DiskFull."""
        self.size += len(data)
        if self._type is None:
            self._head += data[: HEAD - len(self._head)]
            if len(self._head) == HEAD:
                self._recognise()
        self._require_room()
        with written(self.path.parent):
            self.file.write(data)

    def end(self) -> None:
        """Say that nothing comes behind; raises Invalid."""
        if not self.size:
            raise self._refused("it is empty; download or export it again.")
        if self._type is None:
            self._recognise()
            self._require_room()
        with written(self.path.parent):
            self.file.flush()

    def go_on(self, before: BinaryIO, size: int) -> None:
        """Take it that so many bytes have come, the first of which can be read there; raises Invalid."""
        self.size = size
        self._head += before.read(min(HEAD, size))
        if len(self._head) == HEAD:
            self._recognise()

    def _recognise(self) -> None:
        try:
            self._type = recognise(bytes(self._head), "")
        except Invalid as error:
            raise self._refused(error.problems[0].message) from None

    def _require_room(self) -> None:
        kind = self._type.kind if self._type else None
        most = self.limits.most(kind)
        if self.size > most:
            what = _CALLED.get(kind, "a file") if kind else "a file"
            raise TooLong([Problem(where=self.where, message=f"{what} may have {most:,} bytes at most.")])
        if self.size - self._looked_at >= _LOOK_EVERY:
            self._looked_at = self.size
            require_room(self.path.parent, self.limits)

    def _refused(self, message: str) -> Invalid:
        return Invalid([Problem(where=self.where, message=message)])


@contextmanager
def written(folder: Path) -> Iterator[None]:
    """Turn what the system says of a disk that is full into DiskFull."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFull(
            f"Nothing more was stored in {folder}: the disk is full. Free some space and try again."
        ) from None


def require_room(folder: Path, limits: MediaSettings, *, wanted: int = 0) -> None:
    """Raise DiskFull if less would be free than shall stay free, once so much more is stored."""
    if shutil.disk_usage(folder).free - wanted < limits.free:
        raise DiskFull(
            f"Nothing was stored: less than {limits.free_megabytes:,} MB would be left on the disk "
            "(`media.free_megabytes`). Free some space and try again."
        )


def keep(ctx: Context, arrived: Sequence[Arriving], limits: MediaSettings) -> list[Stored]:
    """Store files that have come, all of them or none, and return them in their order.

    The same bytes are stored once. When this returns, and the transaction around it is committed, they
    survive a power cut. Raises Invalid with every problem of every file, and DiskFull.
    """
    with ctx.media.stage_foreign([file.path for file in arrived], limits.most(MediaKind.IMAGE)) as staged:
        if staged.problems:
            raise Invalid(staged.problems)
        given = [replace(item, alt=file.alt) for item, file in zip(staged.media, arrived, strict=True)]
        with ctx.store.write() as tx:
            staged.keep()
            record_given(tx, given, ctx.now())
            return [_found(store.find_stored(tx, item.sha256, ctx.media.path_of)) for item in given]


def stored(ctx: Context, sha256: str) -> Stored:
    """Return a file that is in the store; raises NotFound."""
    with ctx.store.read() as tx:
        return _found(store.find_stored(tx, sha256, ctx.media.path_of))


def describe(ctx: Context, sha256: str, shows: str) -> Stored:
    """Say what a file shows where a post does not say that itself; raises NotFound."""
    with ctx.store.write() as tx:
        store.describe_media(tx, sha256, shows)
        return _found(store.find_stored(tx, sha256, ctx.media.path_of))


def remove(ctx: Context, sha256: str) -> None:
    """Remove a file that nothing uses; raises NotFound, and Conflict for one that is used.

    Its bytes go when the transaction around this has ended: see `erase`.
    """
    with ctx.store.write() as tx:
        _found(store.find_stored(tx, sha256, ctx.media.path_of))
        if not store.forget_media(tx, sha256):
            raise Conflict("A post or a series uses this file; remove it there first.")


def erase(ctx: Context, sha256: str) -> None:
    """Remove the bytes of a file that was forgotten, unless it was given once more meanwhile."""
    with ctx.store.write() as tx:
        if store.find_stored(tx, sha256, ctx.media.path_of) is None:
            ctx.media.remove([sha256], before=datetime.max.replace(tzinfo=UTC))


def _found(found: Stored | None) -> Stored:
    if found is None:
        raise NotFound("There is no such file; upload it, or upload it again.")
    return found
