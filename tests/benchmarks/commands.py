"""What short commands take, as the user waits for them, beside Python alone and beside one import."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import time
from datetime import timedelta
from pathlib import Path

from benchmarks.measuring import Figure, Options, median
from benchmarks.planting import Wanted, connect, plant
from support.home import Home, make_home


_POSTBELL = str(Path(sysconfig.get_path("scripts")) / "postbell")
_POSTS = 10_000


def run(options: Options) -> list[Figure]:
    """Run all of them in turns."""
    folder = options.folder / "commands"
    folder.mkdir()
    home = make_home(folder)
    _fill(home, options.sink.url)
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import sqlmodel": [sys.executable, "-c", "import sqlmodel"],
        "postbell --help": [_POSTBELL, "--help"],
        "postbell list": [_POSTBELL, *home.options, "list"],
        "postbell add": [_POSTBELL, *home.options, "add", "", "--to", "hook-7", "--at", "in 3 d"],
    }
    spans: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(options.pick(21, 7) + 1):
        for name, words in commands.items():
            if name == "postbell add":
                words[words.index("add") + 1] = f"Number {turn}"
            span = _span(words)
            if turn:  # in the first one everything is read from the disk, and compiled where it was not
                spans[name].append(span)
    bounds = (
        ("postbell --help", "python -c pass", 2.5),
        ("postbell list", "import sqlmodel", 1.25),
        ("postbell add", "import sqlmodel", 1.25),
    )
    return [
        Figure(
            name=name.replace("postbell ", "command_").replace("--", ""),
            told=f"`{name}` against `{other}`",
            value=median(spans[name]) / median(spans[other]),
            gate=gate,
            less=True,
            runs={name: spans[name], other: spans[other]},
        )
        for name, other, gate in bounds
    ]


def _fill(home: Home, url: str) -> None:
    connect(home, url)
    with home.app() as app:
        now = app.ctx.now()
        sent = Wanted(count=_POSTS * 9 // 10, begin=now - timedelta(days=90), step=800, published=True)
        plant(
            app, sent, Wanted(count=_POSTS // 10, begin=now + timedelta(days=1), step=800, first=sent.count)
        )


def _span(words: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(words, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return time.perf_counter() - begin
