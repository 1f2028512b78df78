"""Every class of failures has a module of tests, and a row in the README that says what one sees."""

from __future__ import annotations

from pathlib import Path

import pytest


ROOT = Path(__file__).parents[2]

#: By class: how its row in the README's table begins.
ROWS = {
    "backup": "a backup fails",
    "clock_jumps": "the clock is set by more than an hour, or the daemon was away for so long",
    "corrupted_database": "the database is damaged",
    "database_locked": "the database is locked by another program",
    "disk_full": "the disk is full",
    "dst_gap_overlap": "the clocks change",
    "duplicate_firing": "two daemons are started",
    "forgotten_commands": "the database has forgotten what commands did",
    "long_write_transactions": "thousands of posts are overdue at once",
    "lost_on_crash": "the daemon or the machine dies in the middle",
    "migration_killed": "an upgrade is killed half-way",
    "misfire_coalesce": "the daemon did not run at the time",
    "neighbours": "a network asks to wait",
    "poison_post": "a post makes Postbell crash",
    "power_loss": "the power fails",
    "restored_backup": "the database is an old copy",
    "retry_storm": "everything is down for a long time",
    "suspended": "the machine sleeps",
    "thundering_herd": "much is late after an outage",
    "timeout_after_accept": "the answer of a network is lost",
    "token_expiry": "a login ends",
    "wal_growth": "a program reads the database for long",
}


def _rows() -> dict[str, str]:
    """Return the README's table: what happens, and what one sees."""
    _, _, rest = (ROOT / "README.md").read_text("utf-8").partition("\n## What happens when\n")
    lines = [line for line in rest.partition("\n## ")[0].splitlines() if line.startswith("| ")]
    return {when.strip(): seen.strip() for _, when, seen, _ in (line.split("|") for line in lines)}


def test_every_class_has_a_module() -> None:
    modules = {path.stem.removeprefix("test_") for path in (ROOT / "tests/failures").glob("test_*.py")}
    assert modules == set(ROWS)


@pytest.mark.parametrize("when", ROWS.values())
def test_every_class_has_a_row_that_says_what_one_sees(when: str) -> None:
    (seen,) = [seen for row, seen in _rows().items() if row.startswith(when)]
    assert len(seen) > 20
