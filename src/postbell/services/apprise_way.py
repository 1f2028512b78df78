"""Telling by Apprise, which is loaded only here and only where it is used.

It is synchronous, so each message is sent in a thread. What it says in its log names addresses, tokens
included, so nothing of that reaches ours: its warnings are kept for the reason of a failure, without any part
of the address.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from typing import Any, Self
from urllib.parse import unquote

import apprise

from postbell.errors import NotTold
from postbell.services.message import Message


#: What Apprise and the libraries below it write down may hold secrets.
_LOGGERS = ("apprise", "requests", "urllib3", "paho")
#: Parts of an address that are shorter are not looked for: a dot or a digit is everywhere.
_LEAST_HIDDEN = 3


async def send(url: str, message: Message, *, timeout: float) -> None:  # noqa: ASYNC109 - the thread outlives it
    """Send a message; raises NotTold, which holds no part of the address, if it was not taken.

    A service that takes longer than `timeout` (seconds) counts as one that does not take it. The thread then
    ends by itself; it keeps nobody from ending.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[str | None] = loop.create_future()

    def end(failure: str | None) -> None:
        if not done.done():
            done.set_result(failure)

    def run() -> None:
        failure = _send(url, message)
        try:
            loop.call_soon_threadsafe(end, failure)
        except RuntimeError:  # nobody waits any more: the loop is closed
            return

    threading.Thread(target=run, name="notify", daemon=True).start()
    try:
        async with asyncio.timeout(timeout):
            failure = await done
    except TimeoutError:
        raise NotTold(f"It did not take the message within {timeout:g} s.") from None
    if failure:
        raise NotTold(failure)


def understand(url: str) -> None:
    """Raise NotTold if Apprise makes nothing of an address."""
    with _Heard():
        if _plugin(url) is None:
            raise NotTold(_NOT_UNDERSTOOD)


_NOT_UNDERSTOOD = "Apprise does not understand this address; see `urls` under [notify]."


def _plugin(url: str) -> Any:
    asset = apprise.AppriseAsset(app_id="Postbell", app_desc="Postbell", app_url="")
    plugin = apprise.Apprise.instantiate(url, asset=asset)
    if plugin is not None and "overflow=" not in url:
        # A service would refuse what is too long. The most pressing comes first.
        plugin.overflow_mode = apprise.OverflowMode.TRUNCATE
    return plugin


def _send(url: str, message: Message) -> str | None:
    """Return why a message was not taken; None if it was."""
    with _Heard() as heard:
        try:
            plugin = _plugin(url)
            if plugin is None:
                return _NOT_UNDERSTOOD
            if plugin.notify(title=message.title, body=message.body):
                return None
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises, others must be told
            heard.lines.append(type(error).__name__)
    said = without_parts(" ".join(heard.lines), url)
    return f"It did not take the message{f': {said}' if said else ''}."


def without_parts(text: str, url: str) -> str:
    """Return a text, on one line, without any part of an address but its scheme."""
    rest = url.partition("://")[2]
    parts = {*re.split(r"[/:@?&=,;+#]+", rest), rest, unquote(rest)}
    parts |= {unquote(part) for part in parts}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _LEAST_HIDDEN:
            text = re.sub(re.escape(part), "***", text, flags=re.IGNORECASE)
    return " ".join(text.split()).rstrip(".")[:300]


class _Heard(logging.Handler):
    """Keeps what is logged as a warning while it is entered, and lets nothing through to other handlers."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        # Another message may be on its way at the same time, and its address is another secret.
        if record.thread == self._thread:
            self.lines.append(record.getMessage())

    def __enter__(self) -> Self:
        for name in _LOGGERS:
            logging.getLogger(name).propagate = False
            logging.getLogger(name).addHandler(self)
        return self

    def __exit__(self, *_how: object) -> None:
        for name in _LOGGERS:
            logging.getLogger(name).removeHandler(self)
            # Where it has no handler at all, Python prints it.
            logging.getLogger(name).addHandler(_NOWHERE)


_NOWHERE = logging.NullHandler()
