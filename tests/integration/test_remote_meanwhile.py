"""What somebody else has changed meanwhile is not overwritten from another machine, as it is not on it."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from postbell.errors import Stale
from postbell.remote.client import Client
from postbell.remote.workshop import RemoteWorkshop
from postbell.services.posts.wanted import Changes
from postbell.services.series.series import SeriesChanges
from support.command import Ran
from support.editor import Editor
from support.elsewhere import Two, two_in


class Moving(Client):
    """As often as `moves` says, a post comes further between a look at it and its change."""

    moves = 0

    def tagged(self, path: str) -> tuple[Any, str | None]:
        told, tag = super().tagged(path)
        self.moves -= 1
        return told, '"of-another-state"' if self.moves >= 0 else tag


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with two_in(tmp_path_factory.mktemp("remote")) as made:
        yield made


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.delenv("VISUAL", raising=False)
    return Editor(tmp_path, monkeypatch)


def nowhere(_label: str, _length: int) -> Any:
    raise AssertionError("no file is sent")


@pytest.fixture
def client(two: Two) -> Moving:
    return Moving(two.url, two.key_file)


@pytest.fixture
def desk(client: Moving) -> Iterator[RemoteWorkshop]:
    made = RemoteWorkshop(client, nowhere)
    yield made
    made.close()


def add(two: Two, *when: str) -> str:
    return two.here("-q", "add", "As it was", "--to", "out", *when, "--allow-duplicate").out.strip()


def text_of(two: Two, post: str) -> str:
    return str(json.loads(two.here("show", post, "--json").out)["text"])


def told(ran: Ran, post: str) -> tuple[int, str]:
    """Return how a command ended and what it said, whatever post and file it was about."""
    return ran.code, re.sub(r"\S+\.md", "FILE", ran.err.replace(post, "ID"))


@pytest.mark.parametrize("how", [(), ("--published",)], ids=["to come", "published"])
def test_what_is_changed_while_the_editor_is_open_stays_and_what_was_written_is_kept(
    two: Two, editor: Editor, how: tuple[str, ...]
) -> None:
    found = []
    for run in (two.here, two.there):
        post = add(two, "--now" if how else "--draft")
        if how:
            assert two.here("wait", post).code == 0
        other = [sys.executable, "-m", "postbell", *two.home.options, "edit", post, "Of somebody else", *how]
        editor(f'{shlex.join(other)} >/dev/null 2>&1 || exit 1\nsed -i "s/As it was/Mine/" "$1"')
        ran = run("edit", post, *how)
        (file,) = re.findall(r"kept in (\S+\.md)", ran.err)
        assert "Mine" in Path(file).read_text()
        assert text_of(two, post) == "Of somebody else"
        found.append(told(ran, post))
    assert found[0] == found[1]
    assert found[1][0] == 5


def test_a_time_is_given_to_nothing_that_was_changed_meanwhile(two: Two, desk: RemoteWorkshop) -> None:
    post = desk.load_post(add(two, "--at", "in 3 d"))
    assert two.here("edit", post.id, "Of somebody else").code == 0
    with pytest.raises(Stale, match=f"Post {post.id} was changed"):
        desk.unschedule(post)


def test_of_two_changes_of_a_series_at_once_the_second_is_refused(two: Two, desk: RemoteWorkshop) -> None:
    words = ("--to", "out", "--repeat", "daily", "--time", "07:30", "--start", "2099-01-01", "--json")
    made = two.here("series", "add", "As it was", *words)
    series, _pause = desk.load_series(json.loads(made.out)["id"])
    assert two.here("series", "edit", series.id, "Of somebody else").code == 0
    with pytest.raises(Stale, match=f"Series {series.id} was changed"):
        desk.edit_series(series, SeriesChanges(text="Mine"))
    again, _pause = desk.load_series(series.id)
    assert desk.edit_series(again, SeriesChanges(text="Mine")).series.content.text == "Mine"


def test_how_far_a_post_has_come_is_no_reason_to_refuse_a_change(
    two: Two, desk: RemoteWorkshop, client: Moving
) -> None:
    post = desk.load_post(add(two, "--draft"))
    client.moves = 2
    changed = desk.edit_post(post, Changes(text="Mine")).post
    assert changed.content.text == "Mine"
    client.moves = 100
    with pytest.raises(Stale):
        desk.edit_post(changed, Changes(text="Mine, too"))
    assert text_of(two, post.id) == "Mine"
