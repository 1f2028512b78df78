"""The small file that tells whether the database has gone back in time."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from postbell.store import mark
from postbell.store.mark import Mark, MarkFile, machine_name, read_file
from support.world import START, open_store


@pytest.fixture
def file(tmp_path: Path) -> MarkFile:
    return MarkFile(tmp_path / "postbell.mark", "here")


def test_it_says_how_many_claims_there_were_where_and_when(file: MarkFile) -> None:
    file.keep(41, START)
    file.keep(42, START + timedelta(seconds=1))
    assert read_file(file.path) == Mark(claims=42, machine="here", at=START + timedelta(seconds=1))


def test_only_its_owner_can_read_it(file: MarkFile) -> None:
    file.keep(1, START)
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_it_has_one_length_whatever_it_says(file: MarkFile) -> None:
    file.keep(1, START)
    first = file.path.stat().st_size
    file.keep(10**12, START.replace(microsecond=123456))
    assert file.path.stat().st_size == first < os.sysconf("SC_PAGESIZE")


def test_without_claims_it_is_written_every_quarter_of_an_hour(file: MarkFile) -> None:
    file.keep(5, START)
    for minutes, said in ((14, 0), (15, 15), (29, 15), (30, 30)):
        file.keep(None, START + timedelta(minutes=minutes))
        assert read_file(file.path) == Mark(claims=5, machine="here", at=START + timedelta(minutes=said))


def test_a_clock_that_goes_back_is_written_down(file: MarkFile) -> None:
    file.keep(5, START)
    file.keep(None, START - timedelta(hours=2))
    assert read_file(file.path) == Mark(claims=5, machine="here", at=START - timedelta(hours=2))


def test_who_does_not_know_how_many_claims_there_were_writes_nothing(file: MarkFile) -> None:
    file.keep(None, START)
    file.close(START)
    assert not file.path.exists()


def test_what_could_not_be_written_is_written_the_next_time(
    file: MarkFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.keep(5, START)
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="full"):
            file.keep(6, START)
    file.keep(None, START)
    assert read_file(file.path) == Mark(claims=6, machine="here", at=START)


def full(*_: object) -> int:
    raise OSError(28, "the disk is full")


def test_closing_says_until_when_somebody_was_there(file: MarkFile) -> None:
    file.keep(5, START)
    file.close(START + timedelta(seconds=9))
    file.close(START + timedelta(seconds=99))
    assert read_file(file.path) == Mark(claims=5, machine="here", at=START + timedelta(seconds=9))


@pytest.mark.parametrize(
    "said", ["", "[]", "nonsense", '{"claims": 1}', '{"claims": "x", "machine": null, "at": "2026-01-01"}']
)
def test_what_nobody_can_read_is_none(tmp_path: Path, said: str) -> None:
    path = tmp_path / "postbell.mark"
    assert read_file(path) is None
    path.write_text(said)
    assert read_file(path) is None


def test_a_machine_has_a_name_that_is_not_its_id(tmp_path: Path) -> None:
    path = tmp_path / "machine-id"
    assert machine_name(path) is None
    path.write_text("\n")
    assert machine_name(path) is None
    path.write_text("0123456789abcdef0123456789abcdef\n")
    name = machine_name(path)
    assert name is not None
    assert name not in path.read_text()
    assert name == machine_name(path)


def test_the_database_counts_what_claims(tmp_path: Path) -> None:
    with open_store(tmp_path) as store, store.write() as tx:
        assert mark.read_mark(tx) == Mark(claims=0, machine=None)
        assert [mark.raise_claims(tx) for _ in range(3)] == [1, 2, 3]
        mark.set_mark(tx, 9, "here")
        assert mark.read_mark(tx) == Mark(claims=9, machine="here")
