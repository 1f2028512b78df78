"""Series from the command line: written, listed, shown, changed, ended."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from support import pictures
from support.command import Command, german, with_accounts


DAILY = ("--to", "site", "--repeat", "daily", "--time", "09:00", "--start", "2099-01-01")
NO_DAEMON = "note: no daemon is running, so nothing is published; start one with `postbell run`.\n"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    monkeypatch.chdir(tmp_path)
    return with_accounts(tmp_path)


def write(cli: Command, *words: str | Path) -> str:
    """Write a series and return its id."""
    return str(cli.done("series", *words, "--json").json["id"])


def shown(cli: Command, series_id: str, *words: str) -> dict[str, Any]:
    return cli.done("series", "show", series_id, *words, "--json").json


def upcoming(cli: Command, series_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shown(cli, series_id)["next"]
    return found


def test_a_new_series_is_told_in_words_with_its_next_posts(cli: Command) -> None:
    ran = cli.done("series", "add", "Hello", *DAILY, "--count", "2")
    first, headers, *rows = ran.out.splitlines()
    rule = "every day at 09:00 Europe/Berlin, from 2099-01-01, 2 times"
    assert re.fullmatch(rf"Saved [a-z0-9]{{8}}: {re.escape(rule)}, to site\.", first)
    assert headers.split() == ["TIME", "POST", "STATE", "TEXT"]
    assert re.fullmatch(r"Thu 2099-01-01 09:00  [a-z0-9]{8}  scheduled +Hello", rows[0])
    assert re.fullmatch(r"Fri 2099-01-02 09:00 +not made yet  Hello", rows[1])
    assert ran.err == NO_DAEMON


def test_quietly_the_id_of_a_new_series_is_printed_alone(cli: Command) -> None:
    ran = cli.done("--quiet", "series", "add", "Hello", *DAILY)
    assert re.fullmatch(r"[a-z0-9]{8}\n", ran.out)
    assert ran.err == ""


def test_a_new_series_as_json_says_everything_of_it(cli: Command) -> None:
    (Path.cwd() / "a.png").write_bytes(pictures.png())
    words = (
        "--title",
        "T",
        "--link",
        "https://example.org",
        "--media",
        "a.png=A bell",
        "--label",
        "news,tips",
    )
    limits = ("--late-limit", "6 h", "--set", "site.text=Only here", "--variant", "Other")
    found = cli.done("series", "add", "Hello", *DAILY, *words, *limits, "--json").json
    assert (found["state"], found["paused"], found["library"], found["made"]) == ("active", None, None, 1)
    assert (found["text"], found["variants"], found["to"]) == ("Hello", ["Other"], ["site"])
    assert (found["title"], found["link"], found["labels"]) == ("T", "https://example.org", ["news", "tips"])
    assert (found["late_limit_seconds"], found["delete_after_seconds"]) == (21600, None)
    assert [(item["name"], item["alt"]) for item in found["media"]] == [("a.png", "A bell")]
    assert found["overrides"]["site"]["text"] == "Only here"
    assert found["posts"] == {"changed": [], "removed": [], "made": 0}
    assert found["problems"] == []
    assert found["rule"] == {
        "kind": "recurrence",
        "words": {
            "repeat": "daily",
            "times": ["09:00"],
            "timezone": "Europe/Berlin",
            "start_date": "2099-01-01",
        },
        "says": "every day at 09:00 Europe/Berlin, from 2099-01-01",
        "rrule": "DTSTART;TZID=Europe/Berlin:20990101T090000\nRRULE:FREQ=DAILY",
    }


def test_the_posts_of_a_series_are_ordinary_posts_with_what_it_says(cli: Command) -> None:
    series_id = write(cli, "add", "{Hello}", *DAILY, "--label", "news", "--late-limit", "2 h")
    (coming, *_) = upcoming(cli, series_id)
    post = cli.post(coming["post"])
    assert (post["state"], post["text"], post["series"]) == ("scheduled", "{Hello}", series_id)
    assert (post["labels"], post["late_limit_seconds"]) == (["news"], 7200)


def test_a_time_that_the_clocks_leave_out_is_moved_and_that_is_told(cli: Command) -> None:
    words = ("--to", "site", "--repeat", "daily", "--time", "02:30", "--start", "2099-03-29", "--count", "1")
    ran = cli.done("series", "add", "Hello", *words)
    assert "Sun 2099-03-29 03:30" in ran.out
    told = "2099-03-29: 02:30 does not exist on that day in Europe/Berlin; moved to 03:30."
    assert f"note: {told}\n" in ran.err
    found = cli.done("series", "add", "Hello", *words, "--json").json
    assert told in found["notes"]
    assert cli.done("series", "show", found["id"]).err == f"note: {told}\n"


@pytest.mark.parametrize(
    ("times", "told"),
    [
        ("09:00", "1 of its 9 times is past already, and counts"),
        ("09:00,10:00", "2 of its 9 times are past already, and count"),
    ],
)
def test_times_that_are_past_and_count_are_told(cli: Command, times: str, told: str) -> None:
    when = ("--repeat", "yearly", "--every", "1000", "--time", times, "--start", "2010-01-01", "--count", "9")
    note = f"note: {told}; --start says another beginning.\n"
    assert note in cli.done("series", "add", "Hello", "--to", "site", *when, "--dry-run").err
    assert note in cli.done("series", "add", "Hello", "--to", "site", *when).err


def test_another_zone_is_named_with_every_time(cli: Command) -> None:
    ran = cli.done("series", "add", "Hello", *DAILY, "--tz", "Asia/Tokyo")
    assert "Thu 2099-01-01 09:00 Asia/Tokyo" in ran.out


def test_a_dry_run_shows_the_rule_and_the_next_five_and_stores_nothing(cli: Command) -> None:
    before = cli.stored()
    ran = cli.done("series", "add", "{one|two}", *DAILY, "--dry-run")
    lines = ran.out.splitlines()
    assert lines[0] == "Every day at 09:00 Europe/Berlin, from 2099-01-01, to site."
    assert [line[:20] for line in lines[2:7]] == [
        f"{day} 2099-01-0{number} 09:00" for number, day in enumerate(("Thu", "Fri", "Sat", "Sun", "Mon"), 1)
    ]
    assert {line.split()[-1] for line in lines[2:7]} == {"one", "two"}
    assert lines[-1] == "Nothing was stored."
    assert ran.err == "note: with which of its texts it begins is settled when it is stored.\n"
    assert cli.stored() == before


def test_a_dry_run_as_json_has_no_id(cli: Command) -> None:
    before = cli.stored()
    found = cli.done("series", "add", "Hello", *DAILY, "--dry-run", "--json").json
    assert found["id"] is None
    assert found["next"][0] == {
        "at": "2099-01-01T08:00:00Z",
        "local": "2099-01-01T09:00:00",
        "zone": "Europe/Berlin",
        "slot": "2099-01-01T09:00",
        "note": None,
        "post": None,
        "state": None,
        "touched": False,
        "text": "Hello",
    }
    assert len(found["next"]) == 5
    assert cli.stored() == before


def test_a_dry_run_of_a_piece_of_a_library_knows_no_times_and_says_why(cli: Command) -> None:
    words = ("--to", "site", "--gap", "2 weeks", "--library", "tips", "--dry-run")
    ran = cli.done("series", "recycle", "Hello", *words)
    assert "TIME" not in ran.out
    assert ran.out.startswith("From the library tips, again after 2 weeks at the earliest, from ")
    assert "has nothing to fill there" in ran.err


def test_a_piece_of_a_library_is_shown_without_times_where_nothing_is_made(cli: Command) -> None:
    words = ("--to", "site", "--gap", "2 weeks", "--library", "tips")
    ran = cli.done("series", "show", write(cli, "recycle", "Hello", *words))
    assert ran.out.endswith("made   0 posts\n")


def test_a_dry_run_refuses_what_would_be_refused(cli: Command) -> None:
    ran = cli("series", "add", "Hello {", *DAILY, "--dry-run")
    assert ran.code == 4
    assert "text: the { at line 1, column 7 is never closed" in ran.err


def test_a_cron_line_and_an_rrule_say_the_rule_too(cli: Command) -> None:
    cron = write(cli, "add", "Hello", "--to", "site", "--cron", "0 9 * * 1", "--start", "2099-01-01")
    assert upcoming(cli, cron)[0]["local"] == "2099-01-05T09:00:00"
    text = "DTSTART;TZID=Europe/Berlin:20990101T093000\nRRULE:FREQ=WEEKLY;BYDAY=MO"
    rule = write(cli, "add", "Hello", "--to", "site", "--rrule", text)
    assert upcoming(cli, rule)[0]["local"] == "2099-01-05T09:30:00"


def test_a_recycled_post_comes_again_after_its_gap(cli: Command) -> None:
    words = ("--to", "site", "--gap", "2 weeks", "--start", "2099-01-01 09:00", "--count", "2")
    series_id = write(cli, "recycle", "Hello", *words)
    assert [each["local"] for each in upcoming(cli, series_id)] == [
        "2099-01-01T09:00:00",
        "2099-01-15T09:00:00",
    ]
    rule = shown(cli, series_id)["rule"]
    assert (rule["kind"], rule["rrule"]) == ("recycling", None)
    assert rule["says"] == "again after 2 weeks, from 2099-01-01 09:00 Europe/Berlin, 2 times"


def test_a_piece_of_a_library_waits_for_empty_posting_times(cli: Command) -> None:
    ran = cli.done("series", "recycle", "Hello", "--to", "site", "--gap", "2 weeks", "--library", "tips")
    assert "from the library tips, again after 2 weeks at the earliest" in ran.out
    told = "it has no posting times, so the library tips has nothing to fill there."
    assert f"note: --library (for site): {told}\n" in ran.err


def test_the_list_shows_what_is_active_and_when_it_comes_next(cli: Command) -> None:
    first = write(cli, "add", "First", *DAILY)
    second = write(cli, "add", "", *DAILY, "--variant", "Second")
    cli.done("series", "end", first, "--yes")
    headers, row = cli.done("series", "list").out.splitlines()
    assert headers.split() == ["ID", "STATE", "TO", "NEXT", "RULE", "TEXT"]
    assert re.split(" {2,}", row)[:2] == [second, "active"]
    assert row.endswith("2099-01-01 09:00  every day at 09:00 Europe/Berlin, from 2099-01-01  Second")
    lines = cli.done("series", "list", "--all", "--json").lines
    assert [(line["id"], line["state"], line["next_at"]) for line in lines] == [
        (first, "ended", None),
        (second, "active", "2099-01-01T08:00:00Z"),
    ]


def test_an_empty_list_names_the_mend(cli: Command) -> None:
    ran = cli.done("series", "list")
    assert (ran.out, ran.err) == ("", "note: there are no series; write one with `postbell series add`.\n")
    assert cli.done("series", "list", "--json").lines == []


def test_a_paused_series_is_shown_as_paused(cli: Command) -> None:
    series_id = write(cli, "add", "Hello", *DAILY)
    cli.done("pause", "--series", series_id, "--until", "2098-01-01 10:00")
    assert "state  paused until 2098-01-01 10:00" in cli.done("series", "show", series_id).out
    assert shown(cli, series_id)["paused"]["until"] == "2098-01-01T09:00:00Z"
    cli.done("pause", "--series", series_id)
    assert cli.done("series", "list").out.splitlines()[1].split()[1] == "paused"


def test_show_tells_all_that_was_written(cli: Command) -> None:
    (Path.cwd() / "a.png").write_bytes(pictures.png())
    words = ("--media", "a.png=A bell", "--media", "a.png", "--label", "news", "--late-limit", "6 h")
    texts = (
        "--variant",
        "Other",
        "--set",
        "site.text=Only here",
        "--title",
        "T",
        "--link",
        "https://example.org",
    )
    series_id = write(cli, "add", "Hello", *DAILY, *words, *texts)
    lines = cli.done("series", "show", series_id[:6]).out.splitlines()
    told = dict(
        re.split(" {2,}", line, maxsplit=1) for line in lines[: lines.index("")] if not line.startswith(" ")
    )
    assert told == {
        "id": series_id,
        "state": "active",
        "rule": "every day at 09:00 Europe/Berlin, from 2099-01-01",
        "to": "site",
        "text": "Hello",
        "variant 1": "Other",
        "[site] text": "Only here",
        "title": "T",
        "link": "https://example.org",
        "media": "a.png: A bell",
        "labels": "news",
        "late limit": "6 h",
        "made": "1 post",
    }


def test_show_tells_what_became_of_a_post_that_was_skipped_or_changed_alone(cli: Command) -> None:
    words = ("--to", "site", "--repeat", "daily", "--time", "09:00", "--count", "5")
    series_id = write(cli, "add", "Hello", *words)
    first, second, third, *_ = [each["post"] for each in upcoming(cli, series_id)]
    cli.done("cancel", first)
    cli.done("edit", second, "Another")
    found = {each["post"]: each for each in upcoming(cli, series_id)}
    assert [(found[each]["state"], found[each]["touched"]) for each in (first, second, third)] == [
        ("cancelled", True),
        ("scheduled", True),
        ("scheduled", False),
    ]
    assert found[second]["text"] == "Another"
    assert "cancelled, changed by hand" in cli.done("series", "show", series_id).out


def test_show_shows_as_many_as_are_asked_for(cli: Command) -> None:
    series_id = write(cli, "add", "Hello", *DAILY)
    assert len(shown(cli, series_id)["next"]) == 10
    assert len(shown(cli, series_id, "--count", "3")["next"]) == 3


def test_the_rule_is_printed_as_calendars_read_it(cli: Command) -> None:
    series_id = write(cli, "add", "Hello", *DAILY)
    text = "DTSTART;TZID=Europe/Berlin:20990101T090000\nRRULE:FREQ=DAILY"
    assert cli.done("series", "rrule", series_id).out == f"{text}\n"
    assert cli.done("series", "rrule", series_id, "--json").json["rrule"] == text


def test_a_rule_that_an_rrule_cannot_say_is_refused_with_the_reason(cli: Command) -> None:
    cron = write(cli, "add", "Hello", "--to", "site", "--cron", "0 9 * * 1")
    recycled = write(cli, "recycle", "Hello", "--to", "site", "--gap", "1 day", "--start", "2099-01-01 09:00")
    for series_id, reason in (
        (cron, "A cron line has no RRULE"),
        (recycled, "a recycled series has no RRULE"),
    ):
        ran = cli("series", "rrule", series_id)
        assert ran.code == 4
        assert f"series {series_id}: {reason}" in ran.err


def test_the_end_of_a_series_cancels_its_posts_to_come(cli: Command) -> None:
    series_id = write(
        cli, "add", "Hello", "--to", "site", "--repeat", "daily", "--time", "09:00", "--count", "4"
    )
    first, *others = [each["post"] for each in upcoming(cli, series_id)]
    cli.done("edit", first, "By hand")
    ran = cli.done("series", "end", series_id, "--yes")
    assert ran.out == f"Ended {series_id}; {len(others)} posts to come cancelled.\n"
    assert cli.post(first)["state"] == "scheduled"
    assert {cli.post(each)["state"] for each in others} == {"cancelled"}
    ran = cli("series", "end", series_id, "--yes")
    assert (ran.code, ran.err) == (5, f"postbell: Series {series_id} has ended. Write a new one.\n")


def test_the_end_of_a_series_cancels_what_was_changed_by_hand_too_if_asked(cli: Command) -> None:
    series_id = write(cli, "add", "Hello", *DAILY)
    (first, *_) = [each["post"] for each in upcoming(cli, series_id)]
    cli.done("edit", first, "By hand")
    found = cli.done("series", "end", series_id, "--all", "--yes", "--json").json
    assert (found["state"], found["cancelled"]) == ("ended", 1)
    assert cli.post(first)["state"] == "cancelled"


def test_before_a_series_ends_somebody_is_asked(cli: Command) -> None:
    series_id = write(cli, "add", "Hello", *DAILY)
    ran = cli("series", "end", series_id)
    assert ran.code == 2
    assert "give --yes" in ran.err
    assert shown(cli, series_id)["state"] == "active"


@pytest.mark.parametrize("words", [("show",), ("edit", "--time", "10:00"), ("end", "--yes"), ("rrule",)])
def test_an_unknown_series_is_not_found_and_the_mend_is_named(cli: Command, words: tuple[str, ...]) -> None:
    ran = cli("series", words[0], "zzz", *words[1:])
    assert (ran.code, ran.err) == (
        3,
        "postbell: There is no series 'zzz'. `postbell series list` shows those that there are.\n",
    )
