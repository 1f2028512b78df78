"""The process in which Apprise sends a message: it needs half a second and 40 MB, and may hang.

It is started as a script and imports nothing of Postbell. On standard input it is given one line of JSON,
`{"url", "title", "body"}`; without a title it only looks whether Apprise understands the address. What it
answers on standard error is why the message was not taken, in one line; nothing if it was. What Apprise logs
names addresses, and any part of one may be a secret: none gets into the answer.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import warnings
from typing import Any
from urllib.parse import unquote


NOT_UNDERSTOOD = "Apprise does not understand this address; see `urls` under [notify]"
#: What Apprise and the libraries below it write down.
_LOGGERS = ("apprise", "requests", "urllib3", "paho")
#: Parts of an address that are shorter are not looked for: a dot or a digit is everywhere.
_LEAST_HIDDEN = 3
_LONGEST = 300


class Heard(logging.Handler):
    """Keeps what is logged as a warning, and lets nothing through to other handlers."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        for name in _LOGGERS:
            logging.getLogger(name).propagate = False
            logging.getLogger(name).handlers = [self]

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self.lines.append(record.getMessage())


def send(url: str, title: str | None, body: str) -> str | None:
    """Send a message and return why it was not taken; None if it was, or if there is no title to send."""
    heard = Heard()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            plugin = _plugin(url)
            if plugin is None:
                return NOT_UNDERSTOOD
            if title is None or plugin.notify(title=title, body=body):
                return None
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises, it did not send
            heard.lines.append(type(error).__name__)
    said = without_parts(" ".join(heard.lines), url)
    return f"it did not take the message{f': {said}' if said else ''}"


def without_parts(text: str, url: str) -> str:
    """Return a text, on one line, without any part of an address but its scheme."""
    rest = url.partition("://")[2]
    parts = {*re.split(r"[/:@?&=,;+#]+", rest), rest}
    parts |= {unquote(part) for part in parts}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _LEAST_HIDDEN:
            text = re.sub(re.escape(part), "***", text, flags=re.IGNORECASE)
    return " ".join(text.split()).rstrip(".")[:_LONGEST]


def _plugin(url: str) -> Any:
    import apprise

    asset = apprise.AppriseAsset(app_id="Postbell", app_desc="Postbell", app_url="")
    plugin = apprise.Apprise.instantiate(url, asset=asset)
    if plugin is not None and "overflow=" not in url:
        # A service would refuse what is too long. The most pressing comes first.
        plugin.overflow_mode = apprise.OverflowMode.TRUNCATE
    return plugin


def main() -> None:
    """Do what standard input asks for."""
    wanted = json.load(sys.stdin)
    if failure := send(wanted["url"], wanted.get("title"), wanted.get("body", "")):
        sys.exit(failure)


if __name__ == "__main__":
    main()
