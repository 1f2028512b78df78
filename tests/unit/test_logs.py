from __future__ import annotations

import errno
import io
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from postbell import logs
from postbell.settings import Surroundings


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def written(
    say: Callable[[], object],
    *,
    style: str = "json",
    level: str = "info",
    stream: io.StringIO | None = None,
    **surroundings: Any,
) -> str:
    """Return what is written down when `say` is called."""
    out = stream or io.StringIO()
    logs.set_up(level=level, style=style, surroundings=Surroundings(**surroundings), stream=out)
    say()
    return out.getvalue()


def fail() -> None:
    app_password = "hunter-2"
    header = f"Bearer {app_password}"
    try:
        int(str(len(header)) + " characters")
    except ValueError:
        structlog.get_logger().exception("network_broke", network="fake")


# The form of a line.


def test_elsewhere_than_on_a_terminal_a_line_is_json_with_its_time() -> None:
    line = json.loads(
        written(lambda: structlog.get_logger().info("delivery_published", post="p1"), style="auto")
    )
    assert {key: line[key] for key in ("event", "level", "post")} == {
        "event": "delivery_published",
        "level": "info",
        "post": "p1",
    }
    assert line["timestamp"].endswith("Z")


def test_on_a_terminal_a_line_is_for_people() -> None:
    said = written(lambda: structlog.get_logger().info("ready", post="p1"), style="auto", stream=Terminal())
    assert "\x1b[" in said
    with pytest.raises(json.JSONDecodeError):
        json.loads(said)


def test_colours_can_be_unwanted() -> None:
    said = written(
        lambda: structlog.get_logger().info("ready"), style="auto", stream=Terminal(), no_color=True
    )
    assert "\x1b[" not in said
    assert "ready" in said


def test_the_console_can_be_asked_for() -> None:
    said = written(lambda: structlog.get_logger().info("ready", post="p1"), style="console")
    assert "ready" in said
    assert "post=p1" in said


@pytest.mark.parametrize(
    ("level", "priority"),
    [("debug", 7), ("info", 6), ("warning", 4), ("error", 3), ("critical", 2)],
)
def test_under_the_journal_a_line_begins_with_its_priority(level: str, priority: int) -> None:
    said = written(
        lambda: getattr(structlog.get_logger(), level)("something"), level="debug", style="auto", journal=True
    )
    assert said.startswith(f"<{priority}>{{")
    assert json.loads(said[3:])["level"] == level
    assert said.count("\n") == 1


def test_a_line_that_cannot_be_written_stops_nothing() -> None:
    class Full(io.StringIO):
        def write(self, _said: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    assert written(lambda: structlog.get_logger().info("ready"), stream=Full()) == ""


def test_a_library_has_its_priority_under_the_journal_too() -> None:
    said = written(lambda: logging.getLogger("some.library").error("broken: %s", "pipe"), journal=True)
    assert said.startswith("<3>")
    assert json.loads(said[3:])["event"] == "broken: pipe"


def test_an_exception_is_one_line_of_json_with_its_traceback() -> None:
    said = written(fail, journal=True)
    assert said.count("\n") == 1
    assert "ValueError: invalid literal" in json.loads(said[3:])["exception"]


def test_what_is_bound_once_is_in_every_line() -> None:
    def say() -> None:
        with structlog.contextvars.bound_contextvars(account="ann"):
            logging.getLogger("some.library").warning("slow")

    assert json.loads(written(say))["account"] == "ann"


# What is not written.


def test_what_is_less_than_the_level_is_left_out() -> None:
    def say() -> None:
        structlog.get_logger().info("ready")
        logging.getLogger("some.library").info("loaded")

    assert written(say, level="warning") == ""


@pytest.mark.parametrize("name", ["httpx", "httpcore", "apscheduler.scheduler", "alembic.runtime", "asyncio"])
@pytest.mark.parametrize("level", ["debug", "info"])
def test_libraries_that_write_whole_addresses_are_silenced(name: str, level: str) -> None:
    address = "HTTP Request: GET https://api.example/me?access_token=hunter-2"
    assert written(lambda: logging.getLogger(name).info(address), level=level) == ""
    assert "slow" in written(lambda: logging.getLogger(name).warning("slow"), level=level)


def test_they_are_not_made_louder_than_everything_else() -> None:
    assert written(lambda: logging.getLogger("httpx").warning("slow"), level="error") == ""


@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize(
    "values",
    [
        {"app_password": "hunter-2"},
        {"AccessJwt": "hunter-2"},
        {"headers": {"Authorization": "Basic hunter-2", "Accept": "text/html"}},
        {"accounts": [{"name": "ann", "credentials": {"any": "hunter-2"}}]},
        {"tokens": ["hunter-2"]},
        {"request": ({"client_secret": "hunter-2"},)},
    ],
    ids=str,
)
def test_a_secret_is_never_written_however_deep_it_lies(style: str, values: dict[str, Any]) -> None:
    said = written(lambda: structlog.get_logger().info("checked", **values), style=style)
    assert "hunter-2" not in said
    assert "***" in said


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_traceback_does_not_show_what_variables_hold(style: str) -> None:
    said = written(fail, style=style)
    assert "ValueError" in said
    assert "hunter-2" not in said.replace('app_password = "hunter-2"', "")


def test_what_is_no_secret_stays_as_it_was() -> None:
    values = {"network": "fake", "tries": 3, "sizes": [1, 2], "nested": {"url": None}}
    line = json.loads(written(lambda: structlog.get_logger().info("checked", **values)))
    assert {key: line[key] for key in values} == values
