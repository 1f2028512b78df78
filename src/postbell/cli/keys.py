"""`postbell key`.

With `--json`:

    add       key with {key}: what is given to the program; it is shown this once
    list      key, a line for each
    revoke    key as it was

    key       {name, scopes: [scope], start, created_at, expires_at, used_at}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from postbell.cli.common import SentenceGroup, State, pass_state
from postbell.cli.times import instant
from postbell.domain.access import Scope
from postbell.shapes.accounts import key_json


if TYPE_CHECKING:
    from datetime import datetime

    from postbell.app import App

_SCOPES = """\b
Scopes:
  read      see posts, accounts, networks and how Postbell is doing
  write     write drafts, change and remove posts, cancel what is scheduled
  publish   let something become public: give a time, publish, retry, settle
  accounts  connect, check, pause and forget accounts
  admin     all of these, and what concerns Postbell itself
"""


@click.group(cls=SentenceGroup)
def key() -> None:
    """Let programs ask the HTTP API."""


@key.command(epilog=_SCOPES)
@click.option("--name", required=True, help="What you call the key: letters, digits, - _ and .")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    metavar="SCOPE,…",
    callback=lambda _ctx, _param, given: [scope for each in given for scope in each.split(",")],
    help=f"What it opens: {', '.join(Scope)}; may be given several times.",
)
@click.option("--expires", metavar="WHEN", help='When it stops to open anything: "in 90 d".')
@pass_state
def add(state: State, *, name: str, scopes: Sequence[str], expires: str | None) -> None:
    """Make a key, and show it this once.

    Only its hash is stored: a key that is lost is revoked, and another one made.

    \b
    Example:
      postbell key add --name phone --scope read,write --expires "in 90 d"
    """  # noqa: D301 - click wants the character
    from postbell.services.accounts.keys import add_key

    if unknown := [scope for scope in scopes if scope not in set(Scope)]:
        raise click.BadParameter(f"{', '.join(unknown)}: there are {', '.join(Scope)}.", param_hint="--scope")
    app = state.open_app()
    until = instant(app.ctx, expires, "--expires") if expires else None
    made, secret = add_key(app.ctx, name=name, scopes=map(Scope, scopes), expires_at=until)
    if state.json:
        state.emit({**key_json(made), "key": secret})
        return
    click.echo(secret)
    state.note("it is shown this once; programs send it as `Authorization: Bearer …`.")


@key.command("list")
@pass_state
def list_(state: State) -> None:
    """List the keys; they are told apart by their beginnings."""
    from postbell.services.accounts.keys import list_keys

    app = state.open_app()
    found = list_keys(app.ctx)
    if state.json:
        for each in found:
            state.emit(key_json(each))
    elif found:
        rows = [
            [
                each.name,
                f"{each.start}_…",
                ", ".join(sorted(each.scopes)),
                *_times(app, each.used_at, each.expires_at),
            ]
            for each in found
        ]
        state.table(["NAME", "KEY", "SCOPES", "LAST USED", "EXPIRES"], rows)
    else:
        state.note("there are no keys yet; make one with `postbell key add`.")


@key.command()
@click.argument("name")
@pass_state
def revoke(state: State, *, name: str) -> None:
    """Take a key back; it opens nothing any more, at once."""
    from postbell.services.accounts.keys import revoke_key

    gone = revoke_key(state.open_app().ctx, name)
    if state.json:
        state.emit(key_json(gone))
    state.say(f"Revoked {name}.")


def _times(app: App, used: datetime | None, expires: datetime | None) -> list[str]:
    def told(moment: datetime | None) -> str:
        return f"{moment.astimezone(app.ctx.zone):%Y-%m-%d %H:%M}" if moment else "never"

    return [told(used), told(expires)]
