"""Pictures as a network takes them: upright, small enough, of a type that it knows, without notes.

The stored file stays as it is. What was made of it lies beside it, by the rule that it was made by, so that
every try publishes the same bytes: `HASH.RULE.HASH OF THESE BYTES.800x600.jpg`, or an empty `HASH.RULE.same`
where the picture fits as it is.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import IO, BinaryIO

from postbell.domain.limits import MediaLimit
from postbell.domain.media import SUFFIXES, Media, MediaKind, kind_of
from postbell.errors import PostbellError
from postbell.services.media.deaths import told_death
from postbell.services.media.file_types import refuse


#: To be raised when other bytes are made of a picture than before.
_VERSION = 1
#: Seconds in which a picture must have been made to fit, and how much later it is ended from outside.
_SECONDS = 60
_GRACE = 5
#: Address space of the process that does it.
_MEMORY = 1 << 30
_CHILD = ("-c", "import sys; from postbell.services.media._fit_child import main; main(sys.argv[1:])")
_SAME = "same"
_MIMES = {suffix: mime for mime, suffix in SUFFIXES.items()}


def stem_of(item: Media, limit: MediaLimit) -> str:
    """Return what the name of the file begins with that a picture becomes under a limit."""
    rule = [_VERSION, sorted(limit.types.items()), limit.pixels, limit.side]
    return f"{item.path.stem}.{hashlib.sha256(json.dumps(rule).encode()).hexdigest()[:12]}."


def name_of(made: dict[str, str | int], sha256: str) -> str:
    """Return what that name ends in, by what the process has answered and the hash of its bytes."""
    if not made:
        return _SAME
    return f"{sha256}.{made['width']}x{made['height']}{SUFFIXES[str(made['mime'])]}"


def known(item: Media, limit: MediaLimit) -> Media | None:
    """Return what a picture became under a limit before; None if that is not there."""
    stem = stem_of(item, limit)
    for path in item.path.parent.glob(f"{stem}*"):
        rest = path.name.removeprefix(stem)
        if rest == _SAME:
            return item
        sha256, size, _ = rest.split(".")
        width, height = map(int, size.split("x"))
        facts = replace(item, sha256=sha256, mime=_MIMES[path.suffix], size=path.stat().st_size, path=path)
        return replace(facts, width=width, height=height)
    return None


def expected(item: Media, limit: MediaLimit) -> Media:
    """Return what a picture will become at most, if it can be made to fit at all; it lies where it did."""
    from postbell.services.media._fit_child import Job  # most often it is known

    mime = item.mime if item.mime in limit.types else next(filter(_is_picture, limit.types), item.mime)
    size = min(item.size, limit.types.get(mime, item.size))
    found = replace(item, mime=mime, size=size)
    if not (item.width and item.height):
        return found
    job = Job(mime=item.mime, types=limit.types, pixels=limit.pixels, side=limit.side)
    scale = job.scale(item.width, item.height)
    return replace(found, width=max(1, int(item.width * scale)), height=max(1, int(item.height * scale)))


def _is_picture(mime: str) -> bool:
    return kind_of(mime) is MediaKind.IMAGE


@contextmanager
def made_to_fit(
    file: BinaryIO, item: Media, limit: MediaLimit
) -> Iterator[tuple[dict[str, str | int], IO[bytes]]]:
    """Let another process make an open picture fit; yield what it answers, and the bytes that it makes.

    The bytes are good only when the block is left without an error. Raises Invalid for a picture that cannot
    be made to fit, and PostbellError if that can be done with none on this machine.
    """
    job = {"mime": item.mime, "types": dict(limit.types), "pixels": limit.pixels, "side": limit.side}
    command = [sys.executable, "-I", *_CHILD, str(_SECONDS), str(_MEMORY), json.dumps(job)]
    pipe = subprocess.PIPE
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command, stdin=file, stdout=pipe, stderr=pipe, cwd="/", env={}
    ) as child:
        assert child.stdout, "it is a pipe"
        assert child.stderr, "it is a pipe"
        watch = threading.Timer(_SECONDS + _GRACE, child.kill)
        watch.start()
        try:
            line = child.stdout.readline()
            answer = json.loads(line) if line.endswith(b"\n") else {}  # it died; that is told below
            if "problem" in answer:
                raise refuse(item.name, answer["problem"])
            yield answer, child.stdout
            said = child.stderr.read().decode(errors="replace").strip().splitlines()
            status = child.wait()
        finally:
            child.kill()
            watch.cancel()
    if status > 0:
        raise PostbellError(f"Pictures cannot be made to fit on this machine: {(said or ['no reason'])[-1]}")
    if status < 0:
        told = told_death(-status, _SECONDS, to="make it fit", program="makes pictures fit")
        raise refuse(item.name, told)
