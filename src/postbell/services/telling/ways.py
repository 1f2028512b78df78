"""The ways by which the user is told: a program of his own, or a service that Apprise knows."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr

from postbell.errors import NotTold
from postbell.services.telling import _apprise_child
from postbell.services.telling.message import Message
from postbell.settings import NotifySettings, environ_of_others


#: Seconds that what was killed may take to be gone.
_REAPING = 5.0
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
            code, complaint = await _run(self.words, said, self.timeout)
        except TimeoutError:
            raise NotTold(f"{self.words[0]} took longer than {self.timeout:g} s and was killed.") from None
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
    """A service that Apprise reaches, in a process of its own."""

    name: str
    url: SecretStr
    timeout: float

    async def tell(self, message: Message) -> None:
        """Send it; raises NotTold if the service does not take it."""
        self.check(thoroughly=False)
        await self._ask({"title": message.title, "body": message.body})

    def check(self, *, thoroughly: bool) -> None:
        """Raise NotTold if Apprise is not there; thoroughly: or makes nothing of the address."""
        if importlib.util.find_spec("apprise") is None:
            raise NotTold(_NO_APPRISE)
        if thoroughly:
            asyncio.run(self._ask({}))

    async def _ask(self, message: Mapping[str, str]) -> None:
        # The address is handed over where nobody else can read it: not as an argument.
        asked = json.dumps({"url": self.url.get_secret_value(), **message})
        # -P: the folder of the script is no place to import from.
        try:
            words = [sys.executable, "-P", _apprise_child.__file__]
            code, complaint = await _run(words, asked, self.timeout)
        except TimeoutError:
            raise NotTold(f"It did not take the message within {self.timeout:g} s.") from None
        if code:
            complaint = complaint if code == 1 else f"Apprise ended with {code}"
            raise NotTold(f"{complaint[:1].upper()}{complaint[1:]}.")


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
        scheme, found, _ = url.get_secret_value().partition("://")
        name = f"url {number} ({scheme[:20]})" if found and scheme.isalnum() else f"url {number}"
        ways.append(Url(name=name, url=url, timeout=settings.timeout_seconds))
    return ways


async def _run(words: Sequence[str], said: str, timeout: float) -> tuple[int, str]:  # noqa: ASYNC109 - part of what is told
    """Run a program with `said` on its standard input; return how it ended, and its last complaint.

    Raises NotTold if it cannot be run, TimeoutError if it takes longer than `timeout` (seconds). Whatever
    happens, nothing that it has started is left.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            env=environ_of_others(),
        )
    except (OSError, ValueError) as error:
        raise NotTold(f"{words[0]} cannot be run: {_reason(error)}.") from None
    try:
        async with asyncio.timeout(timeout):
            complaint = await _converse(process, said.encode("utf-8", "replace"))
            return await process.wait(), complaint
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(TimeoutError):  # who has left the group may keep the pipe open
            async with asyncio.timeout(_REAPING):
                await _rest(process)


async def _converse(process: asyncio.subprocess.Process, said: bytes) -> str:
    """Hand over what is said, and return the end of what it complains about, on one line."""
    assert process.stdin is not None, "it was started with a pipe"
    with suppress(ConnectionError):  # it need not read
        process.stdin.write(said)
        await process.stdin.drain()
    process.stdin.close()
    words = " ".join((await _rest(process)).decode("utf-8", "replace").split())
    return "".join(char if char.isprintable() else "?" for char in words).rstrip(".")[-300:]


async def _rest(process: asyncio.subprocess.Process) -> bytes:
    """Return the end of what is still to be read of its standard error."""
    assert process.stderr is not None, "it was started with a pipe"
    kept = b""
    while part := await process.stderr.read(4096):
        kept = (kept + part)[-_KEPT:]
    await process.wait()
    return kept


def _reason(error: Exception) -> str:
    return error.strerror or "" if isinstance(error, OSError) else "it is not valid text"
