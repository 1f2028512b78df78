"""Disks that are soon full, and files that are not sound."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


def needs_root(why: str) -> None:
    """Skip the test that runs where the user is not root, and fail it where the environment has CI set."""
    if os.geteuid() != 0:
        _leave_out(why)


@contextmanager
def small_disk(folder: Path, *, kilobytes: int, files: int = 1000) -> Iterator[Path]:
    """Mount a file system with room for so much on a folder until the block ends; only root can.

    Without root the test is skipped, and fails where the environment has CI set.
    """
    folder.mkdir()
    options = f"size={kilobytes}k,nr_inodes={files + 1},mode=700"  # the folder itself is one
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        _leave_out("only root can mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _leave_out(why: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"CI must run this test as root: {why}", pytrace=False)
    pytest.skip(why)


def fill(folder: Path) -> Path:
    """Leave no byte free; return the file to delete for room again."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return filler


def names(folder: Path) -> list[str]:
    """Return what lies in a folder, save SQLite's index of a log, which it makes anew at any time."""
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith("-shm"))


def flip(path: Path, offsets: range) -> None:
    """Spoil a file at these places."""
    with path.open("r+b") as file:
        for offset in offsets:
            file.seek(offset)
            file.write(b"\xa5")
