"""Posting times and the queue on the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.command import Command, german, with_accounts


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    return with_accounts(tmp_path)


@pytest.fixture
def daily(cli: Command) -> Command:
    """The account site posts every day at 9 and 17 h in Berlin, but not in the next days."""
    today = datetime.now(UTC).date()
    soon = f"{today - timedelta(days=1)}..{today + timedelta(days=2)}"
    cli.done("queue", "slots", "site", "daily 09:00,17:00", "--off", soon)
    return cli


def queued(cli: Command, *texts: str) -> list[str]:
    return [cli.add(text, "--to", "site", "--queue") for text in texts]


def order(cli: Command) -> list[str]:
    seats = cli.done("queue", "show", "site", "--count", "5", "--json").lines
    return [post["id"] for seat in seats for post in seat["posts"]]


def test_posting_times_are_set_and_shown_in_few_words(cli: Command) -> None:
    words = ("mon-fri 9am,17:30", "sat 11:00", "--tz", "Asia/Tokyo", "--off", "2026-12-24..2026-12-26")
    ran = cli.done("queue", "slots", "site", *words, "--off", "2027-01-01")
    assert ran.out == (
        "Changed the posting times of site.\n"
        "times     mon-fri 09:00,17:30\n"
        "          sat 11:00\n"
        "zone      Asia/Tokyo\n"
        "days off  2026-12-24..2026-12-26\n"
        "          2027-01-01\n"
    )
    assert cli.done("queue", "slots", "site").out == ran.out.partition("\n")[2]
    assert cli.done("queue", "slots", "site", "--json").json == {
        "schema_version": 1,
        "account": "site",
        "zone": "Asia/Tokyo",
        "times": ["mon-fri 09:00,17:30", "sat 11:00"],
        "days_off": ["2026-12-24..2026-12-26", "2027-01-01"],
        "outside": [],
    }


def test_what_is_not_given_stays_as_it_was(daily: Command) -> None:
    daily.done("queue", "slots", "site", "--off", "2026-12-24")
    daily.done("queue", "slots", "site", "--tz", "Asia/Tokyo")
    found = daily.done("queue", "slots", "site", "sun 10:00", "--json").json
    assert (found["zone"], found["times"], found["days_off"]) == ("Asia/Tokyo", ["sun 10:00"], ["2026-12-24"])
    assert daily.done("queue", "slots", "site", "--off", "none", "--json").json["days_off"] == []


def test_posting_times_that_name_no_zone_are_in_the_zone_of_the_configuration(daily: Command) -> None:
    assert daily.done("queue", "slots", "site", "--json").json["zone"] == "Europe/Berlin"


def test_an_account_without_posting_times_is_told_how_to_get_some(cli: Command) -> None:
    ran = cli.done("queue", "slots", "site")
    assert ran.out == ""
    assert ran.err == (
        'note: site has no posting times; give it some: `postbell queue slots site "mon-fri 09:00"`.\n'
    )
    assert cli.done("queue", "slots", "site", "--json").json["zone"] is None


def test_posting_times_are_taken_away_and_what_is_queued_keeps_its_time(daily: Command) -> None:
    (post_id,) = queued(daily, "Hello")
    at = daily.post(post_id)["at"]
    ran = daily.done("queue", "slots", "site", "--clear")
    assert f"note: queued at other times, which they keep: {post_id}; `postbell reschedule ID" in ran.err
    assert daily.post(post_id)["at"] == at
    assert daily.done("queue", "slots", "site", "--json").json["outside"] == [post_id]
    assert "Hello (no posting time any more)" in daily.done("queue", "show").out


def test_everything_that_is_wrong_with_posting_times_is_told_at_once(cli: Command) -> None:
    words = ("mon-fry 09:00", "tue 25:00", "--tz", "Berlin", "--off", "someday")
    ran = cli("queue", "slots", "site", *words, "--json")
    assert ran.code == 4
    assert [problem["where"] for problem in ran.error["problems"]] == ["--tz", "TIMES", "TIMES", "--off"]


def test_a_zone_without_times_is_no_queue(cli: Command) -> None:
    ran = cli("queue", "slots", "site", "--tz", "Asia/Tokyo")
    assert ran.code == 4
    assert "TIMES (for site): it has no posting times yet; give some" in ran.err


def test_times_and_clear_exclude_each_other(cli: Command) -> None:
    assert cli("queue", "slots", "site", "daily 09:00", "--clear").code == 2


def test_unknown_accounts_are_not_found(cli: Command) -> None:
    for words in (("slots", "nobody"), ("show", "nobody"), ("shuffle", "nobody"), ("reorder", "nobody", "x")):
        assert cli("queue", *words).code == 3


def test_the_queue_is_shown_with_its_free_times(daily: Command) -> None:
    (post_id,) = queued(daily, "Hello world")
    lines = daily.done("queue", "show", "site", "--count", "2").out.splitlines()
    assert lines[0].split() == ["TIME", "ACCOUNT", "ID", "POST"]
    assert post_id in lines[1]
    assert lines[1].endswith("Hello world")
    assert ":00 Europe/Berlin  site" in lines[1]
    assert lines[2].endswith("(free)")
    first, second = daily.done("queue", "show", "--count", "2", "--json").lines
    assert first["posts"][0]["id"] == post_id
    assert first["at"] == daily.post(post_id)["at"]
    assert first["local"] == daily.post(post_id)["local"]
    assert (second["slot"], second["posts"], second["account"]) == (True, [], "site")


def test_a_queue_that_is_longer_than_the_list_says_so(daily: Command) -> None:
    queued(daily, "One", "Two", "Three")
    assert daily.done("queue", "show", "site", "--count", "2").err.endswith(
        "note: 1 post is queued for site after these; see --count.\n"
    )
    assert "2 posts are queued" in daily.done("queue", "show", "--count", "1").err


def test_where_there_are_no_posting_times_the_queue_says_how_to_set_them(cli: Command) -> None:
    assert '`postbell queue slots NAME "mon-fri 09:00"`' in cli.done("queue", "show").err
    assert '`postbell queue slots sky "mon-fri 09:00"`' in cli.done("queue", "show", "sky").err


def test_the_queue_is_put_in_another_order(daily: Command) -> None:
    one, two, three = queued(daily, "One", "Two", "Three")
    ran = daily.done("queue", "reorder", "site", three, one)
    assert order(daily) == [three, one, two]
    assert "see `postbell queue show site`" in ran.out
    assert daily.done("queue", "reorder", "site", three).out == "Everything is where it was.\n"
    moved = daily.done("queue", "reorder", "site", one, "--json").json
    assert (moved["account"], sorted(moved["moved"])) == ("site", sorted([one, three]))


def test_what_is_not_in_the_queue_cannot_be_reordered(daily: Command) -> None:
    one, two = queued(daily, "One", "Two")
    ran = daily("queue", "reorder", "site", two, "zzzz", "yyyy")
    assert ran.code == 4
    assert "zzzz: it is not in the queue" in ran.err
    assert "yyyy: it is not in the queue" in ran.err
    assert order(daily) == [one, two]


def test_the_queue_is_shuffled_by_a_number(daily: Command) -> None:
    ids = queued(daily, "One", "Two", "Three", "Four")
    daily.done("queue", "shuffle", "site", "--seed", "3")
    shuffled = order(daily)
    assert shuffled != ids
    daily.done("queue", "reorder", "site", *ids)
    daily.done("queue", "shuffle", "site", "--seed", "3")
    assert order(daily) == shuffled
