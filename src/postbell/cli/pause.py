"""`postbell pause` and `postbell resume`.

With `--json`, a line for each thing that was named:

    pause    {scope, name, since, until, waiting}; waiting counts the deliveries that it holds back
    resume   {scope, name, was_paused, late, missed}; late and missed count what fell due meanwhile
             scope is account, series, label or everything; name is empty for everything
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from postbell.cli.common import State, pass_state
from postbell.cli.health import time_told
from postbell.cli.times import instant
from postbell.shapes.plan import paused_json, resumed_json


if TYPE_CHECKING:
    from postbell.cli.office import Office
    from postbell.services.accounts.pausing import Paused, Resumed, Target


def _targets(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name what is meant."""
    options = (
        click.option("--account", "accounts", multiple=True, metavar="NAME", help="This account."),
        click.option("--series", "series", multiple=True, metavar="ID", help="The posts of this series."),
        click.option("--label", "labels", multiple=True, metavar="LABEL", help="The posts with this label."),
        click.option("--all", "everything", is_flag=True, help="Everything."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@_targets
@click.option("--until", metavar="WHEN", help="When it goes on by itself, for instance monday 9:00.")
@pass_state
def pause(state: State, /, *, until: str | None, **named: Any) -> None:
    """Hold back accounts, series, labels or everything.

    Until that time, or until `postbell resume`. What is under way goes on. What falls due meanwhile waits,
    and is published late or missed when it goes on; of a series only the newest is published.

    \b
    Examples:
      postbell pause --all
      postbell pause --account sky --label launch --until "monday 9:00"
    """  # noqa: D301 - click wants the character
    targets, office = _named(**named), state.open_office()
    for paused in office.pause(targets, instant(office, until, "--until") if until else None):
        _tell_paused(state, office, paused)


@click.command()
@_targets
@pass_state
def resume(state: State, /, **named: Any) -> None:
    """Let go on what was paused; say what that publishes late, and what is missed.

    \b
    Example:
      postbell resume --account sky
    """  # noqa: D301 - click wants the character
    from postbell.cli.telling import NO_DAEMON
    from postbell.services.accounts.holds import pause_told

    targets, office = _named(**named), state.open_office()
    found = office.resume(targets)
    for resumed in found:
        _tell_resumed(state, resumed)
    if any(resumed.late for resumed in found) and not office.daemon_runs():
        state.note(NO_DAEMON)
    for still in office.pauses():
        state.note(f"{pause_told(still, lambda at: time_told(at, office.zone, office.now()))}.")


def _named(
    *, accounts: tuple[str, ...], series: tuple[str, ...], labels: tuple[str, ...], everything: bool
) -> list[Target]:
    from postbell.services.accounts.pausing import Scope, Target

    targets = [Target(scope=Scope.EVERYTHING)] if everything else []
    for scope, names in ((Scope.ACCOUNT, accounts), (Scope.SERIES, series), (Scope.LABEL, labels)):
        named = (part.strip() for each in names for part in each.split(","))
        targets += [Target(scope=scope, name=name) for name in dict.fromkeys(named) if name]
    if not targets:
        raise click.UsageError("Say what is meant: --account, --series, --label or --all.")
    return targets


def _tell_paused(state: State, office: Office, paused: Paused) -> None:
    from postbell.domain.spans import span_text
    from postbell.services.upkeep.health import counted

    if state.json:
        state.emit(paused_json(paused))
    ends = "until it is resumed"
    if paused.until:
        ends = f"until {time_told(paused.until, office.zone, office.now())}"
    held = f"{counted(paused.waiting)} held back" if paused.waiting else "nothing waits yet"
    state.say(f"Paused {paused.target.told()} {ends}: {held}.")
    if not paused.used:
        state.note(f"no post that is to come has the label {paused.target.name} yet.")
    limit = span_text(office.late_limit)
    state.note(
        "what falls due meanwhile is published late when it goes on, if it is overdue by at most "
        f"{limit} then (or what its account or the post itself allows), else missed; of a series only the "
        "newest is published."
    )


def _tell_resumed(state: State, resumed: Resumed) -> None:
    from postbell.services.upkeep.health import counted

    target = resumed.target
    if state.json:
        state.emit(resumed_json(resumed))
    if not resumed.was_paused:
        state.say(f"Nothing to do: {target.told()} was not paused.")
        return
    found = []
    if resumed.late:
        found.append(f"{counted(resumed.late)} published late, now")
    if resumed.missed:
        found.append(f"{counted(resumed.missed)} missed")
    state.say(f"Resumed {target.told()}: {'; '.join(found) or 'nothing fell due meanwhile'}.")
