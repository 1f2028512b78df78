"""`postbell metrics`."""

from __future__ import annotations

import click

from postbell.cli.common import State, pass_state


@click.command()
@click.argument("post_id", metavar="ID")
@pass_state
def metrics(state: State, *, post_id: str) -> None:
    """Show how people responded to a post.

    The daemon asks its networks an hour after a post was published, and then ever more seldom, for 30 days.

    \b
    Example:
      postbell metrics k7f2
    """  # noqa: D301 - click wants the character
    from postbell.domain.metrics import counts_told
    from postbell.shapes.posts import reading_json

    desk = state.open_desk()
    post = desk.load_post(post_id)
    found = desk.readings_of(post)
    if state.json:
        for reading in found:
            state.emit(reading_json(post.id, reading))
    elif found:
        rows = [
            (f"{reading.read_at.astimezone(desk.zone):%Y-%m-%d %H:%M}", reading.account, counts_told(reading))
            for reading in found
        ]
        state.table(["READ", "ACCOUNT", "HOW PEOPLE RESPONDED"], rows)
    else:
        state.say(f"Nothing was read of post {post.id} yet.")
