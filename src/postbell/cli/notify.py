"""`postbell notify`.

With `--json`, a line for each thing:

    test    {way, told, error}; told says whether it took the message, error why not
    list    notice: {kind, at, post, account, text, message, mend, told_at, over_at}; kind is trouble (of the
            daemon), account, unsure, failed, missed, remains (what could not be taken away), overdue or late;
            told_at is null where it was not told, over_at while it lasts or is still to be told

What a command of the user's is given with `command_input = "json"` is one line:

    {schema_version, title, body, counts: {kind: count}, notices: [notice]}; counts tell all, notices only the
    most pressing 20; a test has none
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from postbell.cli.common import SentenceGroup, State, json_option, pass_state
from postbell.cli.words import printable


if TYPE_CHECKING:
    from collections.abc import Mapping

#: What the exit code says if some ways took the message and others did not.
_PARTLY = 8


@click.group(cls=SentenceGroup)
@json_option
def notify() -> None:
    """Try how you are told what you should know, and see what you were told.

    `urls` and `command` under [notify] in the configuration say by which ways.
    """


@notify.command()
@pass_state
def test(state: State) -> int:
    """Send a test by every way that is configured, and say of each whether it took that.

    Ends with 7 if none did, 8 if some did not, 78 if no way is configured.
    """
    from postbell.errors import NotTold

    errors = state.open_office().try_ways()
    for way, error in errors.items():
        if state.json:
            state.emit({"way": way, "told": error is None, "error": error})
        elif error is None:
            state.say(f"{way} took the message.")
        else:
            click.echo(f"postbell: {printable(f'{way}: {error}')}", err=True)
    failed = [error for error in errors.values() if error is not None]
    if failed:
        return NotTold.exit_code if len(failed) == len(errors) else _PARTLY
    return 0


@notify.command("list")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many.")
@pass_state
def list_(state: State, *, limit: int) -> None:
    """List what you were told, and are to be told, the newest first."""
    office = state.open_office()
    found = office.notices_told(limit)
    if state.json:
        for each in found:
            state.emit(each)
    elif found:
        rows = [
            [
                f"{datetime.fromisoformat(each['at']).astimezone(office.zone):%Y-%m-%d %H:%M}",
                _told(each),
                each["message"],
            ]
            for each in found
        ]
        state.table(["AT", "TOLD", "WHAT"], rows)
    else:
        state.note("you were told nothing yet.")


def _told(notice: Mapping[str, Any]) -> str:
    if notice["told_at"] is None:
        return "no" if notice["over_at"] else "to be told"
    return "yes"
