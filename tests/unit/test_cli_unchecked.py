"""`--unchecked`: posts of which the networks decide whether they take them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command import Command, german, with_accounts


FAR = "2099-01-01 10:00"
LONG = "word " * 70
DECIDES = "Unchecked: Bluesky decides."


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    monkeypatch.chdir(tmp_path)
    return with_accounts(tmp_path)


def test_what_is_too_long_is_told_and_stored_and_shown(cli: Command) -> None:
    words = ("add", LONG, "--to", "sky", "--at", FAR)
    assert cli(*words).code == 4
    ran = cli.done(*words, "--unchecked")
    assert "the limit is 300" in ran.err
    assert DECIDES in ran.err
    post = cli.done("list", "--json").json
    assert (post["state"], post["unchecked"]) == ("scheduled", True)
    assert "the networks decide what they take" in cli.done("show", post["id"]).out


def test_a_dry_run_tells_it(cli: Command) -> None:
    ran = cli.done("add", LONG, "--to", "sky", "--at", FAR, "--unchecked", "--dry-run")
    assert DECIDES in ran.out + ran.err


def test_a_file_says_it_and_takes_it_back(cli: Command) -> None:
    Path("post.md").write_text(f'+++\nto = "sky"\nat = "{FAR}"\nunchecked = true\n+++\n{LONG}\n')
    post_id = cli.add("post.md")
    assert cli.post(post_id)["unchecked"]
    Path("post.md").write_text("+++\nunchecked = false\n+++\nHello\n")
    cli.done("edit", post_id, "post.md")
    assert not cli.post(post_id)["unchecked"]


def test_an_edit_makes_a_post_unchecked(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "sky", "--at", FAR)
    assert cli("edit", post_id, LONG).code == 4
    assert DECIDES in cli.done("edit", post_id, LONG, "--unchecked").err
    assert cli.post(post_id)["unchecked"]


def test_an_option_that_there_is_not_is_left_out(cli: Command) -> None:
    words = ("--to", "sky", "--at", FAR, "--unchecked", "--set", "sky.labls=nudity")
    ran = cli.done("add", "Hello", *words)
    assert "sky.labls (for sky): there is no such option. Did you mean labels?" in ran.err
    assert "Unchecked: it is left out." in ran.err


def test_a_series_is_always_checked(cli: Command) -> None:
    Path("series.md").write_text(
        '+++\nto = "sky"\nunchecked = true\n[repeat]\nrepeat = "daily"\n+++\nHello\n'
    )
    ran = cli("series", "add", "series.md")
    assert ran.code == 4
    assert "front matter unchecked: leave it out" in ran.err
