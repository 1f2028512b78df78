"""`postbell demo`.

With `--json` it prints one object at the end: {well, seconds, folder, site, posts: [{title, expected, post}],
files: [path], faults: [text]}.
"""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

import click

from postbell.cli.common import State, pass_state


if TYPE_CHECKING:
    from rich.table import Table

    from postbell.cli.demo_stage import Stage
    from postbell.domain.post import Post

#: Seconds since its begin after which the demo waits for nothing more; ending the daemon takes 3 at most.
_SHOW_UNTIL = 15.0
_LOOK_EVERY = 0.1


class _View(Protocol):
    def show(self, posts: Sequence[Post]) -> None: ...


@click.command()
@pass_state
def demo(state: State) -> int:
    """Show Postbell at work, in a temporary folder.

    The real daemon publishes into a folder: a post now, one in four seconds, one with a picture; a draft
    stays, and one post fails on purpose. Nothing leaves this machine, and nothing is left running. Exits with
    0 only if everything went as it should.
    """
    from postbell.cli.demo_stage import set_stage

    state.require_here()
    begun = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="postbell-demo-"))
    try:
        with _ending_on_signals():
            with set_stage(folder) as stage:
                state.say(f"A daemon runs as process {stage.daemon.pid}, with its database in {folder}.\n")
                stage.begin()
                posts = _watch(state, stage, until=begun + _SHOW_UNTIL)
            faults = stage.faults(posts)
    except KeyboardInterrupt:
        shutil.rmtree(folder)
        raise
    seconds = time.monotonic() - begun
    if state.json:
        state.emit(_demo_json(stage, posts, faults, seconds))
    else:
        _print_end(state, stage, posts, faults)
        state.say(f"\n{'Something went wrong' if faults else 'All went as it should'}, in {seconds:.1f} s.")
    return 1 if faults else 0


def _watch(state: State, stage: Stage, *, until: float) -> list[Post]:
    """Show the posts until each has ended that shall; return them as they are then."""
    with _view(state, stage.app.ctx.zone) as view:
        while True:
            posts = stage.posts()
            view.show(posts)
            # A post with a time must end, and has an outcome when it has.
            if all(post.outcome or post.at is None for post in posts) or time.monotonic() > until:
                return posts
            time.sleep(_LOOK_EVERY)


@contextmanager
def _ending_on_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the demo as Ctrl-C does, so that the daemon never outlives it."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _view(state: State, zone: ZoneInfo) -> Iterator[_View]:
    silent = state.json or state.quiet
    if silent or not sys.stdout.isatty():
        yield _Lines(zone, silent=silent)
        return
    from rich.console import Console
    from rich.live import Live

    no_color = state.no_color or state.surroundings.no_color
    with Live(console=Console(no_color=no_color), auto_refresh=False) as live:
        yield _Board(live)


class _Lines:
    """Prints each step once, with the time at which it was recorded."""

    def __init__(self, zone: ZoneInfo, *, silent: bool = False) -> None:
        self._zone = zone
        self._silent = silent
        self._shown: set[tuple[str, str]] = set()

    def show(self, posts: Sequence[Post]) -> None:
        from postbell.cli.demo_stage import ACTS, history

        steps = [
            (at, act.title, word)
            for act, post in zip(ACTS, posts, strict=True)
            for at, word in history(post)
            if (act.title, word) not in self._shown
        ]
        for at, title, word in sorted(steps):
            self._shown.add((title, word))
            if not self._silent:
                click.echo(f"{at.astimezone(self._zone):%H:%M:%S.%f}"[:-3] + f"  {title:18}{word}")


class _Board:
    """A table on the terminal that changes in its place."""

    def __init__(self, live: Any) -> None:
        self._live = live

    def show(self, posts: Sequence[Post]) -> None:
        self._live.update(_board(posts), refresh=True)


def _board(posts: Sequence[Post]) -> Table:
    from rich.table import Table

    from postbell.cli.demo_stage import ACTS, history

    colours = {"published": "green", "failed": "red", "processing": "cyan", "draft": "dim"}
    table = Table("POST", "TO", "STATES", box=None, padding=(0, 2, 0, 0))
    for act, post in zip(ACTS, posts, strict=True):
        words = [word for _, word in history(post)]
        trail = " → ".join(f"[{colours.get(word, 'default')}]{word}[/]" for word in words)
        table.add_row(act.title, act.account, trail)
    return table


def _print_end(state: State, stage: Stage, posts: Sequence[Post], faults: Sequence[str]) -> None:
    from postbell.cli.demo_stage import ACTS, word_of

    rows = [
        (act.title, act.expected, word_of(post), _where(post)) for act, post in zip(ACTS, posts, strict=True)
    ]
    click.echo()
    state.table(["POST", "EXPECTED", "CAME", "WHERE, OR WHY NOT"], rows)
    for fault in faults:
        click.echo(f"postbell: {fault}", err=True)
    state.say(f"\nThe published files lie in {stage.site}:")
    for path in _files(stage):
        state.say(f"  {path.relative_to(stage.site)}")
    state.say(f"Remove everything with: rm -r {stage.folder}")


def _where(post: Post) -> str:
    (delivery,) = post.deliveries
    return delivery.url or delivery.message or ""


def _files(stage: Stage) -> list[Path]:
    """Return what visitors of the site would see."""
    return sorted(path for path in stage.site.rglob("*") if path.is_file() and path.name[0] != ".")


def _demo_json(stage: Stage, posts: Sequence[Post], faults: Sequence[str], seconds: float) -> dict[str, Any]:
    from postbell.cli.demo_stage import ACTS
    from postbell.shapes.posts import post_json

    return {
        "well": not faults,
        "seconds": round(seconds, 1),
        "folder": str(stage.folder),
        "site": str(stage.site),
        "posts": [
            {"title": act.title, "expected": act.expected, "post": post_json(post)}
            for act, post in zip(ACTS, posts, strict=True)
        ],
        "files": [str(path) for path in _files(stage)],
        "faults": list(faults),
    }
