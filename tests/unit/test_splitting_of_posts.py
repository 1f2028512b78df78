"""Texts that are too long for an account, and become threads there."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command import Command, german, with_accounts


FAR = "2099-01-01 10:00"
LONG = " ".join(f"Sentence number {number} says a little." for number in range(20))


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return with_accounts(tmp_path)


def _sky(cli: Command, post_id: str) -> list[str]:
    said = cli.post(post_id)["overrides"].get("sky", {"text": None, "segments": []})
    return [said["text"], *said["segments"]]


def test_what_is_too_long_is_refused_unless_it_may_become_a_thread(cli: Command) -> None:
    assert cli("add", LONG, "--to", "sky", "--at", FAR).code == 4
    post_id = cli.add(LONG, "--to", "sky,site", "--at", FAR, "--split")
    parts = _sky(cli, post_id)
    assert [len(part) <= 300 for part in parts] == [True] * 3
    assert " ".join(parts) == LONG
    assert list(cli.post(post_id)["overrides"]) == ["sky"], "a folder has no limit"
    assert cli.post(post_id)["segments"] == []


def test_the_parts_may_have_numbers_that_count(cli: Command) -> None:
    parts = _sky(cli, cli.add(LONG, "--to", "sky", "--numbered"))
    assert [part[-4:] for part in parts] == [" 1/3", " 2/3", " 3/3"]
    assert max(map(len, parts)) <= 300


def test_a_link_that_becomes_the_last_line_of_the_first_part_has_room_there(cli: Command) -> None:
    link, no_card = f"https://example.org/{'a' * 100}", ("--set", "sky.card=off")
    ran = cli.done("add", LONG, "--to", "sky", "--split", "--link", link, *no_card, "--dry-run", "--json")
    assert ran.json["problems"] == []
    bodies = [call["body"] for call in ran.json["calls"] if "putRecord" in call["url"]]
    first, second, *_ = [body["record"]["text"] for body in bodies]
    assert first.endswith(f".\n{link}")
    assert link not in second


def test_what_is_short_enough_or_a_thread_already_or_wrong_otherwise_stays(cli: Command) -> None:
    assert _sky(cli, cli.add("Short", "--to", "sky", "--split")) == [None]
    assert cli("add", "One", "--then", LONG, "--to", "sky", "--split", "--at", FAR).code == 4
    assert "langs" in cli("add", LONG, "--to", "sky", "--split", "--set", "sky.langs=nonsense!").err
    assert "the post is empty" in cli("add", "", "--to", "sky", "--split", "--at", FAR).err


def test_a_changed_text_is_split_anew_or_stays_whole_where_it_is_short_now(cli: Command) -> None:
    post_id = cli.add(LONG, "--to", "sky", "--numbered")
    cli.done("edit", post_id, f"Anew. {LONG}")
    parts = _sky(cli, post_id)
    assert parts[0].startswith("Anew. Sentence")
    assert parts[-1].endswith(" 3/3")
    cli.done("edit", post_id, "Short")
    assert cli.post(post_id)["overrides"] == {}


def test_an_account_that_comes_later_gets_its_thread_too(cli: Command) -> None:
    post_id = cli.add(LONG, "--to", "site")
    cli.done("edit", post_id, "--to", "site,sky", "--split")
    assert len(_sky(cli, post_id)) == 3


def test_what_was_written_for_the_account_alone_stays_its_own(cli: Command) -> None:
    post_id = cli.add("Short", "--to", "sky", "--split", "--set", f"sky.text={LONG}")
    assert len(_sky(cli, post_id)) == 3
    cli.done("edit", post_id, "Another")
    assert len(_sky(cli, post_id)) == 3


def test_a_file_says_it_and_an_editor_shows_the_text_whole(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "post.md").write_text(f'+++\nto = "sky"\nsplit = "numbered"\n+++\n{LONG}\n')
    post_id = cli.add("post.md")
    assert len(_sky(cli, post_id)) == 3
    (tmp_path / "editor").write_text(f'cp "$1" {tmp_path}/seen\nsed -i s/little/bit/ "$1"\n')
    monkeypatch.setenv("EDITOR", f"sh {tmp_path / 'editor'}")
    cli.done("edit", post_id)
    seen = (tmp_path / "seen").read_text()
    assert 'split = "numbered"\n' in seen
    assert "## @sky" not in seen
    assert "[sky]" not in seen
    assert " a bit. " in _sky(cli, post_id)[0]
    assert _sky(cli, post_id)[-1].endswith("/3")
    (tmp_path / "editor").write_text('sed -i /^split/d "$1"\n')
    cli.done("edit", post_id)
    assert cli.post(post_id)["overrides"] == {}


def test_a_series_writes_its_parts_out(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "series.md").write_text(
        '+++\nto = "site"\nsplit = true\n[repeat]\nrepeat = "daily"\ntime = "07:00"\n+++\nHello\n'
    )
    assert "front matter split: leave it out" in cli("series", "add", "series.md").err
