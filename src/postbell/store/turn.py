"""One process at a time renews the login of an account."""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from postbell.durable import create_file


#: Seconds between two tries to get the turn.
_AGAIN_AFTER = 0.05


@asynccontextmanager
async def alone(data_dir: Path, account_id: int) -> AsyncIterator[None]:
    """Keep other processes from trading in the tokens of an account until the block ends.

    Who dies lets go of it. Where the file cannot be made, as on a full disk, nobody is kept.
    """
    path = data_dir / "renewal.lock"
    # `struct flock` of fcntl(2): the byte that stands for the account.
    one = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, account_id, 1, 0)
    try:
        create_file(path)
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        while True:
            try:
                fcntl.fcntl(fd, fcntl.F_OFD_SETLK, one)
                break
            except BlockingIOError:  # to wait in the kernel would be to wait with the whole loop
                await asyncio.sleep(_AGAIN_AFTER)
        yield
    finally:
        os.close(fd)
