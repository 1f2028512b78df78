"""Every command that there is, by its words: `series add`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from postbell.cli import main


def _leaves(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _leaves(inner, (*words, name))
    else:
        yield " ".join(words), command


COMMANDS = {
    words: command
    for name, (place, _) in main.COMMANDS.items()
    for words, command in _leaves(main.load(place), (name,))
}
