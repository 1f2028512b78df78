"""The ways by which the user is told: a program of his own, or a service that Apprise knows."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr

from postbell.errors import NotTold
from postbell.services.message import Message
from postbell.settings import NotifySettings


#: So many bytes of what a program says on its standard error are kept: the last ones.
_KEPT = 2000
_NO_APPRISE = "Apprise is not installed. Install it beside Postbell: `pip install 'postbell[notify]'`."


class Way(Protocol):
    """One way of telling the user."""

    @property
    def name(self) -> str:
        """What people call it; holds no secret."""
        ...

    async def tell(self, message: Message) -> None:
        """Hand over a message; raises NotTold, which holds no secret, if it was not taken."""
        ...

    def check(self, *, thoroughly: bool) -> None:
        """Raise NotTold if it is known beforehand that it cannot take anything.

        Thoroughly means with everything loaded that it takes to know.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program that is given the message on its standard input. It is run without a shell.

    What it prints is not kept, but for the end of its standard error where it fails.
    """

    words: Sequence[str]
    json: bool
    #: Seconds; after that it is killed, with everything that it has started.
    timeout: float
    name: str = "command"

    async def tell(self, message: Message) -> None:
        """Run it; raises NotTold if it cannot be run, takes too long or does not end with 0."""
        said = f"{message.json}\n" if self.json else message.text
        try:
            process = await asyncio.create_subprocess_exec(
                *self.words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise NotTold(f"{self.words[0]} cannot be run: {_reason(error)}.") from None
        try:
            async with asyncio.timeout(self.timeout):
                complaint = await _converse(process, said.encode("utf-8", "replace"))
                code = await process.wait()
        except TimeoutError:
            raise NotTold(f"{self.words[0]} took longer than {self.timeout:g} s and was killed.") from None
        finally:
            # Also what it left behind in the background, and where the daemon is stopped meanwhile.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        if code:
            ended = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
            raise NotTold(f"{self.words[0]} {ended}{f': {complaint}' if complaint else ''}.")

    def check(self, *, thoroughly: bool) -> None:  # noqa: ARG002 - it is known at once
        """Raise NotTold if there is no such program."""
        if shutil.which(self.words[0]) is None:
            raise NotTold(
                f"There is no program {self.words[0]} that may be run; see `command` under [notify]."
            )


@dataclass(frozen=True, kw_only=True)
class Url:
    """A service that Apprise reaches."""

    name: str
    url: SecretStr
    timeout: float

    async def tell(self, message: Message) -> None:
        """Send it; raises NotTold if the service does not take it."""
        self._require()
        from postbell.services.apprise_way import send

        await send(self.url.get_secret_value(), message, timeout=self.timeout)

    def check(self, *, thoroughly: bool) -> None:
        """Raise NotTold if Apprise is not there; thoroughly: or makes nothing of the address."""
        self._require()
        if thoroughly:
            from postbell.services.apprise_way import understand

            understand(self.url.get_secret_value())

    def _require(self) -> None:
        if importlib.util.find_spec("apprise") is None:
            raise NotTold(_NO_APPRISE)


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A way that is configured in a way that cannot work: it fails until that is mended."""

    name: str
    reason: str

    async def tell(self, message: Message) -> None:  # noqa: ARG002 - a way is given a message
        """Raise NotTold."""
        self.check(thoroughly=False)

    def check(self, *, thoroughly: bool) -> None:  # noqa: ARG002 - it is known at once
        """Raise NotTold."""
        raise NotTold(self.reason)


def find_ways(settings: NotifySettings) -> list[Way]:
    """Return every way that is configured; what is wrong with one shows when it is used or checked."""
    ways: list[Way] = []
    if settings.command:
        as_json = settings.command_input == "json"
        ways.append(Command(words=settings.command, json=as_json, timeout=settings.timeout_seconds))
    urls = list(settings.urls)
    if settings.urls_file:
        try:
            lines = settings.urls_file.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = f"{settings.urls_file} cannot be read: {_reason(error)}. See `urls_file` under [notify]."
            ways.append(Broken(name="urls_file", reason=reason))
        else:
            stripped = (line.strip() for line in lines)
            urls += [SecretStr(line) for line in stripped if line and not line.startswith("#")]
    for number, url in enumerate(urls, 1):
        # The rest of an address may be a secret in any part of it.
        scheme = url.get_secret_value().partition("://")[0]
        name = f"url {number} ({scheme[:20]})" if scheme.isalnum() else f"url {number}"
        ways.append(Url(name=name, url=url, timeout=settings.timeout_seconds))
    return ways


async def _converse(process: asyncio.subprocess.Process, said: bytes) -> str:
    """Hand over what is said, and return the end of what it complains about, on one line."""
    assert process.stdin is not None, "it was started with a pipe"
    assert process.stderr is not None, "it was started with a pipe"
    with suppress(ConnectionError):  # it need not read
        process.stdin.write(said)
        await process.stdin.drain()
    process.stdin.close()
    kept = b""
    while part := await process.stderr.read(4096):
        kept = (kept + part)[-_KEPT:]
    words = " ".join(kept.decode("utf-8", "replace").split())
    return "".join(char if char.isprintable() else "?" for char in words).rstrip(".")[-300:]


def _reason(error: Exception) -> str:
    return error.strerror or "" if isinstance(error, OSError) else "it is not valid text"
