"""`postbell init` and `postbell version`.

With `--json` each prints one object:

    init     {data_dir, config, database, made: [path]}; made is what was not there before
    version  {postbell, schema, python, sqlite, system}; schema is the one that this Postbell needs
"""

from __future__ import annotations

import platform

import click

from postbell import __version__
from postbell.cli.common import State, pass_state


@click.command()
@pass_state
def init(state: State) -> None:
    """Make the folders, the configuration and the database.

    Only what is missing is made; what is there stays as it is.
    """
    from postbell.cli.example import example_config
    from postbell.errors import BadConfig
    from postbell.services.upkeep.upkeep import make_places, require_private

    places = state.places
    made = make_places(places, example_config())
    if state.json:
        where = {"data_dir": places.data_dir, "config": places.config, "database": places.database}
        named = {name: str(path) for name, path in where.items()}
        state.emit({**named, "made": [str(path) for path in made]})
    for path in made:
        state.say(f"Made {path}")
    if not made:
        state.say(f"Everything is there already in {places.data_dir}; nothing was changed.")
    else:
        state.note("next, connect a profile: `postbell networks` shows the networks.")
    try:
        require_private(places)
    except BadConfig as warning:
        state.note(str(warning))


@click.command()
@pass_state
def version(state: State) -> None:
    """Show the versions of Postbell and what it stands on."""
    import sqlite3

    from postbell.store.schema import HEAD

    versions = {
        "postbell": __version__,
        "schema": HEAD,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": platform.platform(terse=True),
    }
    if state.json:
        state.emit(versions)
    else:
        state.fields(versions.items())
