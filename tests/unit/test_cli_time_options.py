"""What the command line says about the time of a post besides --at: the queue, limits, labels, duplicates."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from postbell.domain.pause import Pause, PauseScope
from postbell.domain.quota import Per, Quota
from postbell.domain.weekly import WeeklySlots, parse_weekly
from postbell.store import accounts, pauses
from postbell.store.tables import core as tables
from postbell.store.tables import series as series_tables
from support.command import Command, german, with_accounts


FAR = "2099-01-01 10:00"
TERMS = (
    *("--label", "news,bells", "--label", "old", "--late-limit", "6 h", "--delete-after", "7 d"),
    *("--not-after", "2099-01-01 12:00"),
)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """With posting times: `site` at 9, `sky` at 10 o'clock of each day in Berlin."""
    german(monkeypatch)
    monkeypatch.chdir(tmp_path)
    command = with_accounts(tmp_path)
    with command.store() as store, store.write() as tx:
        for name, times in (("site", "daily 09:00"), ("sky", "daily 10:00")):
            slots = WeeklySlots(zone="Europe/Berlin", times=parse_weekly([times], where="times"))
            accounts.set_slots(tx, name, slots)
    return command


def hours(cli: Command, post_id: str) -> dict[str, str]:
    """Return the time of day in UTC at which each account publishes a post."""
    return {item["account"]: item["due_at"][11:16] for item in cli.post(post_id)["deliveries"]}


# Labels, limits and duplicates.


def test_a_post_is_told_how_late_until_when_and_for_how_long(cli: Command) -> None:
    post = cli.post(cli.add("Hello", "--to", "site", "--at", FAR, *TERMS))
    assert (post["labels"], post["late_limit_seconds"], post["delete_after_seconds"]) == (
        ["news", "bells", "old"],
        21_600,
        604_800,
    )
    assert (post["not_after"], post["allow_duplicate"]) == ("2099-01-01T11:00:00Z", False)
    assert (post["series"], post["slot"], post["turn"], post["touched"]) == (None, None, None, False)
    (delivery,) = post["deliveries"]
    assert (delivery["late_limit_seconds"], delivery["expires_at"]) == (21_600, "2099-01-01T11:00:00Z")
    assert (delivery["stream"], delivery["placed_by"], delivery["delete_at"]) == (None, None, None)


def test_all_of_that_is_shown(cli: Command) -> None:
    out = cli.done("show", cli.add("Hello", "--to", "site", "--at", FAR, "--allow-duplicate", *TERMS)).out
    lines = [re.sub(r" {2,}", "  ", line) for line in out.splitlines()]
    assert "labels  news, bells, old" in lines
    assert "late limit  6 h" in lines
    assert "delete after  1 w" in lines
    assert any(line.startswith("not after  Thu 1 Jan 2099 12:00 Europe/Berlin (11:00Z") for line in lines)
    assert "duplicate  allowed" in lines
    assert "not published after: 2099-01-01 12:00:00 CET" in out


