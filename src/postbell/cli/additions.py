"""`postbell account adds`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from postbell.cli.common import State, pass_state
from postbell.errors import Invalid, Problem


if TYPE_CHECKING:
    from postbell.domain.additions import Additions


@click.command()
@click.argument("name")
@click.option("--signature", metavar="TEXT|none", help="The last paragraph of each of its posts.")
@click.option(
    "--utm",
    multiple=True,
    metavar="PARAMETER=TEXT|none",
    help="A parameter of links: source, medium, campaign, term or content.",
)
@click.option(
    "--utm-site", "sites", multiple=True, metavar="HOST|none", help="Only links to this site get them."
)
@pass_state
def adds(state: State, *, name: str, signature: str | None, utm: Sequence[str], sites: Sequence[str]) -> None:
    """Show or change what an account adds to its posts: a signature, and parameters to links.

    It holds for what is written or changed from now on, and is counted with the text; `--bare` leaves it out
    of one post. In a parameter {network}, {account}, {post} (its id) and {label} (its first one) stand for
    what they say. A link that has such parameters already stays as it is. A thread is signed in its last
    part. `none` takes one away.

    \b
    Example:
      postbell account adds sky --signature "More on example.com" --utm "source={network}" --utm medium=social
    """  # noqa: D301 - click wants the character
    from postbell.domain.additions import read_additions

    office = state.open_office()
    found = office.account(name)
    changes = signature is not None or bool(utm or sites)
    if changes:
        had = found.adds
        wanted = read_additions(
            had.signature if signature is None else _unless_none(signature),
            {**had.utm, **dict(map(_pair, utm))},
            [site for site in sites if _unless_none(site)] if sites else had.sites,
        )
        office.set_additions(name, wanted)
        found = office.account(name)
    if state.json:
        state.emit(office.account_told(name))
    elif changes:
        told = ", ".join(": ".join(pair) for pair in told_additions(found.adds))
        state.say(f"Changed {name}, which adds to what is written from now on: {told or 'nothing'}.")
    else:
        state.fields(told_additions(found.adds) or [("adds", "nothing")])


def told_additions(adds: Additions) -> list[tuple[str, str]]:
    """Return what is added, as names and values for people to read."""
    signature = [("signature", adds.signature)] if adds.signature else []
    sites = [("only at", ", ".join(adds.sites))] if adds.sites else []
    return [*signature, *adds.utm.items(), *sites]


def _pair(given: str) -> tuple[str, str]:
    name, equals, text = given.partition("=")
    if not equals:
        message = f"{given!r} is not of the form PARAMETER=TEXT, for instance source={{network}}."
        raise Invalid([Problem(where="--utm", message=message)])
    # With the prefix that it is stored with, so that it takes the place of that.
    return f"utm_{name.strip().lower().removeprefix('utm_')}", _unless_none(text)


def _unless_none(text: str) -> str:
    return "" if text.strip().lower() == "none" else text
