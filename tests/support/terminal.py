"""A terminal with somebody at it."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

from support.command import Command


POSTBELL = Path(sysconfig.get_path("scripts")) / "postbell"


class Terminal:
    """What a person sees and types."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.seen = ""

    def expect(self, words: str) -> None:
        """Read until these words appear."""
        while words not in self.seen:
            assert self._read(), f"{words!r} did not appear: {self.seen}"

    def type(self, words: str) -> None:
        """Type a line."""
        os.write(self._descriptor, f"{words}\n".encode())

    def read_all(self) -> None:
        """Read until the program has ended."""
        while self._read():
            pass

    def _read(self) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], 30)
        assert ready, f"nothing more appeared: {self.seen}"
        data = b""
        with suppress(OSError):  # Linux says EIO where nobody has the other end open any more
            data = os.read(self._descriptor, 4096)
        self.seen += data.decode().replace("\r\n", "\n")
        return bool(data)


@contextmanager
def at_terminal(
    cli: Command,
    *words: str,
    code: int = 0,
    env: Mapping[str, str] = MappingProxyType({}),
    program: Sequence[str] = (str(POSTBELL),),
) -> Iterator[Terminal]:
    """Run a command at a terminal of its own and hold that it ends with this code."""
    ours, theirs = pty.openpty()
    # util-linux: a program that tests with threads can start, unlike one that is prepared in a fork.
    command = [
        "setsid",
        "--ctty",
        "--wait",
        *program,
        "--data-dir",
        str(cli.data),
        "--config",
        str(cli.config),
        *words,
    ]
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    with subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environment, "TERM": "xterm", **env},
    ) as running:
        os.close(theirs)
        terminal = Terminal(ours)
        try:
            yield terminal
            terminal.read_all()
        finally:
            os.close(ours)
        assert running.wait() == code, terminal.seen
