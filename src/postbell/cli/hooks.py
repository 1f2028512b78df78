"""`postbell hook`.

With `--json`:

    add       hook with {secret}: what the receiver checks signatures with; it is shown this once
    list      hook with {waiting, given_up}, a line for each
    test      {hook, taken, status, took_ms, error}
    rotate    hook with {secret}
    remove    hook as it was
    log       {event, type, post, account, state, tries, first_at, last_at, try_at, status, took_ms, error},
              the newest event first; state is waiting, taken or given_up

    hook      {name, url, events: [type], allow_local, created_at, failures, failing_since, error,
              rests_until}; failures counts what was not taken in a row
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from postbell.cli.common import SentenceGroup, State, json_option, pass_state
from postbell.cli.words import printable


if TYPE_CHECKING:
    from collections.abc import Mapping

    from postbell.cli.desk import Clocks

_TYPES = """\b
Types of events:
  post.scheduled, post.published, post.partial, post.failed, post.missed,
  post.unsure, post.cancelled, account.unauthorized, account.recovered: these
  are told where none are named. And post.added, post.changed, post.deleted,
  delivery.*, account.*, series.*, pause.*, or * for everything.

The receiver answers 2xx within 10 seconds, checks the signature as Standard
Webhooks says (standardwebhooks.com), and takes an id that it has had for done.
"""


@click.group(cls=SentenceGroup)
@json_option
def hook() -> None:
    """Let addresses be told what happens, by signed requests."""


@hook.command(epilog=_TYPES)
@click.option("--name", required=True, help="What you call the hook: letters, digits, - _ and .")
@click.option("--url", required=True, help="Where it is told; https:// or http://.")
@click.option(
    "--events", multiple=True, metavar="TYPE,…", help="What it is told; the usual types if left out."
)
@click.option(
    "--allow-local", is_flag=True, help="The address may be on this machine or in a private network."
)
@pass_state
def add(state: State, *, name: str, url: str, events: Sequence[str], allow_local: bool) -> None:
    """Add an address that is told what happens from now on; its secret is shown this once.

    \b
    Example:
      postbell hook add --name n8n --url https://n8n.example.org/webhook/bell --events "post.*"
    """  # noqa: D301 - click wants the character
    asked = [word.strip() for each in events for word in each.split(",") if word.strip()]
    made = state.open_office().add_hook(name=name, url=url, events=asked, allow_local=allow_local)
    if state.json:
        state.emit(made)
        return
    click.echo(made["secret"])
    state.note(f"it is shown this once; give it to the receiver, then `postbell hook test {name}`.")


@hook.command("list")
@pass_state
def list_(state: State) -> None:
    """List the hooks, and how much each has not taken."""
    office = state.open_office()
    found = office.hooks_told()
    if state.json:
        for each in found:
            state.emit(each)
    elif found:
        rows = [
            [each["name"], _how(office, each), str(each["waiting"]), str(each["given_up"]), each["url"]]
            for each in found
        ]
        state.table(["NAME", "HOW", "WAITING", "GIVEN UP", "URL"], rows)
    else:
        state.note("there are no hooks yet; add one with `postbell hook add`.")


@hook.command()
@click.argument("name")
@pass_state
def test(state: State, *, name: str) -> int:
    """Send a ping to a hook and say whether it was taken; ends with 7 if not."""
    from postbell.errors import NotTold

    told = state.open_office().try_hook(name)
    if state.json:
        state.emit(told)
    elif told["taken"]:
        state.say(f"{name} took it: {told['status']} after {told['took_ms']} ms.")
    else:
        said = f"{name} did not take it: {told['error']}."
        click.echo(f"postbell: {printable(said)}", err=True)
    return 0 if told["taken"] else NotTold.exit_code


@hook.command()
@click.argument("name")
@pass_state
def rotate(state: State, *, name: str) -> None:
    """Give a hook another secret, and show it this once; for a day the old one signs too."""
    changed = state.open_office().rotate_hook(name)
    if state.json:
        state.emit(changed)
        return
    click.echo(changed["secret"])
    state.note("it is shown this once; for 24 hours requests are signed with the old one too.")


@hook.command()
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask first.")
@pass_state
def remove(state: State, *, name: str, yes: bool) -> None:
    """Tell a hook nothing any more, and forget it and its log."""
    office = state.open_office()
    found = office.hook_told(name)
    if not yes:
        state.confirm(f"Remove hook {name}, which tells {found['url']}?")
    office.remove_hook(name)
    if state.json:
        state.emit(found)
    state.say(f"Removed {name}.")


@hook.command()
@click.argument("name")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many.")
@pass_state
def log(state: State, *, name: str, limit: int) -> None:
    """Show what a hook was told last, whether it took that, and how long that took."""
    office = state.open_office()
    found = office.hook_log(name, limit)
    if state.json:
        for each in found:
            state.emit(each)
    elif found:
        rows = [
            [
                _time(office, each["last_at"]),
                str(each["type"]),
                each["post"] or each["account"] or "",
                each["state"].replace("_", " "),
                str(each["tries"]),
                f"{each['took_ms']} ms" if each["took_ms"] is not None else "",
                each["error"] or str(each["status"] or ""),
            ]
            for each in found
        ]
        state.table(["LAST TRY", "EVENT", "ABOUT", "STATE", "TRIES", "TOOK", "ANSWER"], rows)
    else:
        state.note(f"{name} was told nothing yet.")


def _how(clocks: Clocks, seen: Mapping[str, Any]) -> str:
    since = seen["failing_since"]
    return f"failing since {_time(clocks, since)}: {seen['error']}" if since else "ok"


def _time(clocks: Clocks, moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(clocks.zone):%Y-%m-%d %H:%M:%S}"
