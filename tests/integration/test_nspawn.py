"""The unit under a real systemd: boots a container, so it runs only when POSTBELL_NSPAWN=1 asks for it.

    POSTBELL_NSPAWN=1 .venv/bin/pytest -m nspawn

Needs root, debootstrap and systemd-container; the first run downloads a Debian and keeps it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from support.nspawn import Container, container


pytestmark = [
    pytest.mark.nspawn,
    pytest.mark.skipif(
        os.environ.get("POSTBELL_NSPAWN") != "1", reason="boots a container: POSTBELL_NSPAWN=1"
    ),
]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    with container(tmp_path_factory.mktemp("container")) as booted:
        booted.configure("")
        yield booted


@pytest.fixture(autouse=True)
def _fresh(system: Container) -> Iterator[None]:
    """Start every test with a running daemon and a count of restarts that stands at nought."""
    system.configure("")
    system.run("systemctl", "reset-failed", "postbell", check=False)
    system.run("systemctl", "restart", "postbell")
    yield
    system.run("systemctl", "stop", "postbell")


def test_the_daemon_says_when_it_is_ready(system: Container) -> None:
    assert system.shown("ActiveState", "SubState") == {"ActiveState": "active", "SubState": "running"}
    assert system.shown("StatusText")["StatusText"]


def test_what_was_installed_was_compiled(system: Container) -> None:
    folder = "/opt/postbell/lib/python3*/site-packages/postbell/__pycache__"
    assert system.run("sh", "-c", f"ls {folder}/daemon.*.pyc")


def test_a_killed_daemon_is_started_again(system: Container) -> None:
    system.run("systemctl", "kill", "--signal=KILL", "postbell")
    system.wait_for(NRestarts="1", ActiveState="active", Result="success")


def test_a_daemon_that_hangs_is_killed_and_started_again(system: Container) -> None:
    system.set_unit("WatchdogSec=2\nTimeoutAbortSec=2")
    system.run("systemctl", "restart", "postbell")
    system.run("systemctl", "kill", "--signal=STOP", "postbell")
    system.wait_for(NRestarts="1", ActiveState="active")
    assert "Watchdog timeout" in system.journal()
    system.set_unit("")


def test_a_stopped_daemon_ends_by_itself(system: Container) -> None:
    system.run("systemctl", "stop", "postbell")
    assert system.shown("ActiveState", "Result") == {"ActiveState": "inactive", "Result": "success"}


def test_a_daemon_with_a_wrong_configuration_stays_down_and_says_why(system: Container) -> None:
    system.configure("[htp]\n")
    system.run("systemctl", "restart", "postbell", check=False)
    wanted = system.wait_for(ActiveState="failed", NRestarts="0", ExecMainStatus="78")
    assert wanted
    assert "htp" in system.journal()


def test_what_the_daemon_logs_has_a_priority_in_the_journal(system: Container) -> None:
    entries = system.entries()
    assert entries
    assert {entry["PRIORITY"] for entry in entries} <= set("0123456")
    assert not [entry for entry in entries if str(entry["MESSAGE"]).startswith("<")]


def test_a_post_that_root_writes_is_published_by_the_daemon(system: Container) -> None:
    site = "/var/lib/postbell/site"
    system.run("mkdir", site)
    system.run("chown", "--reference=/var/lib/postbell/", site)
    _postbell(system, "account", "add", "folder", "--name", "site", "--set", f"path={site}")
    _postbell(system, "add", "Good morning", "--title", "Day", "--to", "site", "--now")
    system.wait_for_text("Good morning", site)


def test_a_database_that_root_restored_is_one_that_the_daemon_may_open(system: Container) -> None:
    system.run("systemctl", "stop", "postbell")
    _postbell(system, "db", "backup", "/root/copy.db")
    _postbell(system, "db", "restore", "/root/copy.db", "--yes")
    system.run("systemctl", "start", "postbell")
    system.wait_for(ActiveState="active", NRestarts="0")


def _postbell(system: Container, *words: str) -> str:
    """Run the command as root does beside the service."""
    places = ["--config", "/etc/postbell/config.toml", "--data-dir", "/var/lib/postbell"]
    return system.run("/opt/postbell/bin/postbell", *places, "--no-input", *words)
