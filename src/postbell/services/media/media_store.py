"""The stored files: each once, named by what is in it, never changed."""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from postbell.domain.limits import MediaLimit
from postbell.domain.media import Media, MediaKind, Source
from postbell.durable import make_durable
from postbell.errors import DiskFull, Invalid, PostbellError, Problem
from postbell.services.media.file_types import TYPES, recognise, refuse
from postbell.services.media.inspection import (
    Inspected,
    display_name,
    examine,
    open_file,
    read_head,
    unreadable,
)


_CHUNK = 1 << 20
#: Photos that are never stored as they were uploaded, or not always: what is made of them need lose nothing.
_PHOTOS = ("image/avif", "image/heic")
_INCOMING = ".incoming-"
_PARTIAL = ".partial-"
#: Told of a video that would be taken if it were coded anew.
_LET_IT = "FFmpeg can make it fit: set `fit_videos = true` under [media]."


@dataclass(frozen=True, kw_only=True)
class _Staged:
    """A copy that is not yet known to be good."""

    copy: Path
    sha256: str
    name: str
    alt: str
    part: int


@dataclass(frozen=True, kw_only=True)
class Staged:
    """Files that were copied, inspected and found good, and are not in the store yet."""

    #: In the order in which they were given, with the paths of the copies.
    media: tuple[Media, ...] = ()
    #: What is wrong with the others; while there is anything, `keep` must not be called.
    problems: tuple[Problem, ...] = ()
    #: Puts the files into the store; when it returns they survive a power cut.
    keep: Callable[[], None] = lambda: None


