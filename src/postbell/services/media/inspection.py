"""What a given file really is. Its name is never trusted, and it is opened in another process."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from postbell.domain.film import Film
from postbell.domain.media import MediaKind
from postbell.errors import Invalid, PostbellError, Problem
from postbell.services.media import _inspect_child
from postbell.services.media.deaths import told_death
from postbell.services.media.file_types import HEAD, FileType, recognise, refuse


#: Seconds in which one picture must have been opened.
_SECONDS = 10
#: Address space of the process that opens pictures. A picture of the most pixels needs 480 MB.
_MEMORY = 1 << 30
#: Seconds that the process may take beyond its own limit, before it is killed from outside.
_GRACE = 5

_OTHER_FILES = (
    (stat.S_ISDIR, "it is a folder; name the file in it."),
    (stat.S_ISFIFO, "it is a pipe, not a file; save what comes out of it first."),
    (lambda mode: not stat.S_ISREG(mode), "it is a device or a socket, not a file."),
)


@dataclass(frozen=True, kw_only=True)
class Inspected:
    """What a file turned out to be."""

    kind: MediaKind
    #: Read from the bytes.
    mime: str
    #: Length in bytes.
    size: int
    #: Pixels, after the orientation that the file asks for; None of a video that nobody could look into.
    width: int | None = None
    height: int | None = None
    #: What is in a video or a sound; None of all others.
    film: Film | None = None


def inspect(path: Path) -> Inspected:
    """Return what the file is; raises Invalid if it cannot be posted."""
    return inspect_all([path])[0]


def inspect_all(paths: Sequence[Path]) -> list[Inspected]:
    """Return what each file is, in order; raises Invalid with every problem of every file at once."""
    found = examine([(path, display_name(path)) for path in paths])
    problems = [item for item in found if isinstance(item, Problem)]
    if problems:
        raise Invalid(problems)
    return [item for item in found if isinstance(item, Inspected)]


def examine(files: Sequence[tuple[Path, str]]) -> list[Inspected | Problem]:
    """Return for each file, in order, what it is or why it cannot be posted.

    A file is a path and the name that the user gave: its ending must fit the type, and problems are told
    under it. Raises PostbellError if pictures or videos cannot be opened on this machine though they should.
    """
    with ExitStack() as stack:
        found = [_open(path, name, stack) for path, name in files]
        pictures = [item for item in found if isinstance(item, _Opened) and item.type.kind is MediaKind.IMAGE]
        sizes = dict(zip(pictures, _measure(pictures), strict=True))
        return [
            item
            if isinstance(item, Problem)
            else _result(item, sizes[item])
            if item in sizes
            else _looked_into(item, path)
            for item, (path, _) in zip(found, files, strict=True)
        ]


def display_name(path: Path) -> str:
    """Return the file's own name as it can be shown and stored, whatever bytes it is made of."""
    return _printable(path.name or str(path))


def open_file(path: Path, name: str) -> BinaryIO:
    """Open a file for reading; raises Invalid for everything else. Never waits, as for a pipe's other end."""
    try:
        # Looked at before it is opened: the opening alone of some devices does something.
        _only_a_file(path.stat(), name)
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY), "rb")
    except FileNotFoundError:
        place = _printable(str(path))
        raise refuse(name, f"there is no file {place}; check the name and the folder.") from None
    except (OSError, ValueError) as error:
        raise unreadable(name, error) from None
    try:
        _only_a_file(os.fstat(file.fileno()), name)
    except Invalid:
        file.close()
        raise
    return file


def read_head(file: BinaryIO, name: str) -> bytes:
    """Return the first bytes of an open file, leaving its position; raises Invalid."""
    try:
        return os.pread(file.fileno(), HEAD, 0)
    except OSError as error:
        raise unreadable(name, error) from None


def unreadable(name: str, error: Exception) -> Invalid:
    """Return the error for a file that is there and cannot be read."""
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return refuse(name, f"it cannot be read ({reason}); check its permissions and its disk.")


def _printable(text: str) -> str:
    readable = os.fsencode(text).decode("utf-8", "replace")
    return "".join(character if character.isprintable() else "?" for character in readable)


@dataclass(frozen=True, kw_only=True)
class _Opened:
    descriptor: int
    name: str
    type: FileType
    size: int


def _open(path: Path, name: str, stack: ExitStack) -> _Opened | Problem:
    try:
        file = stack.enter_context(open_file(path, name))
        kind = recognise(read_head(file, name), name)
    except Invalid as error:
        return error.problems[0]
    size = os.fstat(file.fileno()).st_size
    return _Opened(descriptor=file.fileno(), name=name, type=kind, size=size)


def _only_a_file(status: os.stat_result, name: str) -> None:
    for is_other, message in _OTHER_FILES:
        if is_other(status.st_mode):
            raise refuse(name, message)
    if status.st_size == 0:
        raise refuse(name, "it is empty; download or export it again.")


def _looked_into(item: _Opened, path: Path) -> Inspected | Problem:
    facts = Inspected(kind=item.type.kind, mime=item.type.mime, size=item.size)
    if item.type.kind is MediaKind.DOCUMENT:
        from postbell.services.media.documents import fault_of

        with path.open("rb") as file:
            fault = fault_of(file, item.type.mime)
        return refuse(item.name, fault).problems[0] if fault else facts
    from postbell.services.media import films  # few posts have videos

    found = films.look_into(path, item.type.mime)
    if isinstance(found, str):
        return refuse(item.name, found).problems[0]
    width, height = found.pop("width", None), found.pop("height", None)
    return replace(facts, width=width, height=height, film=Film(**found) if found else None)


def _result(item: _Opened, size: list[int] | str) -> Inspected | Problem:
    if isinstance(size, str):
        return refuse(item.name, size).problems[0]
    width, height = size
    return Inspected(kind=item.type.kind, mime=item.type.mime, size=item.size, width=width, height=height)


def _measure(pictures: Sequence[_Opened]) -> list[list[int] | str]:
    """Return `[width, height]` of each picture, or why it is refused.

    One process does them all; if a picture takes it along, another one goes on behind that picture.
    """
    answers: list[list[int] | str] = []
    while len(answers) < len(pictures):
        rest = pictures[len(answers) :]
        lines, status, said = _ask(rest)
        answers += [json.loads(line) for line in lines]
        if status > 0:
            raise PostbellError(f"Pictures cannot be opened on this machine: {said}")
        if len(lines) < len(rest):
            answers.append(told_death(-status, _SECONDS, to="open", program="opens pictures"))
    return answers


def _ask(pictures: Sequence[_Opened]) -> tuple[list[str], int, str]:
    """Return the child's answers, the status that it ended with, and the last that it said if it failed."""
    wanted = [f"{item.descriptor}:{_inspect_child.FORMATS[item.type.mime]}" for item in pictures]
    command = [sys.executable, "-I", _inspect_child.__file__, str(_SECONDS), str(_MEMORY), *wanted]
    with subprocess.Popen(  # noqa: S603 - our own interpreter and script; the rest are numbers
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[item.descriptor for item in pictures],
        cwd="/",
        env={},
        text=True,
    ) as child:
        try:
            out, err = child.communicate(timeout=_SECONDS * len(pictures) + _GRACE)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
    lines = [line for line in out.splitlines(keepends=True) if line.endswith("\n")]
    return lines, child.returncode, (err.strip().splitlines() or ["it gave no reason"])[-1]
