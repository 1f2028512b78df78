"""What all commands share: the global options, opening Postbell, printing and asking.

A command of one's own looks like this; it accepts `--json` and is given the `State` first:

    @click.command()
    @click.argument("name")
    @pass_state
    def greet(state: State, *, name: str) -> int | None:
        ctx = state.open_app().ctx
        if state.json:
            state.emit(greeting_json(...))     # one line of JSON on standard output
        else:
            state.table(["NAME", "SINCE"], rows)
        state.note("this goes to standard error")

What it returns is the exit code, None for 0. Errors are raised: `postbell.__main__` tells them. Data goes to
standard output, everything else to standard error. Heavy packages are imported inside functions.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TextIO, TypeVar

import click

from postbell.cli.words import one_line, printable
from postbell.errors import OnlyThere, PostbellError


if TYPE_CHECKING:
    from postbell.app import App
    from postbell.cli.desk import Desk
    from postbell.cli.office import Office
    from postbell.cli.workshop import Workshop
    from postbell.remote.client import Client
    from postbell.remote.workshop import RemoteWorkshop
    from postbell.settings import Places, Surroundings

P = ParamSpec("P")
R = TypeVar("R")

#: The version of all JSON shapes together (`postbell.shapes`); it grows when one changes incompatibly.
SCHEMA_VERSION = 1

_COLOURS = {
    "published": "green",
    "ok": "green",
    "partial": "yellow",
    "unsure": "yellow",
    "missed": "yellow",
    "paused": "yellow",
    "warning": "yellow",
    "failed": "red",
    "unauthorized": "red",
}


@dataclass(kw_only=True)
class State:
    """The global options, and what commands do with them."""

    data_dir: Path | None = None
    config: Path | None = None
    #: Print one line of JSON for each thing instead of words.
    json: bool = False
    #: Leave out notes and confirmations.
    quiet: bool = False
    verbose: bool = False
    no_input: bool = False
    no_color: bool = False
    #: Where another machine is asked instead, and the file with the key to it.
    remote: str | None = None
    key_file: Path | None = None

    @functools.cached_property
    def places(self) -> Places:
        """Where data and configuration lie; raises OnlyThere where another machine is asked."""
        from postbell.settings import find_places

        self.require_here()
        return find_places(self.data_dir, self.config)

    @functools.cached_property
    def surroundings(self) -> Surroundings:
        """What the process was started under."""
        from postbell.settings import find_surroundings

        return find_surroundings()

    @property
    def interactive(self) -> bool:
        """Whether somebody is there who can be asked."""
        return not self.no_input and is_terminal(sys.stdin)

    def open_app(self) -> App:
        """Open Postbell on the database that there is; it is closed when the command ends.

        Raises BadConfig, or NotFound where `postbell init` has not been run.
        """
        from postbell.app import open_app

        app = open_app(self.places)
        click.get_current_context().call_on_close(app.close)
        if not (self.json or self.quiet) and is_terminal(sys.stderr):
            from postbell.cli.film_bar import FilmBar

            app.ctx.media.on_film = FilmBar()
        return app

    def require_here(self) -> None:
        """Raise OnlyThere where another machine is asked, and the command is done at the machine itself."""
        from postbell.settings import find_remote

        if find_remote(self.remote, self.key_file)[0]:
            from postbell.cli.only_there import WHY

            name = click.get_current_context().command_path
            why = WHY.get(name.removeprefix("postbell "), "it works on the files of that machine")
            raise OnlyThere(
                f"`{name}` is done at the machine itself: {why}. Run it there, without --remote and "
                "POSTBELL_URL."
            )

    def open_desk(self) -> Desk:
        """Return what is asked: Postbell here, or with --remote the one of another machine."""
        if (client := self._client()) is None:
            from postbell.cli.desk import LocalDesk

            return LocalDesk(self.open_app())
        from postbell.remote.desk import RemoteDesk

        return RemoteDesk(client, self.progress)

    def open_office(self) -> Office:
        """Return what is asked besides posts, here or with --remote there."""
        if (client := self._client()) is None:
            from postbell.cli.office import LocalOffice

            return LocalOffice(self.open_app())
        from postbell.remote.office import RemoteOffice

        return RemoteOffice(client, self.progress)

    def open_workshop(self) -> Workshop:
        """Return what makes more than posts, here or with --remote there."""
        if there := self.open_elsewhere():
            return there
        from postbell.cli.workshop import LocalWorkshop

        return LocalWorkshop(self.open_app())

    def open_elsewhere(self) -> RemoteWorkshop | None:
        """Return what is asked at another machine; None where this one is meant."""
        if (client := self._client()) is None:
            return None
        from postbell.remote.workshop import RemoteWorkshop

        return RemoteWorkshop(client, self.progress)

    def _client(self) -> Client | None:
        """Return the connection to another machine; None where this one is meant."""
        from postbell.settings import find_remote

        url, key_file = find_remote(self.remote, self.key_file)
        if url is None:
            return None
        from postbell.remote.client import Client

        client = Client(url, key_file)
        click.get_current_context().call_on_close(client.close)
        return client

    @contextmanager
    def progress(self, label: str, length: int) -> Iterator[Callable[[int], None]]:
        """Show a bar on a terminal, which is told of every step; not with --quiet or --json."""
        if self.json or self.quiet or not is_terminal(sys.stderr):
            yield lambda _step: None
            return
        with click.progressbar(length=length, label=printable(label), file=sys.stderr) as bar:
            yield bar.update

    def emit(self, value: Mapping[str, Any]) -> None:
        """Print one thing as a line of JSON on standard output, with `schema_version` first."""
        from postbell.shapes.base import json_line

        click.echo(json_line({"schema_version": SCHEMA_VERSION, **value}))

    def say(self, message: str) -> None:
        """Print what was done on standard output; not with --quiet or --json."""
        if not (self.quiet or self.json):
            click.echo(printable(message))

    def note(self, message: str) -> None:
        """Print what is worth knowing on standard error; not with --quiet or --json, so put it there too."""
        if not (self.quiet or self.json):
            click.echo(f"note: {printable(message)}", err=True)

    def table(self, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print aligned columns on standard output; words for states are coloured on a terminal.

        The headers are left out with --quiet.
        """
        body = [[one_line(cell) for cell in row] for row in rows]
        lines = body if self.quiet else [list(headers), *body]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)] if lines else []
        for line in lines:
            padded = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
            click.echo("  ".join(map(self.paint, padded)).rstrip())

    def fields(self, pairs: Iterable[tuple[str, str | None]]) -> None:
        """Print names and values below one another on standard output, without those that have no value."""
        shown = [(printable(name), value) for name, value in pairs if value]
        width = max((len(name) for name, _ in shown), default=0)
        for name, value in shown:
            first, *more = printable(value).split("\n")
            click.echo(f"{name.ljust(width)}  {self.paint(first)}")
            for line in more:
                click.echo(f"{'':{width}}  {line}".rstrip())

    def paint(self, cell: str) -> str:
        """Return a word for a state in its colour, if standard output is a terminal that wants colours."""
        colour = _COLOURS.get(cell.strip())
        if colour is None or self.no_color or not is_terminal(sys.stdout) or self.surroundings.no_color:
            return cell
        return click.style(cell, fg=colour)

    def confirm(self, question: str) -> None:
        """Ask before something that cannot be undone; a command that does has an option --yes.

        Raises PostbellError if the answer is not yes, UsageError where nobody can be asked.
        """
        if not self.interactive:
            raise click.UsageError("Before this you are asked, and nobody can be asked; give --yes.")
        if not click.confirm(printable(question), err=True):
            raise PostbellError("Not confirmed; nothing was done.")


