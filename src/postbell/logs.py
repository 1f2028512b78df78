"""What the daemon writes down while it works: structlog for people, or JSON for the journal."""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from typing import Any, TextIO

import structlog

from postbell.settings import Surroundings


#: Names under which a value is never written.
_SECRET = ("password", "secret", "token", "jwt", "authorization", "credential", "api_key")

#: The priorities of syslog, which the journal reads off `<n>` at the beginning of a line (sd-daemon(3)).
_PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}

#: Libraries that write whole addresses, tokens included, or of themselves, at INFO.
_TOO_TALKATIVE = ("httpx", "httpcore", "apscheduler", "alembic", "asyncio", "uvicorn")

Event = MutableMapping[str, Any]


def set_up(*, level: str, style: str, surroundings: Surroundings, stream: TextIO | None = None) -> None:
    """Send every log line, of libraries too, through the same steps to one place.

    `style` is auto, console or json; auto means console on a terminal and JSON elsewhere. Under the journal
    every line begins with its priority.
    """
    out = stream or sys.stderr
    console = style == "console" or (style == "auto" and out.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    ends: tuple[structlog.typing.Processor, ...]
    if console:
        colors = out.isatty() and not surroundings.no_color
        # The other formatter shows what the local variables hold: tokens and passwords.
        plain = structlog.dev.plain_traceback
        ends = (structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain),)
    else:
        ends = (structlog.processors.format_exc_info, structlog.processors.JSONRenderer())
        if surroundings.journal:
            ends = (_Journal(ends),)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ends],
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    least: int = logging.getLevelNamesMapping()[level.upper()]
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(least)
    for name in _TOO_TALKATIVE:
        logging.getLogger(name).setLevel(max(least, logging.WARNING))
    structlog.configure(
        processors=[*shared, *ends],
        logger_factory=lambda *_names: _Lines(out),
        wrapper_class=structlog.make_filtering_bound_logger(least),
        cache_logger_on_first_use=False,
    )


@contextmanager
def only_errors() -> Iterator[None]:
    """Leave out what is no error until the block ends: what is only tried out did not happen."""
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)


def hide_secrets(_logger: object, _method: str, event: Event) -> Event:
    """Replace every value whose name sounds like a secret, however deep it lies."""
    for key, value in event.items():
        event[key] = _hidden(key, value)
    return event


@functools.lru_cache(maxsize=1000)
def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET)


def _hidden(name: str, value: Any) -> Any:
    if _is_secret(name):
        return "***"
    if isinstance(value, str):  # as nearly all are
        return value
    if isinstance(value, Mapping):
        return {key: _hidden(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(name, inner) for inner in value]
    return value


class _Lines:
    """Writes our own lines, without the detour through `logging`: there may be one for each post."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, line: str) -> None:
        """Write a line. Where that cannot be done, nothing else shall stop because of it."""
        with suppress(OSError, ValueError):  # a full disk, a reader that has gone; a closed file
            self._out.write(line + "\n")
            self._out.flush()

    debug = info = warning = error = critical = write


class _Journal:
    """Renders with the given processors and puts the priority before the line."""

    def __init__(self, processors: tuple[structlog.typing.Processor, ...]) -> None:
        self._processors = processors

    def __call__(self, logger: Any, method: str, event: Event) -> str:
        priority = _PRIORITY.get(str(event.get("level")), 6)
        rendered: Any = event
        for process in self._processors:
            rendered = process(logger, method, rendered)
        return f"<{priority}>{rendered}"
