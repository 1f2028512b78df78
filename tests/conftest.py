"""What all tests share: no network but loopback, and the real servers.

Tests marked `real` need a server that nobody here wrote. Where it is not installed they are skipped, with the
command that installs it; where the environment has CI set, nothing of the kind is forgiven.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import structlog
from hypothesis import settings

from support import canaries, loopback, servers, specs, thrift
from support.mastodon_mock import mastodon_server
from support.pds import Pds, pds_server
from support.wordpress import WordPress, wordpress_server


T = TypeVar("T")

_REAL_SERVERS = ("pds", "wordpress", "mastodon", "ffmpeg", "unicode")
#: Names what is noted of tests against them.
_REAL = "real"
_ON_CI = bool(os.environ.get("CI"))

# A slow machine is not a wrong answer.
settings.register_profile("postbell", settings.default, deadline=None)
settings.load_profile("postbell")


# Before anything is collected: no import of a test module may reach out either.
loopback.guard()
loopback.guard_children()
# No daemon of a test takes the place at which the daemon of a user answers.
os.environ["POSTBELL_API__LISTEN"] = ""
# And every daemon says all that it has to say, for secrets to be looked for in that.
os.environ["POSTBELL_LOG__LEVEL"] = "debug"
thrift.share_statements()
thrift.print_plain_tracebacks()
canaries.watch()


@pytest.fixture(scope="session")
def pds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pds]:
    """The real Bluesky PDS; make an account of your own in each test."""
    yield from _served(pds_server, tmp_path_factory.mktemp("pds"))


@pytest.fixture(scope="session")
def wordpress(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WordPress]:
    """The real WordPress; use a title or slug of your own in each test."""
    yield from _served(wordpress_server, tmp_path_factory.mktemp("wordpress"))


@pytest.fixture(scope="session")
def mastodon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an imitation of Mastodon, with one account; its token is `mastodon_mock.TOKEN`."""
    yield from _served(mastodon_server, tmp_path_factory.mktemp("mastodon"))


@pytest.fixture(scope="session")
def ffmpeg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for PATH in which ffmpeg and ffprobe are, and nothing else."""
    yield from _served(servers.ffmpeg_folder, tmp_path_factory.mktemp("ffmpeg"))


@pytest.fixture(scope="session")
def unicode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file in which Unicode says what graphemes are parted where."""
    yield from _served(servers.graphemes_file, tmp_path_factory.mktemp("unicode"))


def _served(server: Callable[[Path], AbstractContextManager[T]], folder: Path) -> Iterator[T]:
    """Yield what a server is asked with; where it is not installed tests are skipped, and on CI they fail."""
    try:
        with server(folder) as running:
            yield running
    except servers.NotInstalled as error:
        if _ON_CI:
            pytest.fail(f"CI must run the tests against real servers: {error}", pytrace=False)
        pytest.skip(str(error))


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """Let no test decide where the others log: a daemon in the process of a test sets that up for good."""
    root, logged = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**logged)
    structlog.contextvars.clear_contextvars()


class _NothingLeftOut:
    """Fails a run on CI that left out a test against a real server, also where several processes share it."""

    def __init__(self) -> None:
        self.left_out: set[str] = set()
        self.passed: set[str] = set()

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.left_out |= {item.nodeid for item in items if item.get_closest_marker("real")}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties:
            if name == _REAL and report.skipped:
                self.left_out.add(report.nodeid)
            if name == _REAL and report.when == "call" and report.passed:
                self.passed |= set(str(value).split())

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.left_out |= set(node.workeroutput[_REAL])

    def _complaints(self) -> list[str]:
        unproven = [name for name in _REAL_SERVERS if name not in self.passed]
        return [
            *(f"{test} was left out" for test in sorted(self.left_out)),
            *(f"no test passed against {name}" for name in unproven),
        ]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workeroutput"):  # one of several: the first of them sees it whole
            session.config.workeroutput[_REAL] = sorted(self.left_out)
        elif self._complaints() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for complaint in self._complaints():
            terminalreporter.write_line(f"CI: {complaint}", red=True)


class _NotHeld:
    """Ends a run with how many of its tests were skipped because their official file is not there."""

    def __init__(self) -> None:
        self.tests: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and isinstance(report.longrepr, tuple) and specs.ABSENT in report.longrepr[2]:
            self.tests.add(report.nodeid)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.tests:
            told = f"{len(self.tests)} tests were not held against an official file: it is not there (-rs)"
            terminalreporter.write_line(told, yellow=True)


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("real"):
            used = [name for name in _REAL_SERVERS if name in getattr(item, "fixturenames", ())]
            item.user_properties.append((_REAL, " ".join(used)))


def pytest_collection_finish() -> None:
    thrift.freeze()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(canaries.Canaries(), "canaries")
    config.pluginmanager.register(_NotHeld(), "not-held")
    if _ON_CI:
        config.pluginmanager.register(_NothingLeftOut(), "nothing-left-out")
