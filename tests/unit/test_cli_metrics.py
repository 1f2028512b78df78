"""How people respond, on the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from postbell.store import metrics
from support.command import Command, german, with_accounts


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    return with_accounts(tmp_path)


def read(cli: Command, likes: int, hour: int) -> None:
    """Let a network have said so of what was claimed, at that hour of a day."""
    with cli.store() as store, store.write() as tx:
        metrics.add_reading(tx, 1, {"likes": likes, "replies": 0}, datetime(2100, 1, 1, hour, tzinfo=UTC))


def test_every_reading_is_shown_in_its_order(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--now")
    read(cli, 1, 12)
    read(cli, 7, 18)
    assert [line.split(maxsplit=3) for line in cli.done("metrics", post_id).out.splitlines()] == [
        ["READ", "ACCOUNT", "HOW", "PEOPLE RESPONDED"],
        ["2100-01-01", "13:00", "site", "1 like"],
        ["2100-01-01", "19:00", "site", "7 likes"],
    ]


def test_the_latest_is_shown_with_the_post(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--now")
    assert cli.done("show", post_id, "--json").json["readings"] == []
    read(cli, 1, 12)
    read(cli, 7, 18)
    assert "7 likes" in cli.done("show", post_id).out
    assert cli.done("show", post_id, "--json").json["readings"] == [
        {
            "post": post_id,
            "account": "site",
            "read_at": "2100-01-01T18:00:00Z",
            "counts": {"likes": 7, "replies": 0},
        }
    ]


def test_readings_are_told_to_programs(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--now")
    read(cli, 1, 12)
    told = cli.done("metrics", post_id, "--json").json
    assert (told["schema_version"], told["read_at"], told["counts"]) == (
        1,
        "2100-01-01T12:00:00Z",
        {"likes": 1, "replies": 0},
    )


def test_where_nothing_was_read_yet_that_is_said(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--now")
    assert cli.done("metrics", post_id).out == f"Nothing was read of post {post_id} yet.\n"