class MediaStore:
    """A folder of files: `ab/abcdef….jpg`, by SHA-256.

    Files belong to the folder's owner, also if root stores them: the daemon, which may run as somebody else,
    reads them.
    """

    def __init__(self, folder: Path, *, fit_videos: bool = False) -> None:
        """Keep files in a folder; `fit_videos` says whether videos may be coded anew."""
        self.folder, self._anew = folder, fit_videos
        #: Told which video is being made to fit, and what part of that is done, 0 to 1.
        self.on_film: Callable[[str, float], None] = lambda _name, _part: None
        #: For who cannot wait: called instead of making a video fit. Then it is only foretold what it will
        #: become; see `Films`.
        self.put_off: Callable[[], None] | None = None
        #: For rehearsals: nothing is made of any file. It is only foretold what each will become.
        self.only_looks = False

    def put(self, path: Path, *, alt: str = "") -> Media:
        """Store one file; see `take`."""
        return self.take([(path, alt)])[0]

    def take(self, files: Sequence[Source]) -> list[Media]:
        """Store files, each given with its alt text, and return them in the same order.

        When this returns, the files survive a power cut. Raises Invalid with every problem of every file, and
        then nothing is stored; DiskFull; PostbellError for a bad folder.
        """
        with self.stage(files) as staged:
            if staged.problems:
                raise Invalid(staged.problems)
            staged.keep()
            return [replace(item, path=self.path_of(item.sha256, item.mime)) for item in staged.media]

    @contextmanager
    def incoming(self) -> Iterator[tuple[Path, BinaryIO]]:
        """Make a file for what comes from outside; it is gone after the block, unless it was put away.

        One that a killed process leaves is swept.
        """
        _make_folder(self.folder)
        descriptor, created = tempfile.mkstemp(prefix=_INCOMING, dir=self.folder)
        with ExitStack() as cleaning:
            cleaning.callback(_clean, Path(created))
            file = cleaning.enter_context(os.fdopen(descriptor, "wb"))
            _give(descriptor, self.folder)
            yield Path(created), file

    def partial(self, name: str) -> Path:
        """Return where a file lies that has not come to its end."""
        return self.folder / f"{_PARTIAL}{name}"

    def partials(self) -> list[str]:
        """Return the names of the files that have not come to their end."""
        return [path.name.removeprefix(_PARTIAL) for path in self.folder.glob(f"{_PARTIAL}*")]

    def open_partial(self, name: str) -> BinaryIO:
        """Open such a file, to read and to write it; a new one is made."""
        _make_folder(self.folder)
        descriptor = os.open(self.partial(name), os.O_RDWR | os.O_CREAT, 0o600)
        _give(descriptor, self.folder)
        return os.fdopen(descriptor, "r+b")

    @contextmanager
    def stage_foreign(self, files: Sequence[Path], most: int) -> Iterator[Staged]:
        """Inspect and clean files that came from outside and lie in the store, by `incoming`.

        Of a picture only what shows it is kept, so what else its bytes may mean to others is gone; it has at
        most so many bytes. In the problems a file is `file 1` and so on. Raises DiskFull.
        """
        with ExitStack() as cleaning:
            found = examine([(path, "") for path in files])
            judged: list[Media | Problem] = []
            for number, (path, facts) in enumerate(zip(files, found, strict=True), 1):
                where = f"file {number}"
                try:
                    if isinstance(facts, Problem):
                        raise Invalid([facts])  # noqa: TRY301 - told like those of the cleaning
                    judged.append(self._cleaned(cleaning, path, facts, most))
                except Invalid as error:
                    judged.append(replace(error.problems[0], where=where))
            good = {item.path: item for item in judged if isinstance(item, Media)}
            yield Staged(
                media=tuple(good.values()),
                problems=tuple(item for item in judged if isinstance(item, Problem)),
                keep=lambda: self._keep(good),
            )

    @contextmanager
    def stage(self, files: Sequence[Source]) -> Iterator[Staged]:
        """Copy and inspect files for the time of the block; the store has them only if they are kept.

        What is inspected is the copy, so nobody can exchange a file between the look and the copying. The
        same bytes are kept only once. Raises DiskFull, and PostbellError for a bad folder.
        """
        with ExitStack() as cleaning:
            staged = [self._stage(cleaning, *file) for file in files]
            copies = [item for item in staged if isinstance(item, _Staged)]
            found = dict(zip(copies, examine([(item.copy, item.name) for item in copies]), strict=True))
            judged = [item if isinstance(item, Problem) else found[item] for item in staged]
            good = {
                item.copy: self._media(item, facts)
                for item, facts in found.items()
                if isinstance(facts, Inspected)
            }
            yield Staged(
                media=tuple(good.values()),
                problems=tuple(item for item in judged if isinstance(item, Problem)),
                keep=lambda: self._keep(good),
            )

    def fit(self, item: Media, limit: MediaLimit, *, foretold: bool = False) -> Media:
        """Return a file as a limit allows it, with its alt text; as it is where nothing is to be done.

        What was made of a file is kept beside it, or beside its copy while that is staged. Of a video it is
        only `foretold` what it will become, if that is wanted. Raises Invalid for what cannot be made to fit,
        DiskFull, and PostbellError where nothing can.
        """
        if not limit.most or item.kind in (MediaKind.AUDIO, MediaKind.DOCUMENT):
            return item
        if item.kind is MediaKind.VIDEO:
            return self._fit_film(item, limit, foretold=foretold)
        from postbell.services.media import fitting  # most posts have no files

        if found := fitting.known(item, limit):
            return found
        if self.only_looks:
            return fitting.expected(item, limit)
        with self._told(item.name), ExitStack() as cleaning:
            try:
                file = cleaning.enter_context(item.path.open("rb"))
            except FileNotFoundError:  # told when it is to be sent
                return item
            with fitting.made_to_fit(file, item, limit) as (answer, made):
                copy, sha256 = self._copy(iter(lambda: made.read(_CHUNK), b""), cleaning)
            name = fitting.stem_of(item, limit) + fitting.name_of(answer, sha256)
            copy.rename(item.path.with_name(name))
        return fitting.known(item, limit) or item

    def _fit_film(self, item: Media, limit: MediaLimit, *, foretold: bool) -> Media:
        from postbell.domain.film_plan import plan_film  # few posts have videos
        from postbell.services.media import film_fitting
        from postbell.services.media.films import INSTALL

        plan = plan_film(item, limit)
        if plan is None or not item.path.exists():
            return item
        if plan.anew and not self._anew:
            raise refuse(item.name, _LET_IT)
        if not film_fitting.is_there():
            if plan.anew:
                raise refuse(item.name, f"FFmpeg could make it fit. {INSTALL}")
            return item
        if found := film_fitting.known(item, plan):
            return found
        if foretold or self.only_looks or self.put_off:
            if self.put_off:
                self.put_off()
            return film_fitting.expected(item, plan)
        with film_fitting.ONE, self._told(item.name), self.incoming() as (path, file):
            if found := film_fitting.known(item, plan):  # made while this waited for its turn
                return found
            film_fitting.make(item, plan, path, functools.partial(self.on_film, item.name))
            os.fsync(file.fileno())
            with path.open("rb") as made:
                sha256 = hashlib.file_digest(made, "sha256").hexdigest()
            name = film_fitting.stem_of(item, plan) + film_fitting.name_of(plan, sha256)
            path.rename(item.path.with_name(name))
        return film_fitting.known(item, plan) or item

    def path_of(self, sha256: str, mime: str) -> Path:
        """Return where a stored file lies."""
        return self.folder / sha256[:2] / f"{sha256}{TYPES[mime].suffixes[0]}"

    def remove(self, sha256s: Iterable[str], *, before: datetime) -> int:
        """Remove files that no post uses and return how many that were.

        A file that was given once more since `before` (aware) stays: the post that wants it may be about to
        be saved. Unknown ones are passed over.
        """
        return sum(self._remove(sha256, before) for sha256 in sha256s)

    def sweep(self, *, before: datetime) -> int:
        """Remove copies that a killed process left half-done and did not write to since `before` (aware)."""
        return sum(_removed(path, before) for path in self.folder.glob(f"{_INCOMING}*"))

    def _stage(self, cleaning: ExitStack, path: Path, alt: str, part: int = 1) -> _Staged | Problem:
        name = display_name(path)
        try:
            with open_file(path, name) as file:
                # The copy is inspected in full; this only saves copying gigabytes that are no media.
                recognise(read_head(file, name), name)
                with self._told(name):
                    copy, sha256 = self._copy(_chunks(file, name), cleaning)
        except Invalid as error:
            return error.problems[0]
        return _Staged(copy=copy, sha256=sha256, name=name, alt=alt, part=part)

    def _copy(self, chunks: Iterable[bytes], cleaning: ExitStack) -> tuple[Path, str]:
        copy, target = cleaning.enter_context(self.incoming())
        digest = hashlib.sha256()
        with target:
            for chunk in chunks:
                digest.update(chunk)
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        return copy, digest.hexdigest()

    def _cleaned(self, cleaning: ExitStack, path: Path, facts: Inspected, most: int) -> Media:
        """Return a file as it may be stored; raises Invalid for a picture of which that cannot be made."""
        media = Media(
            sha256="",
            kind=facts.kind,
            mime=facts.mime,
            size=facts.size,
            width=facts.width,
            height=facts.height,
            film=facts.film,
            name="it",
            path=path,
        )
        if facts.kind is MediaKind.IMAGE:
            from postbell.services.media import fitting

            # What no longer fits as it was may fit as the type that loses nothing.
            others = ("image/png", "image/jpeg") if facts.mime in _PHOTOS else ("image/png",)
            limit = MediaLimit(most=1, types=dict.fromkeys((facts.mime, *others), most))
            with path.open("rb") as file, fitting.made_to_fit(file, media, limit) as (answer, made):
                copy, _ = self._copy(iter(lambda: made.read(_CHUNK), b""), cleaning)
            if answer:
                mime, width, height = str(answer["mime"]), int(answer["width"]), int(answer["height"])
                media = replace(media, path=copy, mime=mime, width=width, height=height)
        with media.path.open("rb") as file:
            os.fsync(file.fileno())
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return replace(media, sha256=sha256, size=media.path.stat().st_size)

    def _keep(self, good: Mapping[Path, Media]) -> None:
        for copy, media in good.items():
            with self._told(media.name):
                path = self.path_of(media.sha256, media.mime)
                _make_folder(path.parent)
                for fitted in copy.parent.glob(f"{copy.name}.*"):
                    fitted.rename(path.with_name(fitted.name.replace(copy.name, media.sha256)))
                # Over a file that is there already: should that one be damaged, this one is not.
                copy.rename(path)
                make_durable(path.parent)

    def _remove(self, sha256: str, before: datetime) -> int:
        """Remove a file, and with it what was made of it; return how many files of those given that were."""
        found = sorted((self.folder / sha256[:2]).glob(f"{sha256}.*"), key=lambda path: len(path.name))
        if not (found and _removed(found[0], before)):
            return 0
        for fitted in found[1:]:
            fitted.unlink(missing_ok=True)
        return 1

    def _media(self, staged: _Staged, found: Inspected) -> Media:
        return Media(
            sha256=staged.sha256,
            kind=found.kind,
            mime=found.mime,
            size=found.size,
            width=found.width,
            height=found.height,
            film=found.film,
            name=staged.name,
            path=staged.copy,
            alt=staged.alt,
            part=staged.part,
        )

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """Turn what the system says into an error that says what to do."""
        try:
            yield
        except OSError as error:
            where = f"{name} cannot be stored in {self.folder}"
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull(
                    f"{where}: the disk is full. Nothing was stored; free some space and try again."
                ) from None
            raise PostbellError(
                f"{where}: {error.strerror}. Check the folder's owner and permissions (postbell doctor)."
            ) from None


def _chunks(file: BinaryIO, name: str) -> Iterator[bytes]:
    """Yield the bytes of a file that stands still; raises Invalid if it does not, or cannot be read."""
    left = os.fstat(file.fileno()).st_size
    while True:
        try:
            chunk = file.read(_CHUNK)
        except OSError as error:
            raise unreadable(name, error) from None
        left -= len(chunk)
        if left < 0 or (not chunk and left):
            raise refuse(name, "it changed while it was read; try again when it is finished.")
        if not chunk:
            return
        yield chunk


def _clean(copy: Path) -> None:
    """Remove a copy, where it still is, and what was made of it."""
    for path in (copy, *copy.parent.glob(f"{copy.name}.*")):
        path.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    _give(folder, folder.parent)
    make_durable(folder.parent)


def _give(target: Path | int, folder: Path) -> None:
    """Give what root has made to the owner of the folder that it lies in."""
    owner = folder.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.chown(target, owner.st_uid, owner.st_gid)


def _removed(path: Path, before: datetime) -> bool:
    try:
        if path.stat().st_mtime >= before.timestamp():
            return False
        path.unlink()
    except FileNotFoundError:  # somebody else was faster
        return False
    return True