class GivenPath(click.Path):
    """A path on the command line; an empty one, from a variable that is not set, is refused."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; fails if there is none."""
        if value == "":
            self.fail("it is empty; give a path, or leave the option out.", param, ctx)
        return super().convert(value, param, ctx)


class SentenceGroup(click.Group):
    """A group whose help tells in a whole sentence what each command does; click would cut long ones."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Take a command with the first sentence of its help."""
        sentence = " ".join((cmd.help or "").split("\n\n")[0].split()).split(". ")[0]
        cmd.short_help = cmd.short_help or f"{sentence.rstrip('.')}."
        super().add_command(cmd, name)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Accept `--json`, before or behind the name of the command."""

    def switch_on(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            ctx.ensure_object(State).json = True

    option = click.option(
        "--json",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=switch_on,
        help="Print JSON, one line for each thing.",
    )
    return option(command)


def pass_state(command: Callable[Concatenate[State, P], R]) -> Callable[P, R]:
    """Give a command the `State` as its first argument, and let it accept `--json`."""

    @functools.wraps(command)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return command(click.get_current_context().ensure_object(State), *args, **kwargs)

    wrapped: Callable[P, R] = json_option(call)
    return wrapped


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person is at the other end of a standard stream; Python has None for a closed one."""
    return stream is not None and stream.isatty()
