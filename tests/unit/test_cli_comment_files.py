"""Files of first comments from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import pictures
from support.command import Command, german, with_accounts


FAR = "2099-01-01 10:00"
SAID = ("--comment", "By the way", "--media", "bell.png=A bell", "--media", "comment:cat.png=A cat")
MANUSCRIPT = """\
+++
to = ["sky"]
comment = "By the way"
media = [{file = "bell.png", alt = "A bell"}, {file = "cat.png", alt = "A cat", part = "comment"}]
+++
Hello
"""


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    for name in ("bell.png", "cat.png"):
        (tmp_path / name).write_bytes(pictures.png())
    (tmp_path / "post.md").write_text(MANUSCRIPT)
    return with_accounts(tmp_path)


def _files(cli: Command, post_id: str) -> list[tuple[str, int]]:
    return [(item["name"], item["part"]) for item in cli.post(post_id)["media"]]


def test_a_file_says_that_the_comment_shows_it(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "sky", "--at", FAR, *SAID)
    assert _files(cli, post_id) == [("bell.png", 1), ("cat.png", 0)]
    assert "cat.png (image/png, 40 x 30) in the first comment: A cat" in cli.done("show", post_id).out


def test_a_dry_run_shows_it_with_the_comment_and_not_with_the_post(cli: Command) -> None:
    ran = cli.done("add", "Hello", "--to", "sky", *SAID, "--dry-run", "--json")
    records = [call["body"]["record"] for call in ran.json["calls"] if "record" in (call["body"] or {})]
    alts = [[image["alt"] for image in record["embed"]["images"]] for record in records]
    assert alts == [["A bell"], ["A cat"]]


def test_a_network_that_puts_none_there_refuses_them_and_says_what_to_do(cli: Command) -> None:
    ran = cli("add", "Hello", "--to", "sky,site", "--at", FAR, *SAID)
    assert ran.code == 4
    assert (
        "comment: media (for site): Folder puts no files into a first comment; leave them out, or say "
        "nothing there: --set site.comment="
    ) in ran.err
    assert cli.add("Hello", "--to", "sky,site", "--at", FAR, *SAID, "--set", "site.comment=")


def test_without_a_comment_there_is_nothing_to_show_it(cli: Command) -> None:
    ran = cli("add", "Hello", "--to", "sky", "--at", FAR, "--media", "comment:cat.png=A cat")
    assert ran.code == 4
    assert "media cat.png: there is no first comment to show it; give that a text with --comment" in ran.err


def test_a_file_says_so_too_and_the_editor_shows_it(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    post_id = cli.add("post.md")
    assert _files(cli, post_id) == [("bell.png", 1), ("cat.png", 0)]
    (tmp_path / "editor").write_text(f'cp "$1" {tmp_path}/seen\nsed -i s/way/road/ "$1"\n')
    monkeypatch.setenv("EDITOR", f"sh {tmp_path / 'editor'}")
    cli.done("edit", post_id)
    assert 'part = "comment"' in (tmp_path / "seen").read_text()
    assert _files(cli, post_id) == [("bell.png", 1), ("cat.png", 0)]


def test_it_goes_with_the_comment(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "sky", "--at", FAR, *SAID)
    cli.done("edit", post_id, "--comment", "Or so")
    assert _files(cli, post_id) == [("bell.png", 1), ("cat.png", 0)]
    cli.done("edit", post_id, "--comment", "")
    assert _files(cli, post_id) == [("bell.png", 1)]


def test_posts_of_a_series_have_it(cli: Command) -> None:
    words = ("--repeat", "daily", "--time", "07:30", "--to", "sky")
    cli.done("series", "add", "Good day", *words, *SAID)
    made = [each for each in cli.done("list", "--json").lines if each["series"]]
    assert [item["part"] for item in made[0]["media"]] == [1, 0]
    ran = cli("series", "add", "Good day", *words[:-1], "site", *SAID)
    assert "Folder puts no files into a first comment" in ran.err


def test_a_network_tells_if_it_puts_files_there(cli: Command) -> None:
    assert "is published below the post, with files." in cli.done("networks", "mastodon").out
    assert "is published below the post; files for it are refused." in cli.done("networks", "wordpress").out
    assert cli.done("networks", "threads", "--json").json["comment_files"] is True
