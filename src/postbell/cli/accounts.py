"""`postbell account`.

With `--json` (account, profile and error are told in `postbell.shapes`):

    add, reconnect          account with {verified, profile, notes: [text]}; profile is its address
    list, show              account, a line for each
    check                   profile, a line for each; of several accounts, {account, error} for one that fails
    rename, limits, adds    account as it is now
    remove                  account as it was
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from postbell.cli.additions import adds, told_additions
from postbell.cli.common import SentenceGroup, State, pass_state
from postbell.cli.consent import ask_missing_values, ask_person
from postbell.cli.secrets import ask, ask_anew, ask_missing, read_values
from postbell.cli.words import printable
from postbell.errors import Conflict, Invalid, PublishError, Unavailable
from postbell.shapes.accounts import profile_json
from postbell.shapes.base import error_json


if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from postbell.cli.desk import Clocks
    from postbell.domain.account import Account
    from postbell.publishing.protocol import Network
    from postbell.services.accounts.holds import Held


@click.group(cls=SentenceGroup)
def account() -> None:
    """Connect profiles on networks, and look after them."""


account.add_command(adds)


def _credentials(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options in which a server and credentials are given."""
    options = (
        click.option(
            "--server", metavar="URL", help="The address of the network's server, if it has several."
        ),
        click.option(
            "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A value that is no secret."
        ),
        click.option(
            "--secret",
            "secrets",
            multiple=True,
            metavar="KEY[=@FILE|=-]",
            help="A secret: asked for, read from a file that only you can read, or from standard input.",
        ),
        click.option(
            "--no-verify", is_flag=True, help="Do not ask the network whether it accepts the account."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


class _NamingNetworks(click.Command):
    """A command whose help names the networks that there are, by their files: it loads none of them."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write their names below the options."""
        from postbell.publishing import registry

        with formatter.section("Networks"):
            formatter.write_text(", ".join(registry.keys()))


@account.command(cls=_NamingNetworks)
@click.argument("network")
@click.option("--name", required=True, help="What you call the account: letters, digits, - _ and .")
@_credentials
@pass_state
def add(
    state: State,
    *,
    network: str,
    name: str,
    server: str | None,
    settings: Sequence[str],
    secrets: Sequence[str],
    no_verify: bool,
) -> None:
    """Connect a profile on NETWORK, once the network has accepted it.

    What the network needs and is not given is asked for; `postbell networks NETWORK` shows what that is.
    Where it lets you consent in a browser, a page is named; a token can be given instead.
    """
    from postbell.publishing import registry

    workshop, found = state.open_workshop(), registry.get(network)
    if name in (known.name for known in workshop.accounts()):  # before anybody has typed a password
        raise Conflict(f"There is an account named {name} already. Choose another name.")
    values, taken = read_values(state, found, settings, secrets), None
    if state.interactive:
        if not state.quiet:
            click.echo(f"{found.label}\n{found.guide}\n", err=True)
        if found.server == "required" and server is None:
            server = ask("server", "The address of the server, with https://")
        values, taken = ask_missing_values(
            workshop, found, name=name, server=server, values=values, online=not no_verify
        )
    with _saying_what_to_do(found, values):
        told = workshop.connect(
            network=found.key, name=name, server=server, values=values, taken=taken, verify=not no_verify
        )
    _tell_connected(state, found, told)


@account.command()
@click.argument("name")
@_credentials
@pass_state
def reconnect(
    state: State,
    *,
    name: str,
    server: str | None,
    settings: Sequence[str],
    secrets: Sequence[str],
    no_verify: bool,
) -> None:
    """Give an account new credentials; what waited for it goes on.

    What is not given stays as it is. On a terminal, if nothing is given at all, the secrets are asked for, or
    you are asked to consent in a browser where the network has that. Where another profile answers nothing is
    changed: connect that as an account of its own.
    """
    from postbell.publishing import registry
    from postbell.services.accounts.connecting import consents, knows_client
    from postbell.services.accounts.handing_over import hands_over

    workshop = state.open_workshop()
    told = workshop.account_told(name)
    found, known = registry.get(told["network"]), told["values"]
    values, taken = read_values(state, found, settings, secrets), None
    to: dict[str, Any] = {"name": name, "server": server, "values": values, "again": True}
    if state.interactive and not values and consents(found, values) and knows_client(found, known):
        taken = ask_person(workshop, found, **to)
    elif state.interactive and not (values or no_verify) and hands_over(found, values):
        taken = ask_person(workshop, found, **to)
        values |= ask_missing(found, {*known, *taken.keys})
    elif state.interactive and not (values or server):
        values = ask_anew(found)
    with _saying_what_to_do(found, found.Credentials.model_fields):
        told = workshop.reconnect(name, server=server, values=values, taken=taken, verify=not no_verify)
    _tell_connected(state, found, told)


@account.command("list")
@pass_state
def list_(state: State) -> None:
    """List the accounts."""
    desk = state.open_desk()
    if state.json:
        for told in desk.accounts_told():
            state.emit(told)
    elif found := desk.accounts():
        held = desk.holds()
        rows = [
            [item.name, item.network, item.handle or "", _condition(desk.zone, item, held.get(item.name))]
            for item in found
        ]
        state.table(["NAME", "NETWORK", "HANDLE", "STATE"], rows)
    else:
        state.note("there are no accounts yet; add one with `postbell account add`.")


@account.command()
@click.argument("name")
@pass_state
def show(state: State, *, name: str) -> None:
    """Show one account; secrets are hidden."""
    office = state.open_office()
    told = office.account_told(name)
    if state.json:
        state.emit(told)
        return
    found = office.account(name)
    state.fields(
        [
            ("name", found.name),
            ("network", found.network),
            ("server", found.server),
            ("handle", found.handle),
            ("state", _condition(office.zone, found, office.holds().get(found.name))),
            ("", found.health_note),
            ("login", _login(office, found)),
            *_limits_of(found),
            *told_additions(found.adds),
            *told["values"].items(),
        ]
    )


@account.command()
@click.argument("names", nargs=-1)
@pass_state
def check(state: State, *, names: Sequence[str]) -> int:
    """Ask the networks whether they accept these accounts; without names, all of them.

    Ends with 6 if one is refused, 7 if a network could not be asked.
    """
    office = state.open_office()
    known = [office.account(name) for name in names] or office.accounts()
    chosen = [item.name for item in known]
    code = 0
    for name in chosen:
        try:
            profile = office.verify(name)
        except PublishError as error:
            if len(chosen) == 1:
                raise
            code = max(code, error.exit_code)
            if state.json:
                state.emit({"account": name, **error_json(error)})
            else:
                click.echo(f"postbell: {printable(str(error))}", err=True)
        else:
            if state.json:
                state.emit(profile_json(name, profile))
            state.say(f"{name} is well: {_who(profile.handle, profile.url)}")
            _tell_notes(state, profile.notes)
    return code


@account.command()
@click.argument("name")
@click.argument("new")
@pass_state
def rename(state: State, *, name: str, new: str) -> None:
    """Give an account another name."""
    office = state.open_office()
    office.rename(name, new)
    if state.json:
        state.emit(office.account_told(new))
    state.say(f"Renamed {name} to {new}.")


_SPAN = "SPAN|none"


@account.command()
@click.argument("name")
@click.option("--late-limit", metavar=_SPAN, help="How late its posts may be published, for instance 6 h.")
@click.option(
    "--min-gap", metavar=_SPAN, help="The least time between two of its posts, for instance 30 min."
)
@click.option("--cooldown", metavar=_SPAN, help="The least time between two of its recycled posts.")
@click.option(
    "--quota",
    "quotas",
    multiple=True,
    metavar="day=N|month=N|default",
    help="How many posts its network takes, where that differs; day=none lifts it, default goes back.",
)
@pass_state
def limits(
    state: State,
    *,
    name: str,
    late_limit: str | None,
    min_gap: str | None,
    cooldown: str | None,
    quotas: Sequence[str],
) -> None:
    """Show or change what bounds the posts of an account; what waits follows.

    Without options they are shown. `none` takes one away.

    \b
    Example:
      postbell account limits sky --min-gap "30 min" --late-limit "6 h"
    """  # noqa: D301 - click wants the character
    office = state.open_office()
    spans = {"late_limit": late_limit, "min_gap": min_gap, "cooldown": cooldown}
    given = {key: text for key, text in spans.items() if text is not None}
    if given or quotas:
        office.set_limits(name, given, quotas)
    found = office.account(name)
    if state.json:
        state.emit(office.account_told(name))
    elif given or quotas:
        state.say(
            f"Changed {name}: {', '.join(': '.join(pair) for pair in _limits_of(found)) or 'no limits'}."
        )
    else:
        state.fields(_limits_of(found) or [("limits", "none of its own")])


@account.command()
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask first.")
@pass_state
def remove(state: State, *, name: str, yes: bool) -> None:
    """Forget an account and its secrets; its history stays."""
    office = state.open_office()
    shown = office.account_told(name)
    if not yes:
        state.confirm(f"Forget the account {name} and its secrets?")
    office.remove_account(name)
    if state.json:
        state.emit(shown)
    state.say(f"Removed {name}.")


@contextmanager
def _saying_what_to_do(network: Network, given: Container[str]) -> Iterator[None]:
    """Let errors say where a missing secret is had, and how to go on without asking the network."""
    try:
        yield
    except Invalid as error:
        missing = {f"--secret {key}" for key in network.Credentials.model_fields if key not in given}
        guide = f"`postbell networks {network.key}` says where to get it."
        raise Invalid(
            replace(problem, message=f"{problem.message} {guide}") if problem.where in missing else problem
            for problem in error.problems
        ) from None
    except Unavailable as error:
        address = "what --set gave" if network.server == "none" else "--server"
        mend = f"Check {address} and the network; `--no-verify` stores the account without asking."
        error.args = (f"{str(error).rstrip('.')}. {mend}",)
        raise


def _tell_connected(state: State, network: Network, told: Mapping[str, Any]) -> None:
    if state.json:
        state.emit(told)
    if told["verified"]:
        state.say(f"Connected {told['name']} to {network.label}: {_who(told['handle'], told['profile'])}")
        _tell_notes(state, told["notes"])
    else:
        name = told["name"]
        state.say(f"Stored {name}; {network.label} was not asked. `postbell account check {name}` does.")


def _tell_notes(state: State, notes: Iterable[str]) -> None:
    for note in notes:
        state.note(note)


def _who(handle: str, url: str | None) -> str:
    return f"{handle} ({url})" if url else handle


def _limits_of(found: Account) -> list[tuple[str, str]]:
    """Return what bounds the posts of an account, as `account limits` takes it."""
    from postbell.domain.quota import quotas_text
    from postbell.domain.spans import span_text

    spans = (("late limit", found.late_limit), ("min gap", found.min_gap), ("cooldown", found.cooldown))
    limits = [(name, span_text(span)) for name, span in spans if span is not None]
    quotas = ", ".join(quotas_text(found.quotas))
    return [*limits, *([("quota", quotas)] if quotas else [])]


def _login(ctx: Clocks, found: Account) -> str | None:
    """Return when what a person has consented to ends, if it does."""
    if found.tokens_end_at is None:
        return None
    renewed = "renewed before" if found.renew_at else "not renewed: connect the account again before"
    return f"ends {found.tokens_end_at.astimezone(ctx.zone):%Y-%m-%d %H:%M:%S}, is {renewed}"


def _condition(zone: ZoneInfo, found: Account, held: Held | None) -> str:
    if held is None:
        return found.health
    return held.short(lambda moment: f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}")