def test_what_will_be_and_was_removed_is_shown(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--at", FAR)
    removal = {"delete_at": datetime(2099, 1, 2, tzinfo=UTC)}
    with cli.store() as store, store.write() as tx:
        tx.execute(update(tables.delivery).values(removal))
    assert "is removed: 2099-01-02 01:00:00 CET\n" in cli.done("show", post_id).out
    with cli.store() as store, store.write() as tx:
        tx.execute(update(tables.delivery).values(deleted_at=datetime(2099, 1, 3, tzinfo=UTC)))
    assert "removed: 2099-01-03 01:00:00 CET\n" in cli.done("show", post_id).out
    assert cli.post(post_id)["deliveries"][0]["deleted_at"] == "2099-01-03T00:00:00Z"


def test_a_post_of_a_series_says_so(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--at", FAR)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    series = {"id": "s1", "state": "active", "rule": {}, "text": "Hello", "variants": [], "overrides": {}}
    with cli.store() as store, store.write() as tx:
        tx.execute(
            insert(series_tables.series).values(series | {"labels": [], "created_at": now, "updated_at": now})
        )
        tx.execute(update(tables.post).values(series_id="s1", slot="2099-01-01T10:00"))
    assert "series  s1, for 2099-01-01T10:00\n" in cli.done("show", post_id).out
    cli.done("edit", post_id, "Bye")
    assert "series  s1, for 2099-01-01T10:00, changed by hand\n" in cli.done("show", post_id).out


def test_the_list_is_narrowed_by_label(cli: Command) -> None:
    cli.add("Other", "--label", "newspaper")
    post_id = cli.add("Hello", "--label", "news,old")
    assert [line["id"] for line in cli.done("list", "--label", "news", "--json").lines] == [post_id]
    assert cli.done("list", "--label", "nothing").err == "note: there are no such posts.\n"


def test_the_list_is_narrowed_by_the_id_of_another_program(cli: Command) -> None:
    cli.add("Other", "--external-id", "cms-47")
    found = [cli.add(text, "--external-id", "cms-4711") for text in ("Hello", "Hello again")]
    listed = cli.done("list", "--external-id", "cms-4711", "--json").lines
    assert {line["id"] for line in listed} == set(found)
    assert {line["external_id"] for line in listed} == {"cms-4711"}
    assert "external id  cms-4711\n" in cli.done("show", found[0]).out
    assert cli.done("list", "--external-id", "nothing").err == "note: there are no such posts.\n"


def test_the_id_of_another_program_stays_until_it_is_changed(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "post.md").write_text('+++\nexternal_id = "one"\n+++\nHello\n')
    post_id = cli.add("post.md")
    for words, expected in (
        (("Other",), "one"),
        (("--external-id", "two"), "two"),
        (("--external-id", ""), None),
    ):
        cli.done("edit", post_id, *words)
        assert cli.post(post_id)["external_id"] == expected
    refused = cli("add", "Hello", "--external-id", "a\nb")
    assert (refused.code, "--external-id: it has a control character" in refused.err) == (4, True)


def test_a_paused_label_is_told_to_whoever_uses_it(cli: Command) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with cli.store() as store, store.write() as tx:
        pauses.pause(tx, Pause(scope=PauseScope.LABEL, name="news", since=now))
    told = "label news is paused; `postbell resume --label news`"
    ran = cli.done("add", "Hello", "--to", "site", "--at", FAR, "--label", "news")
    assert f"note: {told}.\n" in ran.err
    post_id = ran.out.split()[1].rstrip(":")
    assert f"waits: {told}\n" in cli.done("show", post_id).out
    assert "is paused" not in cli.done("add", "Other", "--to", "site", "--at", FAR).err
    assert "is paused" not in cli.done("add", "A draft", "--to", "site", "--label", "news").err


def test_a_file_says_all_of_it_too_and_options_win(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "post.md").write_text(
        f'+++\nto = "site"\nat = "{FAR}"\ntz = "UTC"\nlabels = ["news"]\nlate_limit = "2 d"\n'
        'not_after = "2099-01-01 12:00"\ndelete_after = "1 w"\nallow_duplicate = true\n+++\nHello\n'
    )
    post = cli.post(cli.add("post.md", "--late-limit", "1 h"))
    assert (post["labels"], post["late_limit_seconds"], post["not_after"]) == (
        ["news"],
        3600,
        "2099-01-01T12:00:00Z",
    )
    assert (post["delete_after_seconds"], post["allow_duplicate"]) == (604_800, True)


def test_one_of_them_is_changed_and_the_others_stay(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--at", FAR, *TERMS)
    cli.done("edit", post_id, "--late-limit", "1 h", "--allow-duplicate")
    post = cli.post(post_id)
    assert (post["late_limit_seconds"], post["delete_after_seconds"]) == (3600, 604_800)
    assert (post["labels"], post["not_after"]) == (["news", "bells", "old"], "2099-01-01T11:00:00Z")
    assert post["allow_duplicate"]


def test_an_empty_value_takes_it_away(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--at", FAR, *TERMS)
    options = ("--label", "--late-limit", "--not-after", "--delete-after")
    cli.done("edit", post_id, *(word for option in options for word in (option, "")))
    post = cli.post(post_id)
    assert (post["labels"], post["late_limit_seconds"], post["not_after"], post["delete_after_seconds"]) == (
        [],
        None,
        None,
        None,
    )


def test_a_zone_is_good_for_the_last_moment_alone(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--at", FAR)
    cli.done("edit", post_id, "--not-after", "2099-01-01 20:00", "--tz", "Asia/Tokyo")
    assert cli.post(post_id)["not_after"] == "2099-01-01T11:00:00Z"


def test_everything_that_is_wrong_with_them_is_told_at_once(cli: Command) -> None:
    wrong = ("--late-limit", "six", "--delete-after", "0 d", "--not-after", "soon", "--at", "then")
    before = cli.stored()
    ran = cli("add", "Hello", "--to", "site,nobody", *wrong)
    places = [line.removeprefix("postbell: ").partition(":")[0] for line in ran.err.splitlines()]
    assert (ran.code, places) == (4, ["--to", "--at", "--late-limit", "--delete-after", "--not-after"])
    assert cli.stored() == before


def test_a_last_moment_before_the_time_is_refused(cli: Command) -> None:
    ran = cli("add", "Hello", "--to", "site", "--at", FAR, "--not-after", "2098-12-31 10:00")
    told = "2098-12-31 10:00 Europe/Berlin is before the time of the post, 2099-01-01 10:00 Europe/Berlin."
    assert (ran.code, ran.err) == (4, f"postbell: --not-after: {told}\n")


def test_a_duplicate_is_refused_until_it_is_allowed(cli: Command) -> None:
    first = cli.add("Hello", "--to", "site", "--at", FAR)
    draft = cli.add("Hello", "--to", "site")
    told = (
        f"text (for site): post {first} says the same and is scheduled for 2099-01-01 10:00 Europe/Berlin; "
        "change the text, or say --allow-duplicate."
    )
    for words in (("reschedule", draft, FAR), ("publish", draft), ("edit", draft, "--at", FAR)):
        ran = cli(*words)
        assert (ran.code, ran.err) == (4, f"postbell: {told}\n")
    cli.done("reschedule", draft, FAR, "--allow-duplicate")
    cli.done("publish", draft)
    cli.done("publish", cli.add("Hello", "--to", "site"), "--allow-duplicate")


def test_a_quota_is_a_note_and_a_problem_in_json(cli: Command) -> None:
    with cli.store() as store, store.write() as tx:
        one = [Quota(most=1, per=Per.DAY)]
        accounts.set_limits(tx, "site", late_limit=None, min_gap=None, cooldown=None, quotas=one)
    cli.add("1", "--to", "site", "--at", FAR)
    told = "it would be post 2 within 24 h; the network takes 1 a day."
    assert f"note: time (for site): {told}\n" in cli.done("add", "2", "--to", "site", "--at", FAR).err
    post = cli.done("add", "3", "--to", "site", "--at", FAR, "--json").json
    assert [problem["where"] for problem in post["problems"]] == ["time"]
    ran = cli.done("add", "4", "--to", "site", "--at", FAR, "--dry-run")
    assert "  note: time (for site): it would be post 4 within 24 h; " in ran.out


# The queue, and the best moment.


def test_the_queue_tells_each_account_its_time_and_why(cli: Command) -> None:
    ran = cli.done("add", "Hello", "--to", "site,sky", "--queue")
    first, *times = ran.out.splitlines()
    assert re.fullmatch(r"Saved \w+: scheduled for .* (09:00|10:00) Europe/Berlin .*, to site, sky\.", first)
    assert re.match(r"  site  .* 09:00 Europe/Berlin \(.*\): the next free posting time of site", times[0])
    assert re.match(r"  sky   .* 10:00 Europe/Berlin \(.*\): the next free posting time of sky", times[1])


def test_why_a_post_has_its_time_is_shown(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site", "--queue")
    assert re.search(r"time: .* 09:00 .*: the next free posting time", cli.done("show", post_id).out)
    (delivery,) = cli.post(post_id)["deliveries"]
    assert (delivery["placed_by"], delivery["due_at"][14:]) == ("queue", "00:00Z")


def test_the_very_next_place_moves_another_post_and_says_so(cli: Command) -> None:
    first = cli.add("1", "--to", "site", "--queue")
    ran = cli.done("add", "2", "--to", "site", "--queue", "next")
    assert f"note: post {first} moved down the queue to make room.\n" in ran.err
    third = cli.done("add", "3", "--to", "site", "--queue=next", "--json").json
    assert third["moved"][-1] == first
    assert any(note.startswith("posts ") for note in third["notes"])
    last = cli.post(cli.add("4", "--to", "site", "--queue", "last"))
    assert last["at"] > cli.post(first)["at"]


def test_a_file_may_ask_for_the_queue_and_a_time_on_the_command_line_wins(
    cli: Command, tmp_path: Path
) -> None:
    (tmp_path / "post.md").write_text('+++\nto = "site"\nqueue = true\n+++\nHello\n')
    assert cli.post(cli.add("post.md"))["deliveries"][0]["placed_by"] == "queue"
    post = cli.post(cli.add("post.md", "--at", FAR, "--allow-duplicate"))
    assert (post["local"], post["deliveries"][0]["placed_by"]) == ("2099-01-01T10:00:00", None)


def test_the_queue_on_the_command_line_wins_over_a_time_in_the_file(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "post.md").write_text(f'+++\nto = "site"\nat = "{FAR}"\n+++\nHello\n')
    assert cli.post(cli.add("post.md", "--queue"))["at"] < "2099"


def test_a_text_behind_the_queue_is_not_taken_for_a_place_in_it(cli: Command) -> None:
    ran = cli("add", "--to", "site", "--queue", "Hello")
    assert ran.code == 2
    assert "'Hello' is no place in the queue (free, next, last)." in ran.err
    assert "put it before --queue, or write --queue=free." in ran.err
    cli.done("add", "--to", "site", "--queue=free", "Hello")


def test_the_best_moment_of_a_range_is_taken(cli: Command) -> None:
    words = ("--auto", "--between", "tomorrow", "--and", "tomorrow 23:59", "--seed", "1")
    post = cli.post(cli.add("Hello", "--to", "site", *words))
    (delivery,) = post["deliveries"]
    assert (delivery["placed_by"], post["local"][11:]) == ("auto", "09:00:00")
    assert delivery["placed_why"]


def test_an_edit_without_a_time_keeps_that_of_each_account(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site,sky", "--queue")
    before = hours(cli, post_id)
    assert len(set(before.values())) == 2
    cli.done("edit", post_id, "Bye")
    assert hours(cli, post_id) == before


def test_a_post_is_put_into_the_queue_later(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site,sky", "--at", FAR)
    out = cli.done("reschedule", post_id, "--queue").out
    assert "\n  sky   " in out
    cli.done("reschedule", post_id, FAR)
    assert set(hours(cli, post_id).values()) == {"09:00"}
    cli.done("edit", post_id, "--queue", "last")
    assert cli.post(post_id)["at"] < "2099"


def test_a_dry_run_shows_the_place_and_stores_nothing(cli: Command) -> None:
    cli.add("1", "--to", "site", "--queue")
    before = cli.stored()
    ran = cli.done("add", "2", "--to", "site", "--queue", "next", "--dry-run")
    assert re.search(r"\n  time: .* 09:00 Europe/Berlin \(.*\): the very next posting time", ran.out)
    shown = cli.done("add", "2", "--to", "site", "--queue", "next", "--dry-run", "--json").json
    assert shown["placed_why"].startswith("the very next posting time")
    assert cli.stored() == before


def test_a_dry_run_shows_a_duplicate_as_refused(cli: Command) -> None:
    cli.add("Hello", "--to", "site", "--at", FAR)
    ran = cli("add", "Hello", "--to", "site", "--at", FAR, "--tz", "UTC", "--dry-run")
    assert ran.code == 4
    assert "would be refused: text (for site): post " in ran.out
    assert "  time: Thu 1 Jan 2099 10:00 UTC (10:00Z" in ran.out


def test_an_account_without_posting_times_is_told_how_to_get_some(cli: Command) -> None:
    with cli.store() as store, store.write() as tx:
        accounts.set_slots(tx, "site", None)
    ran = cli("add", "Hello", "--to", "site", "--queue")
    assert (ran.code, "--queue (for site): it has no posting times; " in ran.err) == (4, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--queue", "--at", FAR), "--queue and --at exclude each other."),
        (("--queue", "--now"), "--queue and --now exclude each other."),
        (("--queue", "--auto"), "--queue and --auto exclude each other."),
        (("--queue", "--draft"), "--queue and --draft exclude each other."),
        (("--auto", "--draft"), "--auto and --draft exclude each other."),
        (("--auto",), "--auto needs a range: --between WHEN --and WHEN."),
        (("--auto", "--between", FAR), "--auto needs a range: --between WHEN --and WHEN."),
        (("--between", FAR), "--between, --and and --seed belong to --auto."),
        (("--seed", "0"), "--between, --and and --seed belong to --auto."),
    ],
)
def test_ways_to_say_when_exclude_each_other(cli: Command, words: tuple[str, ...], told: str) -> None:
    ran = cli("add", "Hello", "--to", "site", *words)
    assert (ran.code, told in ran.err) == (2, True)


def test_a_file_with_a_place_in_the_queue_is_no_draft(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "post.md").write_text('+++\nto = "site"\nqueue = "next"\n+++\nHello\n')
    ran = cli("add", "post.md", "--draft")
    assert (ran.code, "--draft and a place in the queue exclude each other." in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("between", "end", "where"),
    [("soon", FAR, "--between"), (FAR, "2020-01-01 10:00", "--and"), (FAR, "2098-01-01 10:00", "--and")],
)
def test_a_wrong_range_names_its_option(cli: Command, between: str, end: str, where: str) -> None:
    ran = cli("add", "Hello", "--to", "site", "--auto", "--between", between, "--and", end)
    assert (ran.code, ran.err.startswith(f"postbell: {where}: ")) == (4, True)


def test_a_dry_run_tells_a_moved_time(cli: Command) -> None:
    ran = cli.done("add", "Hello", "--to", "site", "--at", "2099-03-29 02:30", "--dry-run")
    told = "--at (for site): 02:30 does not exist on that day in Europe/Berlin; moved to 03:30."
    assert f"  note: {told}\n" in ran.out
    as_json = cli.done("add", "Hello", "--to", "site", "--at", "2099-03-29 02:30", "--dry-run", "--json").json
    assert [(each["where"], each["account"]) for each in as_json["warnings"]] == [("--at", "site")]


@pytest.mark.parametrize("day", ["today", "Yesterday"])
def test_a_day_alone_is_its_beginning_in_a_list(cli: Command, day: str) -> None:
    post_id = cli.add("Hello", "--to", "site", "--now")
    assert [line["id"] for line in cli.done("list", "--since", day, "--json").lines] == [post_id]
    assert cli.done("list", "--until", day, "--json").lines == []


@pytest.mark.parametrize("option", ["--between", "--and"])
def test_an_empty_range_is_refused(cli: Command, option: str) -> None:
    words = {"--between": FAR, "--and": FAR} | {option: ""}
    ran = cli("add", "Hello", "--to", "site", "--auto", *(word for pair in words.items() for word in pair))
    assert ran.code in (2, 4)
    assert "--between" in ran.err
