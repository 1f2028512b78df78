"""`account adds`, and posts with what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command import Command, german, with_accounts


FAR = "2099-01-01 10:00"
LONG = " ".join(f"Sentence number {number} says a little." for number in range(20))
ADDS = ("account", "adds", "sky")


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    german(monkeypatch)
    monkeypatch.chdir(tmp_path)
    return with_accounts(tmp_path)


def test_what_an_account_adds_is_set_shown_and_taken_away_one_by_one(cli: Command) -> None:
    assert cli.done(*ADDS).out == "adds  nothing\n"
    changed = cli.done(*ADDS, "--signature", "Ann", "--utm", "source={network}", "--utm", "utm_medium=x").out
    assert changed == (
        "Changed sky, which adds to what is written from now on: "
        "signature: Ann, utm_source: {network}, utm_medium: x.\n"
    )
    told = cli.done(*ADDS, "--utm", "Medium=none", "--utm-site", "a.example", "--json").json
    assert (told["signature"], told["utm"], told["utm_sites"]) == (
        "Ann",
        {"utm_source": "{network}"},
        ["a.example"],
    )
    assert "utm_source    {network}\nonly at       a.example\n" in cli.done("account", "show", "sky").out
    assert cli.done(*ADDS).out == "signature   Ann\nutm_source  {network}\nonly at     a.example\n"
    taken = cli.done(*ADDS, "--signature", "none", "--utm", "source=none", "--utm-site", "none").out
    assert taken == "Changed sky, which adds to what is written from now on: nothing.\n"


def test_what_cannot_be_added_is_refused(cli: Command) -> None:
    ran = cli(*ADDS, "--utm", "source")
    assert ran.code == 4
    assert "--utm: 'source' is not of the form PARAMETER=TEXT, for instance source={network}." in ran.err
    assert "there is no parameter 'utm_sauce'. Did you mean source?" in cli(*ADDS, "--utm", "sauce=x").err
    assert cli("account", "adds", "nobody").code == 3


def test_a_dry_run_and_show_tell_what_is_added(cli: Command) -> None:
    cli.done(*ADDS, "--signature", "Ann", "--utm", "source={network}")
    words = ("https://a.example", "--to", "sky", "--at", FAR)
    ran = cli.done("add", *words, "--dry-run")
    assert "text: 41 of 300 graphemes" in ran.out
    assert "https://a.example?utm_source=bluesky\\n\\nAnn" in ran.out
    shown = cli.done("show", cli.add(*words)).out
    assert 'signature = "Ann"' in shown
    assert 'utm_source = "bluesky"' in shown


def test_a_post_is_bare_by_an_option_or_its_file(cli: Command) -> None:
    cli.done(*ADDS, "--signature", "Ann")
    post_id = cli.add("Hello", "--to", "sky", "--at", FAR, "--bare")
    assert cli.post(post_id)["overrides"] == {}
    assert "its accounts add nothing" in cli.done("show", post_id).out
    Path("post.md").write_text(f'+++\nto = "sky"\nat = "{FAR}"\nbare = true\n+++\nGood morning\n')
    assert cli.post(cli.add("post.md"))["bare"]
    Path("post.md").write_text("+++\nbare = false\n+++\nHello\n")
    cli.done("edit", post_id, "post.md")
    assert cli.post(post_id)["overrides"]["sky"]["added"]["signature"] == "Ann"


def test_what_is_added_is_no_part_of_what_is_edited(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.done(*ADDS, "--signature", "Ann", "--utm", "source=x")
    post_id = cli.add("Hello", "--to", "sky", "--bare")
    cli.done("edit", post_id, "--to", "sky", "--title", "One")
    for bare in (True, False):
        editor = Path("editor.sh")
        script = 'cp "$1" seen.md; sed -i "s/bare = true//; s/Hello/Bye/" "$1"'
        editor.write_text(f"#!/bin/sh\n{script}\n")
        editor.chmod(0o755)
        monkeypatch.setenv("EDITOR", str(editor.absolute()))
        cli.done("edit", post_id)
        seen = Path("seen.md").read_text()
        assert ("\nbare = true" in seen) is bare
        assert "[sky]" not in seen
        assert "Ann" not in seen
    assert cli.post(post_id)["overrides"]["sky"]["added"]["utm"] == {"utm_source": "x"}


def test_the_last_part_of_a_thread_has_room_for_the_signature_and_each_for_its_tags(cli: Command) -> None:
    signature = f"Signed by Ann, {'who writes long names ' * 8}"
    cli.done(*ADDS, "--signature", signature, "--utm", "source={network}", "--utm", "medium=social")
    text = f"https://a.example/{'b' * 210} {LONG} https://c.example"
    ran = cli.done("add", text, "--to", "sky", "--numbered", "--at", FAR, "--dry-run", "--json")
    assert ran.json["problems"] == []
    sent = [call["body"]["record"]["text"] for call in ran.json["calls"] if "putRecord" in call["url"]]
    assert max(map(len, sent)) <= 300
    count = len(sent)
    *others, last = sent
    assert all(part.endswith(f" {number}/{count}") for number, part in enumerate(others, 1))
    assert last.endswith(f" {count}/{count}\n\n{signature.strip()}")
    assert sum(part.count("utm_source=bluesky&utm_medium=social") for part in sent) == 2
    post = cli.post(cli.add(text, "--to", "sky", "--numbered", "--at", FAR))
    said = post["overrides"]["sky"]
    assert "utm_" not in "".join([said["text"], *said["segments"]])
    assert signature.strip() not in said["segments"][-1]


def test_series_say_that_a_file_cannot_be_bare(cli: Command) -> None:
    Path("series.md").write_text('+++\nto = "sky"\nbare = true\n[repeat]\nevery = "day"\n+++\nHello\n')
    ran = cli("series", "add", "series.md")
    assert "front matter bare: leave it out: `postbell account adds` says what is added." in ran.err
