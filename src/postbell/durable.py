"""Files and folders that are there as they should be, also after a power cut."""

from __future__ import annotations

import os
from pathlib import Path


def create_file(path: Path) -> None:
    """Create an empty file that only its owner can read, if there is none; SQLite's side files follow it."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    give(path)


def give(path: Path) -> None:
    """Give what root has made to the owner of the folder, as whom the daemon may run."""
    folder = path.parent.stat()
    if os.geteuid() == 0 and folder.st_uid != 0:
        os.chown(path, folder.st_uid, folder.st_gid)


def make_durable(path: Path) -> None:
    """Make a file, or the names in a folder, outlast a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
