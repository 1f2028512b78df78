"""`postbell edit --published`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postbell.store import accounts, deliveries
from support.command import Command, german, with_accounts


NOW = datetime(2100, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    return with_accounts(tmp_path)


def published(cli: Command, *words: str) -> str:
    post_id = cli.add("Hello", *words, "--now")
    claimed = cli.claim().values()
    with cli.store() as store, store.write() as tx:
        for each in claimed:
            deliveries.record_published(
                tx, each.id, receipt_id="1", url="https://a.test/1", warnings=(), now=NOW
            )
    return post_id


def test_it_says_what_happens_and_show_says_what_it_said(cli: Command) -> None:
    post_id = published(cli, "--to", "site")
    done = cli.done("edit", post_id, "Hello, everybody", "--published", "--title", "Hi")
    assert done.out == f"Post {post_id} is being changed on site: see `postbell show {post_id}`.\n"
    assert "no daemon is running; it is changed when one is started" in done.err
    shown = cli.done("show", post_id).out
    assert "is changed: " in shown
    assert shown.rstrip().endswith("it said:\n\nHello")
    told = cli.done("show", post_id, "--json").json
    assert (told["text"], told["title"]) == ("Hello, everybody", "Hi")
    assert [each["text"] for each in told["revisions"]] == ["Hello"]
    saved = cli.done("edit", post_id, "--published", "--title", "", "--json").json
    assert (saved["title"], saved["notes"]) == (None, [])
    with cli.store() as store, store.write() as tx:
        tx.exec_driver_sql("UPDATE delivery SET edited_at = edit_at, edit_at = NULL")
    assert "  changed: " in cli.done("show", post_id).out


def test_a_file_that_says_the_rest_as_it_was_will_do(cli: Command, tmp_path: Path) -> None:
    post_id = published(cli, "--to", "site", "--label", "news", "--comment", "By the way")
    (tmp_path / "post.md").write_text('+++\nto = ["site"]\ncomment = "By the way"\n+++\nHello, all')
    cli.done("edit", post_id, tmp_path / "post.md", "--published")
    assert cli.done("show", post_id, "--json").json["text"] == "Hello, all"
    (tmp_path / "post.md").write_text('+++\nto = ["sky"]\nlabels = ["x"]\nat = "tomorrow 9am"\n+++\nHello')
    refused = cli("edit", post_id, tmp_path / "post.md", "--published").err
    for where in ("--at", "--to", "terms"):
        assert f"{where}: the post is published: its text, title, link, alt texts and options" in refused


def test_without_anything_the_editor_opens(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    post_id = published(cli, "--to", "site")
    script = tmp_path / "editor"
    script.write_text('#!/bin/sh\nsed -i "s/Hello/Hello, editor/" "$1"\n')
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    cli.done("edit", post_id, "--published")
    assert cli.done("show", post_id, "--json").json["text"] == "Hello, editor"
    assert "`postbell edit" in cli("edit", post_id, "Other").err


def test_what_waits_for_a_login_says_so(cli: Command) -> None:
    post_id = published(cli, "--to", "site")
    cli.done("edit", post_id, "Hello, everybody", "--published")
    assert "waits: " not in cli.done("show", post_id).out
    with cli.store() as store, store.write() as tx:
        (account,) = [each for each in accounts.list_accounts(tx) if each.name == "site"]
        accounts.mark_unauthorized(tx, account.id, "the token is old")
    shown = cli.done("show", post_id).out
    assert "waits: account site must be reconnected: the token is old" in shown
    with cli.store() as store, store.write() as tx:
        tx.exec_driver_sql("UPDATE delivery SET edited_at = edit_at, edit_at = NULL")
    assert "waits: " not in cli.done("show", post_id).out


def test_a_dry_run_shows_what_would_change_and_changes_nothing(cli: Command) -> None:
    post_id = published(cli, "--to", "site", "--link", "https://example.org/")
    words = ("edit", post_id, "Hello, everybody", "--published", "--dry-run")
    done = cli.done(*words).out
    assert done == (
        "\nsite (folder): https://a.test/1\n  - Hello\n  + Hello, everybody\n"
        "\nNothing was stored, nothing was sent.\n"
    )
    told = json.loads(cli.done(*words, "--json").out)
    assert told["changes"] == ["- Hello", "+ Hello, everybody"]
    assert "as it is, once more" in cli.done("edit", post_id, "Hello", "--published", "--dry-run").out
    assert cli.done("show", post_id, "--json").json["text"] == "Hello"


def test_pictures_without_alt_text_are_noted(cli: Command, tmp_path: Path) -> None:
    from support.pictures import png

    (tmp_path / "a.png").write_bytes(png())
    post_id = published(cli, "--to", "site", "--media", str(tmp_path / "a.png"))
    assert "alt text" in cli.done("edit", post_id, "Hi", "--published", "--dry-run").err
    assert "alt text" in cli.done("edit", post_id, "Hi", "--published").err
    assert "stay as they are" in cli("edit", post_id, "--no-media", "--published").err


def test_a_network_that_changes_nothing_is_told_with_a_way_out(cli: Command) -> None:
    post_id = published(cli, "--to", "sky,site")
    refused = cli("edit", post_id, "Other", "--published")
    assert "sky: Bluesky changes nothing that is public" in refused.err
    assert "Nothing was changed; `--account` names one of the others." in refused.err
    cli.done("edit", post_id, "Other", "--published", "--account", "site")
    told = cli.done("show", post_id, "--json").json
    assert (told["text"], told["overrides"]["site"]["text"]) == ("Hello", "Other")
    assert [bool(each["edit_at"]) for each in told["deliveries"]] == [False, True]


def test_its_options_go_with_it_alone(cli: Command) -> None:
    post_id = cli.add("Hello", "--to", "site")
    for word in (("--account", "site"), ("--dry-run",)):
        assert f"{word[0]} belongs to --published." in cli("edit", post_id, "Other", *word).err
    assert "is public, as far as is known" in cli("edit", post_id, "Other", "--published").err
