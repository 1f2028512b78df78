"""Counting responses on the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from postbell.store import deliveries
from support.command import Command, german, with_accounts


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    return with_accounts(tmp_path)


def published(cli: Command, *to: str) -> str:
    """Publish a post on a Friday at 13 h in Berlin."""
    post_id = cli.add("Hello", "--to", ",".join(to or ("site",)), "--now")
    now = datetime(2100, 1, 1, 12, 0, tzinfo=UTC)
    claimed = cli.claim()
    with cli.store() as store, store.write() as tx:
        for delivery in claimed.values():
            deliveries.record_published(tx, delivery.id, receipt_id="1", url=None, warnings=(), now=now)
    return post_id


def test_responses_are_noted_and_shown_by_the_hour_of_the_week(cli: Command) -> None:
    post_id = published(cli)
    assert (
        cli.done("engagement", post_id, "24").out
        == f"Noted: 24 people responded to post {post_id} on site.\n"
    )
    shown = cli.done("engagement").out.splitlines()
    assert [line.split() for line in shown] == [
        ["ACCOUNT", "HOUR", "RESPONSES", "POSTS"],
        ["site", "Fri", "13:00", "Europe/Berlin", "24.0", "1"],
    ]


def test_responses_are_told_to_programs(cli: Command) -> None:
    post_id = published(cli)
    told = cli.done("engagement", post_id, "1", "--json").json
    assert told == {"schema_version": 1, "post": post_id, "account": "site", "responses": 1}
    assert cli.done("engagement", "--json").json == {
        "schema_version": 1,
        "account": "site",
        "weekday": 4,
        "hour": 13,
        "zone": "Europe/Berlin",
        "mean": 1.0,
        "posts": 1,
    }
    assert "1 person responded" in cli.done("engagement", post_id, "1").out


def test_of_several_accounts_one_is_named(cli: Command) -> None:
    post_id = published(cli, "site", "sky")
    assert cli("engagement", post_id, "3").code == 5
    assert cli.done("engagement", post_id, "3", "--account", "sky", "--json").json["account"] == "sky"


def test_what_was_not_published_is_refused(cli: Command) -> None:
    ran = cli("engagement", cli.add("Hello", "--to", "site", "--at", "2100-01-01 10:00"), "3")
    assert ran.code == 5
    assert "was not published" in ran.err


@pytest.mark.parametrize("words", [("k7f2",), ("k7f2", "-1"), ("k7f2", "many"), ("--account", "site")])
def test_half_a_count_is_wrong_usage(cli: Command, words: tuple[str, ...]) -> None:
    assert cli("engagement", *words).code == 2


def test_nothing_known_is_said_with_the_way_to_count(cli: Command) -> None:
    ran = cli.done("engagement")
    assert ran.out == ""
    assert (
        "no responses are known yet; count those to a post with `postbell engagement ID RESPONSES`" in ran.err
    )
