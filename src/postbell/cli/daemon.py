"""`postbell run`."""

from __future__ import annotations

import click

from postbell.cli.common import State, pass_state


@click.command()
@pass_state
def run(state: State) -> None:
    """Publish what is due, until the process is told to stop.

    SIGTERM lets what is being sent end; SIGHUP reads the configuration again. One daemon is enough for a
    database: a second one says who holds it and exits with 75.
    """
    from postbell.daemon import run_daemon

    run_daemon(state.places, state.surroundings)
