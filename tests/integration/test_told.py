"""The user is told, by the real daemon: by a program of his own, and by Apprise."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from support.home import Home, make_home
from support.sink import Sink, sink
from support.world import add_post


_KEEP = """
import sys
with open({path!r}, "a", encoding="utf-8") as file:
    file.write(sys.stdin.read())
"""


def home_with(folder: Path, far_side: Sink, *lines: str) -> Home:
    """Make a Postbell that tells at once, with an account whose network refuses everything."""
    config = "\n".join(["[notify]", "gather_seconds = 0.2", *lines])
    home = make_home(folder, config)
    home.connect("webhook", "hook", {"url": far_side.url})
    return home


def keeping(folder: Path) -> str:
    """Return the setting of a command that keeps what it gets in a file."""
    program = folder / "keep.py"
    program.write_text(_KEEP.format(path=str(folder / "kept")), "utf-8")
    return f"command = {json.dumps([sys.executable, str(program)])}"


def kept(folder: Path) -> str:
    path = folder / "kept"
    return path.read_text("utf-8") if path.exists() else ""


def wait_for(home: Home, folder: Path, text: str) -> None:
    """Wait until the program was told something."""
    home.wait_for(lambda: text in kept(folder))


def kept_json(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in kept(folder).splitlines()]


def test_a_failed_post_is_handed_to_the_users_program(tmp_path: Path) -> None:
    with sink() as far_side:
        home = home_with(tmp_path, far_side, keeping(tmp_path))
        far_side.statuses = [422]
        with home.daemon():
            post_id = home.add("A bell rings.", "hook")
            wait_for(home, tmp_path, "postbell retry")
    title, _, body = kept(tmp_path).partition("\n\n")
    assert title == "Postbell: 1 failed"
    assert body.startswith(f"Failed: post {post_id} to hook: ")
    assert "“A bell rings.”" in body


def test_what_an_outage_has_cost_is_told_in_one_message(tmp_path: Path) -> None:
    with sink() as far_side:
        lines = (keeping(tmp_path), 'command_input = "json"')
        home = home_with(tmp_path, far_side, *lines)
        with home.app() as app:
            long_ago = app.ctx.now() - timedelta(days=2)
            for number in range(30):
                add_post(app.ctx.store, to=("hook",), at=long_ago, text=f"post {number}")
        with home.daemon():
            home.wait_for(lambda: bool(kept_json(tmp_path)))
    (message,) = kept_json(tmp_path)
    assert message["counts"] == {"missed": 30}
    assert len(message["notices"]) == 20


def test_a_restart_tells_nothing_again(tmp_path: Path) -> None:
    with sink() as far_side:
        home = home_with(tmp_path, far_side, keeping(tmp_path), 'command_input = "json"')
        far_side.statuses = [422, 422]
        for text in ("The first bell", "The second bell"):
            with home.daemon():
                home.add(text, "hook")
                wait_for(home, tmp_path, text)
    assert [message["notices"][0]["text"] for message in kept_json(tmp_path)] == [
        "The first bell",
        "The second bell",
    ]
    assert {message["title"] for message in kept_json(tmp_path)} == {"Postbell: 1 failed"}
