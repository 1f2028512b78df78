"""Asking a person to consent in a browser, and waiting for it."""

from __future__ import annotations

import selectors
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from postbell.cli.common import printable
from postbell.cli.secrets import ask_missing
from postbell.errors import Unavailable


if TYPE_CHECKING:
    from postbell.publishing.protocol import Network
    from postbell.publishing.web.consent import Question
    from postbell.publishing.web.tokens import Tokens
    from postbell.services.accounts.connecting import Consent
    from postbell.services.context import Context
    from postbell.services.posts.redirect import RedirectListener

#: Seconds that a person may take.
_PATIENCE = 900.0
#: What a person is told where the browser comes back by itself.
_GOES_ON = (
    "Then this goes on by itself. If the browser is on another machine it ends at a page that cannot",
    "be shown: paste the address of that page here, and press Enter.",
)


def ask_consent(
    ctx: Context, network: Network, *, name: str, server: str | None, values: Mapping[str, str]
) -> Consent:
    """Name the page where a person consents, and return what comes of it.

    The browser comes back to this machine by itself; from another machine its address is pasted. Raises a
    PublishError, or Unavailable after a quarter of an hour.
    """
    from postbell.services.accounts.connecting import ask, take
    from postbell.services.posts.redirect import RedirectListener

    with RedirectListener() as listener:
        asking = ask(
            ctx, network=network.key, name=name, server=server, values=values, redirect=listener.address
        )
        listener.expect(asking.question.state, asking.question.state_as)
        told = [
            f"Open this page of {network.label} in a browser, and allow it:",
            f"\n  {asking.url}\n",
            *_then(asking.question, listener.address),
        ]
        click.echo(printable("\n".join(told)), err=True)
        return take(ctx, asking, _wait(listener))


def _then(question: Question, here: str) -> tuple[str, ...]:
    """Return what is to be done when the person has consented: nothing where the browser comes back here."""
    if question.typed:
        return ("The page shows a code then. Type it here, and press Enter.",)
    if question.redirect == here:
        return _GOES_ON
    return (
        f"The browser ends at {question.redirect}, which need not be shown.",
        "Then paste the address of that page here, with all that follows it, and press Enter.",
    )


def ask_missing_values(
    ctx: Context,
    network: Network,
    *,
    name: str,
    server: str | None,
    values: Mapping[str, str],
    online: bool,
) -> tuple[dict[str, str], Tokens | None]:
    """Return all values that a network needs, and tokens if it gives any.

    What was not given is asked for in the browser, where the network has that, and on the terminal. Only if
    it is `online` a site may be asked to make a password.
    """
    from postbell.services.accounts.connecting import consents
    from postbell.services.accounts.handing_over import hands_over

    found = dict(values)
    if online and hands_over(network, found):
        found |= ask_for_password(ctx, network, name=name, server=server)
    found |= ask_missing(network, found)
    if not consents(network, found):
        return found, None
    consent = ask_consent(ctx, network, name=name, server=server, values=found)
    return {**found, **consent.values}, consent.tokens


def ask_for_password(ctx: Context, network: Network, *, name: str, server: str | None) -> dict[str, str]:
    """Name the page where a site makes a password for Postbell, and return what comes of it.

    Raises a PublishError, or Unavailable after a quarter of an hour.
    """
    from postbell.services.accounts.handing_over import ask, take
    from postbell.services.posts.redirect import RedirectListener

    with RedirectListener() as listener:
        handing = ask(ctx, network=network.key, name=name, server=server, redirect=listener.address)
        listener.expect(handing.state)
        told = [
            "Open this page of your site in a browser, log in as the author, and say yes:",
            f"\n  {handing.url}\n",
            *_GOES_ON,
            handing.otherwise + "\n",
        ]
        click.echo(printable("\n".join(told)), err=True)
        return take(handing, _wait(listener))


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
