"""How far the work on a video is, on a terminal: it may take minutes."""

from __future__ import annotations

import click

from postbell.cli.words import printable


class FilmBar:
    """A line that is written over, and gone when the work is done."""

    def __init__(self) -> None:
        self._shown = -1

    def __call__(self, name: str, part: float) -> None:
        """Show what part of the work on a video is done, 0 to 1."""
        percent = int(part * 100)
        if part >= 1:
            click.echo("\r\033[K", nl=False, err=True, color=True)
            percent = -1
        elif percent != self._shown:
            click.echo(
                f"\r\033[K{printable(name)} is made to fit: {percent} %", nl=False, err=True, color=True
            )
        self._shown = percent
