"""Threads from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import pictures
from support.command import Command, german, with_accounts


FAR = "2099-01-01 10:00"
MANUSCRIPT = """\
+++
to = ["site"]
media = [{file = "bell.png", alt = "A bell"}, {file = "cat.png", alt = "A cat", part = 2}]
+++

One

## +

Two

## @sky

Briefly
"""


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    monkeypatch.chdir(tmp_path)
    for name in ("bell.png", "cat.png", "2:odd.png"):
        (tmp_path / name).write_bytes(pictures.png())
    (tmp_path / "thread.md").write_text(MANUSCRIPT)
    return with_accounts(tmp_path)


def _files(cli: Command, post_id: str) -> list[tuple[str, int]]:
    return [(item["name"], item["part"]) for item in cli.post(post_id)["media"]]


def test_what_follows_a_text_becomes_a_thread(cli: Command) -> None:
    post_id = cli.add("One", "--then", "Two", "--then", "Three", "--to", "site", "--at", FAR)
    shown = cli.post(post_id)
    assert (shown["text"], shown["segments"]) == ("One", ["Two", "Three"])
    assert cli.done("show", post_id).out.endswith("\n1 of 3:\n\nOne\n\n2 of 3:\n\nTwo\n\n3 of 3:\n\nThree\n")


def test_a_file_says_which_part_shows_it(cli: Command) -> None:
    words = ("--media", "bell.png=A bell", "--media", "2:cat.png=A cat", "--media", "2:odd.png=Odd")
    post_id = cli.add("One", "--then", "Two", "--to", "site", *words)
    assert _files(cli, post_id) == [("bell.png", 1), ("cat.png", 2), ("2:odd.png", 1)]
    assert "cat.png (image/png, 40 x 30) in part 2: A cat" in cli.done("show", post_id).out


def test_a_file_of_a_part_that_there_is_not_is_refused(cli: Command) -> None:
    ran = cli("add", "One", "--then", "Two", "--to", "site", "--media", "3:cat.png=A cat", "--at", FAR)
    assert ran.code == 4
    assert "media cat.png: there is no part 3; count from 1 to 2." in ran.err


def test_a_manuscript_holds_a_thread_with_the_files_of_its_parts(cli: Command) -> None:
    post_id = cli.add("thread.md", "--to", "site,sky")
    shown = cli.post(post_id)
    assert (shown["text"], shown["segments"]) == ("One", ["Two"])
    assert (shown["overrides"]["sky"]["text"], shown["overrides"]["sky"]["segments"]) == ("Briefly", [])
    assert _files(cli, post_id) == [("bell.png", 1), ("cat.png", 2)]


def test_a_text_in_quotes_changes_the_first_part_alone(cli: Command) -> None:
    post_id = cli.add("One", "--then", "Two", "--to", "site")
    cli.done("edit", post_id, "Uno")
    assert (cli.post(post_id)["text"], cli.post(post_id)["segments"]) == ("Uno", ["Two"])
    cli.done("edit", post_id, "--then", "Due", "--then", "Tre")
    assert (cli.post(post_id)["text"], cli.post(post_id)["segments"]) == ("Uno", ["Due", "Tre"])
    cli.done("edit", post_id, "--then", "")
    assert (cli.post(post_id)["text"], cli.post(post_id)["segments"]) == ("Uno", [])


def test_a_file_changes_the_whole_thread(cli: Command, tmp_path: Path) -> None:
    post_id = cli.add("One", "--then", "Two", "--to", "site")
    (tmp_path / "post.md").write_text("Only\n")
    cli.done("edit", post_id, "post.md")
    assert (cli.post(post_id)["text"], cli.post(post_id)["segments"]) == ("Only", [])
    cli.done("edit", post_id, "thread.md", "--to", "site,sky")
    assert (cli.post(post_id)["text"], cli.post(post_id)["segments"]) == ("One", ["Two"])


def test_a_dry_run_shows_the_requests_of_every_part_and_what_would_be_refused_of_any(cli: Command) -> None:
    ran = cli.done("add", "One", "--then", "Two", "--to", "sky", "--dry-run")
    assert "  part 1: 3 of 300 graphemes\n" in ran.out
    assert "  part 2: 3 of 300 graphemes\n" in ran.out
    assert ran.out.count("putRecord") == 2
    ran = cli("add", "One", "--then", "x" * 301, "--then", "", "--to", "sky", "--dry-run")
    assert ran.code == 4
    assert "part 2: text (for sky): 301 graphemes, the limit is 300; shorten it by 1." in ran.out
    assert "part 3: text (for sky): the post is empty; give it a text." in ran.out
    ran = cli("add", "One", "--then", "x" * 301, "--to", "sky", "--dry-run", "--json")
    found = ran.json
    assert found["lengths"]["graphemes"] == {"count": 301, "limit": 300}
    assert [part["graphemes"]["count"] for part in found["parts"]] == [3, 301]


def test_a_folder_has_a_thread_as_one_page(cli: Command) -> None:
    ran = cli.done("add", "thread.md", "--dry-run", "--json", "--set", "sky.text=x", "--to", "sky,site")
    (site,) = [each for each in ran.lines if each["account"] == "site"]
    page = site["calls"][-2]["body"]
    assert "One\n\nTwo\n\n![A bell](1-bell.png)\n\n![A cat](2-cat.png)" in page


def test_a_thread_that_says_the_same_is_a_duplicate_and_another_end_makes_it_none(cli: Command) -> None:
    cli.add("One", "--then", "Two", "--to", "site", "--at", FAR)
    assert "says the same" in cli("add", "One", "--then", "two", "--to", "site", "--at", FAR).err
    cli.add("One", "--then", "Three", "--to", "site", "--at", FAR)


def test_a_series_may_be_a_thread_with_choices_in_its_parts(cli: Command) -> None:
    words = ("--to", "site", "--repeat", "daily", "--time", "9am", "--start", "2099-01-01")
    series = cli.done("series", "add", "One {a|b}", "--then", "Two {c|d}", *words, "--json").json
    assert series["segments"] == ["Two {c|d}"]
    assert "Two {c|d}" in cli.done("series", "show", series["id"]).out
    assert "part 2" in cli("series", "add", "One", "--then", "{broken|", *words).err
    cli.done("series", "edit", series["id"], "--then", "Due")
    assert cli.done("series", "show", series["id"], "--json").json["segments"] == ["Due"]
    cli.done("series", "edit", series["id"], "--then", "")
    assert cli.done("series", "show", series["id"], "--json").json["segments"] == []
