from __future__ import annotations

import socket
from pathlib import Path

import pytest

from postbell.app import local_zone
from postbell.sd_notify import Notifier


def test_the_zone_of_the_machine_is_read_from_its_link(tmp_path: Path) -> None:
    zones = tmp_path / "zoneinfo/Europe"
    zones.mkdir(parents=True)
    (zones / "Berlin").touch()
    (tmp_path / "localtime").symlink_to(zones / "Berlin")
    assert local_zone(tmp_path / "localtime", tmp_path / "none").key == "Europe/Berlin"


def test_the_zone_of_the_machine_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "timezone").write_text("Asia/Tokyo\n")
    assert local_zone(tmp_path / "none", tmp_path / "timezone").key == "Asia/Tokyo"


@pytest.mark.parametrize("name", ["", "Nowhere/At all", "/etc", "\xe9"])
def test_a_machine_that_does_not_say_has_utc(tmp_path: Path, name: str) -> None:
    (tmp_path / "timezone").write_text(name, "latin-1")
    assert local_zone(tmp_path / "none", tmp_path / "timezone").key == "UTC"


@pytest.mark.parametrize("prefix", ["", "@"])
def test_systemd_is_told_at_a_path_and_at_an_abstract_name(tmp_path: Path, prefix: str) -> None:
    address = f"{prefix}{tmp_path}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(address.replace("@", "\0"))
        Notifier(address).tell(READY="1", STATUS="Nothing is scheduled")
        assert told.recv(100) == b"READY=1\nSTATUS=Nothing is scheduled"


def test_nothing_is_told_where_nobody_listens() -> None:
    Notifier(None).tell(READY="1")
