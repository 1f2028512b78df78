"""First comments from the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from postbell.store import comments
from support.command import Command, german, with_accounts


FAR = "2099-01-01 10:00"
SAID = ("--comment", "By the way", "--comment-after", "5 min")


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return with_accounts(tmp_path)


def test_a_post_has_one_and_shows_it(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "sky", "--at", FAR, *SAID)
    assert cli.post(post_id)["comment"] == {"text": "By the way", "after_seconds": 300.0}
    assert cli.post(post_id)["comments"] == []
    assert "comment  By the way (after 5 min)\n" in cli.done("show", post_id).out
    assert cli.post(cli.add("Hi", "--to", "sky", "--comment", "Now"))["comment"]["after_seconds"] == 0


def test_where_there_are_none_it_is_told_that_it_is_left_out(cli: Command) -> None:
    ran = cli.done("add", "Hello", "--to", "sky,site", *SAID)
    assert ran.err == "note: --comment (for site): Folder publishes no first comment; it is left out there.\n"
    ran = cli.done("add", "Hello", "--to", "site", *SAID, "--dry-run")
    assert "note: --comment (for site): Folder publishes no first comment" in ran.out


def test_a_comment_that_is_too_long_is_refused_like_a_post(cli: Command) -> None:
    ran = cli("add", "Hello", "--to", "sky", "--at", FAR, "--comment", "x" * 301)
    assert ran.code == 4
    assert "comment: text (for sky): 301 graphemes, the limit is 300; shorten it by 1." in ran.err


def test_an_account_may_say_something_else_there(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "sky", "--set", "sky.comment=Mine", *SAID)
    assert cli.post(post_id)["overrides"]["sky"]["comment"] == "Mine"
    assert 'comment = "Mine"' in cli.done("show", post_id).out


def test_a_dry_run_shows_its_request_behind_those_of_the_post(cli: Command) -> None:
    ran = cli.done("add", "Hello", "--to", "sky", *SAID, "--dry-run", "--json")
    first, second = [call["body"]["record"] for call in ran.json["calls"]]
    assert (first["text"], second["text"]) == ("Hello", "By the way")
    assert second["reply"]["parent"]["uri"] == "<id of the post>"


def test_it_is_changed_and_taken_away(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "sky", *SAID)
    cli.done("edit", post_id, "--comment-after", "1 h")
    assert cli.post(post_id)["comment"] == {"text": "By the way", "after_seconds": 3600.0}
    cli.done("edit", post_id, "--comment", "Or so")
    assert cli.post(post_id)["comment"] == {"text": "Or so", "after_seconds": 3600.0}
    cli.done("edit", post_id, "--comment-after", "")
    assert cli.post(post_id)["comment"] == {"text": "Or so", "after_seconds": 0.0}
    cli.done("edit", post_id, "Another text")
    assert cli.post(post_id)["comment"]
    cli.done("edit", post_id, "--comment", "")
    assert cli.post(post_id)["comment"] is None


def test_a_wait_alone_is_refused(cli: Command) -> None:
    ran = cli("add", "Hello", "--to", "sky", "--comment-after", "5 min", "--at", FAR)
    assert "--comment-after: it is the wait of a first comment; give that too, with --comment." in ran.err


def test_a_file_has_one_and_the_editor_shows_it(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = 'to = "sky"\ncomment = "By the way"\ncomment_after = "5 min"\n[sky]\ncomment = "Mine"\n'
    (tmp_path / "post.md").write_text(f"+++\n{head}+++\nHello\n")
    post_id = cli.add("post.md")
    (tmp_path / "editor").write_text(f'cp "$1" {tmp_path}/seen\nsed -i s/way/road/ "$1"\n')
    monkeypatch.setenv("EDITOR", f"sh {tmp_path / 'editor'}")
    cli.done("edit", post_id)
    assert 'comment = "By the way"\ncomment_after = "5 min"\n' in (tmp_path / "seen").read_text()
    assert cli.post(post_id)["comment"] == {"text": "By the road", "after_seconds": 300.0}
    assert cli.post(post_id)["overrides"]["sky"]["comment"] == "Mine"
    (tmp_path / "editor").write_text('sed -i /^comment/d "$1"\n')
    cli.done("edit", post_id)
    assert cli.post(post_id)["comment"] is None


def test_how_it_does_is_shown(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "sky", "--at", FAR, *SAID)
    now = datetime(2099, 1, 1, 12, tzinfo=UTC)
    with cli.store() as store, store.write() as tx:
        (number,) = tx.exec_driver_sql("SELECT id FROM delivery").scalars()
        comments.plan_comment(tx, number, now)
        found = comments.find_comment(tx, number)
        assert found
    assert "first comment: waits until 2099-01-01 13:00:00 CET\n" in cli.done("show", post_id).out
    with cli.store() as store, store.write() as tx:
        comments.begin_comment(tx, found, now)
    assert "first comment: sending\n" in cli.done("show", post_id).out
    with cli.store() as store, store.write() as tx:
        comments.put_comment_off(tx, number, "it rests", now, state=found.state)
    assert "first comment: waits until 2099-01-01 13:00:00 CET: it rests\n" in cli.done("show", post_id).out
    (shown,) = cli.post(post_id)["comments"]
    assert (shown["account"], shown["state"], shown["message"]) == ("sky", "waiting", "it rests")
    with cli.store() as store, store.write() as tx:
        again = comments.find_comment(tx, number)
        assert again
        comments.begin_comment(tx, again, now)
        comments.publish_comment(tx, number, receipt_id="r", url="https://a.example/c")
    assert "first comment: published: https://a.example/c\n" in cli.done("show", post_id).out


def test_a_series_may_have_one_with_choices(cli: Command) -> None:
    words = ("--to", "sky,site", "--repeat", "daily", "--time", "9am", "--start", "2099-01-01")
    ran = cli.done("series", "add", "Hello", *words, "--comment", "{a|b}", "--comment-after", "1 h", "--json")
    assert ran.json["comment"] == {"text": "{a|b}", "after_seconds": 3600.0}
    assert [problem["where"] for problem in ran.json["problems"]] == ["--comment"]
    said = {each["comment"]["text"] for each in cli.done("list", "--json").lines}
    assert said <= {"a", "b"}
    assert "{a|b}" in cli.done("series", "show", ran.json["id"]).out
    assert "comment" in cli("series", "add", "Hello", *words, "--comment", "{a|b").err
    cli.done("series", "edit", ran.json["id"], "--comment", "c")
    found = cli.done("series", "show", ran.json["id"], "--json").json
    assert found["comment"] == {"text": "c", "after_seconds": 3600.0}
    cli.done("series", "edit", ran.json["id"], "--comment", "")
    assert cli.done("series", "show", ran.json["id"], "--json").json["comment"] is None
