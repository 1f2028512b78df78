"""Files that others read while we write them: each is there whole and durable, or not at all."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from postbell.durable import make_durable


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to that takes the place of `path` at the end, whole and durable, or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as target:
            # For everybody to read: a daemon's umask is for its own files.
            os.fchmod(target.fileno(), 0o644)
            yield target
            target.flush()
            os.fsync(target.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    make_durable(path.parent)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep others out who lock the same file. The system lets go when the holder dies."""
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
