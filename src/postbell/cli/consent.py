"""Asking a person to consent in a browser, and waiting for it."""

from __future__ import annotations

import selectors
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from postbell.cli.secrets import ask_missing
from postbell.cli.words import printable
from postbell.errors import Unavailable


if TYPE_CHECKING:
    from postbell.cli.workshop import Workshop
    from postbell.publishing.protocol import Network
    from postbell.services.accounts.consenting import Page, Taken
    from postbell.services.posts.redirect import RedirectListener

#: Seconds that a person may take.
_PATIENCE = 900.0
#: What a person is told where the browser comes back by itself.
_GOES_ON = (
    "Then this goes on by itself. If the browser is on another machine it ends at a page that cannot",
    "be shown: paste the address of that page here, and press Enter.",
)


def ask_person(
    workshop: Workshop,
    network: Network,
    *,
    name: str,
    server: str | None,
    values: Mapping[str, str],
    again: bool = False,
) -> Taken:
    """Name the page where a person lets Postbell publish, and return what comes of it.

    The browser comes back to this machine by itself, also if another one is asked with --remote; from
    anywhere else the address is pasted. Raises a PublishError, or Unavailable after a quarter of an hour.
    """
    from postbell.services.posts.redirect import RedirectListener

    with RedirectListener() as listener:
        page = workshop.open_page(
            network=network.key,
            name=name,
            server=server,
            values=values,
            redirect=listener.address,
            again=again,
        )
        listener.expect(page.state, page.state_as)
        where = f"page of {network.label} in a browser, and allow it"
        if page.otherwise:
            where = "page of your site in a browser, log in as the author, and say yes"
        told = [f"Open this {where}:", f"\n  {page.url}\n", *_then(page, listener.address)]
        told += [f"{page.otherwise}\n"] if page.otherwise else []
        click.echo(printable("\n".join(told)), err=True)
        return workshop.take(page, _wait(listener))


def _then(page: Page, here: str) -> tuple[str, ...]:
    """Return what is to be done when the person has consented: nothing where the browser comes back here."""
    if page.redirect is None:
        return ("The page shows a code then. Type it here, and press Enter.",)
    if page.redirect == here:
        return _GOES_ON
    return (
        f"The browser ends at {page.redirect}, which need not be shown.",
        "Then paste the address of that page here, with all that follows it, and press Enter.",
    )


def ask_missing_values(
    workshop: Workshop,
    network: Network,
    *,
    name: str,
    server: str | None,
    values: Mapping[str, str],
    online: bool,
) -> tuple[dict[str, str], Taken | None]:
    """Return all values that a network needs, besides what a person has given in the browser, if anything.

    What was not given is asked for in the browser, where the network has that, and on the terminal. Only if
    it is `online` a site may be asked to make a password.
    """
    from postbell.services.accounts.connecting import consents
    from postbell.services.accounts.handing_over import hands_over

    found, taken = dict(values), None
    if online and hands_over(network, found):
        taken = ask_person(workshop, network, name=name, server=server, values=found)
    found |= ask_missing(network, {*found, *(taken.keys if taken else ())})
    if consents(network, found):
        taken = ask_person(workshop, network, name=name, server=server, values=found)
    return found, taken


def _wait(listener: RedirectListener) -> str:
    """Return the address that the browser was sent back to, or that somebody has pasted."""
    until = time.monotonic() + _PATIENCE
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        while (left := until - time.monotonic()) > 0:
            for key, _events in selector.select(left):
                if key.fileobj is listener:
                    found = listener.take()
                elif line := sys.stdin.readline():
                    found = line.strip()
                else:  # nobody will paste anything any more
                    selector.unregister(sys.stdin)
                    continue
                if found:
                    return found
    raise Unavailable("Nobody has consented in a quarter of an hour; begin again.")
