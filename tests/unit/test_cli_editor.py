"""Posts written in an editor."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from postbell.domain.weekly import WeeklySlots, parse_weekly
from postbell.store import accounts
from postbell.store.tables import core as tables
from support import pictures
from support.command import Command, Ran, german, with_accounts
from support.editor import Editor


FAR = "2099-01-01 10:00"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.delenv("VISUAL", raising=False)
    return with_accounts(tmp_path)


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    return Editor(tmp_path, monkeypatch)


def kept(ran: Ran) -> Path:
    """The file that the error names."""
    found = re.search(r"what you wrote is kept in (\S+\.md)", ran.err, re.IGNORECASE)
    assert found, ran.err
    return Path(found[1])


def left_over(folder: Path) -> list[Path]:
    return list(folder.glob("postbell-*.md"))


def test_a_post_is_written_in_the_editor(cli: Command, editor: Editor, tmp_path: Path) -> None:
    editor.writes(f'+++\nto = "site"\nat = "{FAR}"\n+++\nHello')
    ran = cli.done("add", "--edit", "--title", "Bell", "--json")
    assert (ran.json["text"], ran.json["local"]) == ("Hello", "2099-01-01T10:00:00")
    seen = editor.seen.read_text()
    assert 'title = "Bell"' in seen
    assert "Accounts: site (folder), sky (bluesky)" in seen
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("script", [': > "$1"', 'echo "+++\n+++" > "$1"'])
def test_nothing_is_stored_if_the_editor_leaves_nothing(
    cli: Command, editor: Editor, tmp_path: Path, script: str
) -> None:
    editor(script)
    before = cli.stored()
    ran = cli("add", "--edit", "--to", "site")
    assert (ran.code, ran.err) == (1, "postbell: What the editor left is empty; nothing was stored.\n")
    assert cli.stored() == before
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("words", [(), ("--title", "Bell"), ("--at", FAR), ("--media", "bell.png=A bell")])
def test_nothing_is_stored_if_nothing_is_written(
    cli: Command, editor: Editor, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "bell.png").write_bytes(pictures.png())
    editor("true")
    before = cli.stored()
    ran = cli("add", "--edit", "--to", "site", *words)
    assert (ran.code, ran.err) == (1, "postbell: Nothing was written; nothing was stored.\n")
    assert cli.stored() == before
    assert left_over(tmp_path) == []


def test_a_text_that_was_given_is_stored_as_it_is(cli: Command, editor: Editor) -> None:
    editor("true")
    assert cli.done("add", "Hello", "--edit", "--json").json["text"] == "Hello"


def test_what_cannot_be_stored_is_kept_and_named(cli: Command, editor: Editor) -> None:
    editor.writes('+++\ntitel = "x"\n+++\nHello')
    ran = cli("add", "--edit")
    assert ran.code == 4
    assert "front matter titel: the edited file, line 2: " in ran.err
    assert kept(ran).read_text().endswith("Hello\n")


def test_what_is_too_long_is_kept_too(cli: Command, editor: Editor) -> None:
    editor.writes(f'+++\nto = "sky"\nat = "{FAR}"\n+++\n{"a" * 301}')
    ran = cli("add", "--edit")
    assert ran.code == 4
    assert "301 graphemes" in ran.err
    assert kept(ran).exists()


def test_an_editor_that_fails_stores_nothing(cli: Command, editor: Editor) -> None:
    editor("exit 3")
    ran = cli("add", "Hello", "--edit")
    assert ran.code == 1
    assert "The editor ended with 3; nothing was stored. What you wrote is kept in" in ran.err
    assert kept(ran).exists()


def test_an_editor_that_is_not_there_is_named(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "/nowhere/editor")
    ran = cli("add", "Hello", "--edit")
    assert ran.code == 1
    assert "The editor '/nowhere/editor' cannot be started" in ran.err
    assert "Set VISUAL or EDITOR." in ran.err


@pytest.mark.parametrize("command", ["add", "edit"])
def test_without_a_terminal_an_editor_must_be_named(
    cli: Command, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.delenv("EDITOR", raising=False)
    post_id = cli.add("Hello", "--to", "site")
    ran = cli("add", "--edit") if command == "add" else cli("edit", post_id)
    assert ran.code == 2
    assert "Set VISUAL or EDITOR, or give options instead." in ran.err


@pytest.mark.parametrize("words", [("--no-input", "add", "--edit"), ("add", "--edit", "--dry-run")])
def test_an_editor_is_not_opened_where_nobody_is_or_nothing_is_stored(cli: Command, words: list[str]) -> None:
    ran = cli(*words)
    assert ran.code == 2
    assert "exclude each other" in ran.err


def test_a_whole_post_is_edited(cli: Command, editor: Editor, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(pictures.png(ord(name[0])))
    post_id = cli.add(
        *("Hello", "--to", "site,sky", "--title", "T", "--media", "a.png=A", "--media", "b.png=B"),
        *("--set", "sky.text=Hi", "--set", "bluesky.langs=en"),
    )
    (tmp_path / "a.png").unlink()
    (tmp_path / "c.png").write_bytes(pictures.png(8))
    editor.writes('+++\nto = "site"\nmedia = ["c.png", {file = "a.png", alt = "New"}]\n+++\nGood bye')
    cli.done("edit", post_id)
    post = cli.post(post_id)
    assert (post["text"], post["title"], post["overrides"]) == ("Good bye", None, {})
    assert [(item["name"], item["alt"]) for item in post["media"]] == [("c.png", ""), ("a.png", "New")]
    assert [item["account"] for item in post["deliveries"]] == ["site"]


def test_a_post_that_is_left_as_it_is_stays_as_it_is(cli: Command, editor: Editor) -> None:
    post_id = cli.add("Hello \n\n", "--to", "sky", "--at", FAR, "--set", "bluesky.langs=en")
    before = cli.stored()
    editor("true")
    assert "note: Nothing was changed.\n" in cli.done("edit", post_id).err
    assert cli.stored() == before


def test_a_dated_draft_stays_a_draft_in_the_editor(cli: Command, editor: Editor) -> None:
    post_id = cli.add("Hello", "--to", "site", "--at", FAR, "--draft")
    editor('sed -i s/Hello/Hi/ "$1"')
    cli.done("edit", post_id)
    assert (cli.post(post_id)["state"], cli.post(post_id)["text"]) == ("draft", "Hi")


def test_a_time_that_is_changed_in_the_editor_is_taken(cli: Command, editor: Editor) -> None:
    post_id = cli.add("Hello", "--to", "site", "--at", FAR)
    editor('sed -i s/10:00/11:00/ "$1"')
    cli.done("edit", post_id)
    assert cli.post(post_id)["deliveries"][0]["due_at"] == "2099-01-01T10:00:00Z"


def test_the_time_of_a_scheduled_post_is_not_lost_in_the_editor(cli: Command, editor: Editor) -> None:
    post_id = cli.add("Hello", "--to", "site", "--at", FAR)
    editor.writes('+++\nto = "site"\n+++\nHello')
    ran = cli("edit", post_id)
    assert ran.code == 4
    assert f"`postbell reschedule {post_id} --draft` takes it away" in ran.err
    assert kept(ran).exists()


def test_a_post_that_cannot_be_changed_is_not_opened(cli: Command, editor: Editor) -> None:
    post_id = cli.add("Hello", "--to", "site")
    cli.done("cancel", post_id)
    editor("true")
    assert cli("edit", post_id).code == 5
    assert not editor.seen.exists()


def test_limits_and_labels_are_shown_changed_and_taken_away(cli: Command, editor: Editor) -> None:
    limits = ("--late-limit", "6 h", "--delete-after", "2 d", "--not-after", "2099-01-01 12:00")
    post_id = cli.add(
        "Hello", "--to", "site", "--at", FAR, "--label", "news,old", "--allow-duplicate", *limits
    )
    editor("""sed -i -e 's/6 h/1 h/' -e '/^delete_after/d' -e '/^labels/d' -e '/^allow/d' "$1" """)
    cli.done("edit", post_id)
    seen = editor.seen.read_text()
    for line in (
        'late_limit = "6 h"',
        'delete_after = "2 d"',
        'labels = ["news", "old"]',
        "allow_duplicate = true",
    ):
        assert f"\n{line}\n" in seen
    assert '\nnot_after = "2099-01-01 12:00"\n' in seen
    post = cli.post(post_id)
    assert (post["late_limit_seconds"], post["delete_after_seconds"]) == (3600, None)
    assert (post["labels"], post["allow_duplicate"]) == ([], False)
    assert post["not_after"] == "2099-01-01T11:00:00Z"


def test_another_last_moment_is_understood(cli: Command, editor: Editor) -> None:
    post_id = cli.add("Hello", "--to", "site", "--at", FAR, "--not-after", "2099-01-01 12:00:30")
    editor("""sed -i -e 's/12:00:30/13:00/' "$1" """)
    cli.done("edit", post_id)
    assert cli.post(post_id)["not_after"] == "2099-01-01T12:00:00Z"
    editor("""sed -i -e '/^not_after/d' "$1" """)
    cli.done("edit", post_id)
    assert cli.post(post_id)["not_after"] is None


def test_a_last_moment_that_is_past_stays_if_nobody_touches_it(cli: Command, editor: Editor) -> None:
    post_id = cli.add("Hello", "--to", "site")
    past = datetime(2020, 1, 1, 12, tzinfo=UTC)
    with cli.store() as store, store.write() as tx:
        tx.execute(update(tables.post).values(not_after=past))
    editor("""sed -i -e 's/Hello/Bye/' "$1" """)
    cli.done("edit", post_id)
    assert (cli.post(post_id)["text"], cli.post(post_id)["not_after"]) == ("Bye", "2020-01-01T12:00:00Z")


def test_a_post_is_put_into_the_queue_and_keeps_its_place_there(cli: Command, editor: Editor) -> None:
    with cli.store() as store, store.write() as tx:
        times = parse_weekly(["daily 09:00"], where="times")
        accounts.set_slots(tx, "site", WeeklySlots(zone="Europe/Berlin", times=times))
    post_id = cli.add("Hello", "--to", "site", "--at", FAR)
    editor("""sed -i -e 's/^at = .*/queue = true/' "$1" """)
    assert "the next free posting time" in cli.done("edit", post_id).out
    due = cli.post(post_id)["deliveries"][0]
    editor("""sed -i -e 's/Hello/Bye/' "$1" """)
    cli.done("edit", post_id)
    assert cli.post(post_id)["deliveries"][0] == due
