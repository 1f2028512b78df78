"""What is public is changed, and taken away, by a daemon as a process; a kill in between changes nothing."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest

from postbell.__main__ import main
from support.home import Home, make_home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = make_home(tmp_path)
    home.connect("folder", "site", {"path": str(tmp_path / "site")})
    return home


def run(home: Home, *words: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main([*home.options, *words]) == 0
    return out.getvalue()


def page(home: Home) -> str:
    (found,) = (home.places.data_dir.parent / "site").glob("*.md")
    return found.read_text("utf-8")


def published(home: Home) -> str:
    post_id = home.add("Hello, world", "site")
    with home.daemon():
        home.wait_for(lambda: home.states() == {"processed": 1})
    return post_id


def test_what_commands_have_asked_for_is_done_by_the_next_daemon(home: Home) -> None:
    post_id = published(home)
    run(home, "edit", post_id, "Hello, everybody", "--published")
    assert "Hello, world" in page(home)
    with home.daemon():
        home.wait_for(lambda: home.post(post_id).deliveries[0].edited_at is not None)
        assert "Hello, everybody" in page(home)
    shown = run(home, "show", post_id)
    assert "changed: " in shown
    assert "Hello, world" in shown
    run(home, "unpublish", post_id, "--yes")
    with home.daemon():
        home.wait_for(lambda: home.post(post_id).deliveries[0].deleted_at is not None)
    assert list((home.places.data_dir.parent / "site").glob("*.md")) == []


def test_what_commands_ask_for_is_done_at_once_by_the_daemon_that_runs(home: Home) -> None:
    post_id = home.add("Hello, world", "site")
    with home.daemon():
        home.wait_for(lambda: home.states() == {"processed": 1})
        # By itself it looks every half minute.
        run(home, "edit", post_id, "Hello, everybody", "--published")
        home.wait_for(lambda: home.post(post_id).deliveries[0].edited_at is not None, seconds=10)
        run(home, "unpublish", post_id, "--yes")
        home.wait_for(lambda: home.post(post_id).deliveries[0].deleted_at is not None, seconds=10)


def test_what_a_killed_daemon_was_at_is_done_by_the_next_one(home: Home) -> None:
    post_id = published(home)
    run(home, "edit", post_id, "Hello, everybody", "--published")
    with home.daemon() as process:
        process.kill()
        process.wait(30)
    with home.daemon():
        home.wait_for(lambda: home.post(post_id).deliveries[0].edited_at is not None)
    assert "Hello, everybody" in page(home)
