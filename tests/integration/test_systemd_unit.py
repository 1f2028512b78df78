from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from postbell.settings import DaemonSettings


_UNIT = Path(__file__).parents[2] / "systemd" / "postbell.service"
_PROGRAM = "/opt/postbell/bin/postbell"

#: What the unit may expose at most, in tenths, on systemd's own scale from 0 (nothing) to 100.
_THRESHOLD = 15


@pytest.fixture(autouse=True, scope="module")
def _tool() -> None:
    if shutil.which("systemd-analyze"):
        return
    if os.environ.get("CI"):
        pytest.fail("systemd-analyze is missing: install the package systemd")
    pytest.skip("systemd-analyze is missing: this needs the package systemd")


def _copy(folder: Path, text: str) -> Path:
    """Write a unit whose program exists here, because a missing program is a complaint of its own."""
    path = folder / _UNIT.name
    path.write_text(text.replace(_PROGRAM, sys.executable))
    return path


def _complaints(unit: Path) -> str:
    # The exit code is 0 for unknown keys too; what is wrong is told on stderr alone.
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    return done.stderr


def _is_hardened(unit: Path) -> bool:
    command: list[str | Path] = ["systemd-analyze", "security", "--offline=true", "--no-pager", unit]
    command.append(f"--threshold={_THRESHOLD}")
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_systemd_has_nothing_to_say_against_the_unit(tmp_path: Path) -> None:
    assert _complaints(_copy(tmp_path, _UNIT.read_text())) == ""


def test_systemd_would_name_an_unknown_key(tmp_path: Path) -> None:
    unit = _copy(tmp_path, _UNIT.read_text().replace("WatchdogSec=", "WatchDogSeconds="))
    assert "WatchDogSeconds" in _complaints(unit)


def test_the_unit_exposes_no_more_than_a_network_daemon_must(tmp_path: Path) -> None:
    assert _is_hardened(_copy(tmp_path, _UNIT.read_text()))


@pytest.mark.parametrize("line", ["SystemCallFilter=@system-service\n", "CapabilityBoundingSet=\n"])
def test_a_unit_that_lost_one_line_of_its_armour_is_noticed(tmp_path: Path, line: str) -> None:
    text = _UNIT.read_text()
    assert line in text
    assert not _is_hardened(_copy(tmp_path, text.replace(line, "")))


def test_what_is_being_sent_when_the_service_stops_has_the_time_to_end() -> None:
    found = re.search(r"^TimeoutStopSec=(\d+)s$", _UNIT.read_text(), re.MULTILINE)
    assert found
    assert int(found[1]) >= DaemonSettings().drain_seconds + 10  # closing takes some time as well


@pytest.mark.parametrize("line", ["LoadCredential=secrets.key:", "LoadCredentialEncrypted=secrets.key:"])
def test_the_key_of_encrypted_secrets_is_handed_over_by_taking_away_one_character(
    tmp_path: Path, line: str
) -> None:
    text = _UNIT.read_text()
    assert f"\n#{line}" in text
    unit = _copy(tmp_path, text.replace(f"\n#{line}", f"\n{line}"))
    assert _complaints(unit) == ""
    assert _is_hardened(unit)
