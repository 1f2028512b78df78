"""Pages that a person opens in a browser so that an account is connected, whichever way its network has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from postbell.errors import Invalid, Problem
from postbell.publishing.web.addresses import redirect_fault
from postbell.publishing.web.consent import oauth_of
from postbell.publishing.web.handover import handover_of
from postbell.publishing.web.tokens import Tokens
from postbell.services.accounts import connecting, handing_over
from postbell.services.accounts.accounts import get_account
from postbell.services.accounts.carrying import is_elsewhere, readable_values
from postbell.services.context import Context


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page that a person is to open, and how the answer is known when it comes."""

    url: str
    #: Where the browser is sent back to; None where the page shows a code, to be typed.
    redirect: str | None
    #: By which name the browser brings back what tells this answer from others, and what that is.
    state_as: str = "state"
    state: str = field(repr=False)
    #: Words about another page, for sites that do not send browsers back.
    otherwise: str | None = None


@dataclass(frozen=True, kw_only=True)
class OpenPage(Page):
    """Such a page with what its answer is understood by."""

    asking: connecting.Asking | handing_over.Handing = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Taken:
    """That a person has given something: which values of the account, and where that is kept meanwhile."""

    keys: tuple[str, ...]
    kept: object = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What a person has given by it."""

    #: What belongs to the credentials.
    values: Mapping[str, str] = field(repr=False)
    tokens: Tokens | None = field(default=None, repr=False)


def open_page(
    ctx: Context, *, network: str, name: str, server: str | None, values: Mapping[str, str], redirect: str
) -> OpenPage:
    """Return the page that connects a new account; the network is asked for it.

    `redirect` is where the browser can be sent back to. Raises Invalid for a bad name, server, value or
    redirect, and where the network has no such page, or a PublishError.
    """
    if wrong := redirect_fault(redirect):
        raise Invalid([Problem(where="redirect", message=wrong)])
    found = ctx.network(network)
    to: dict[str, Any] = {"name": name, "server": server, "redirect": redirect}
    if oauth_of(found):
        asked = connecting.ask(ctx, network=found.key, values=values, **to)
        question = asked.question
        return OpenPage(
            url=asked.url,
            redirect=None if question.typed else question.redirect,
            state_as=question.state_as,
            state=question.state,
            asking=asked,
        )
    if handover_of(found):
        handing = handing_over.ask(ctx, network=found.key, **to)
        return OpenPage(
            url=handing.url,
            redirect=redirect,
            state=handing.state,
            otherwise=handing.otherwise,
            asking=handing,
        )
    message = (
        f"{found.label} has no page for that: give its values, `postbell networks {found.key}` says which."
    )
    raise Invalid([Problem(where="network", message=message)])


def reopen_page(
    ctx: Context, name: str, *, server: str | None, values: Mapping[str, str], redirect: str
) -> OpenPage:
    """Return the page that connects an account again; what is not given is as it was.

    At another server nothing is: what was given for the one that it has is not sent there.
    """
    account = get_account(ctx, name)
    stored = readable_values(ctx, account)
    if is_elsewhere(ctx.network(account.network), account, server, stored, {**stored, **values}):
        stored = {}
    return open_page(
        ctx,
        network=account.network,
        name=name,
        server=server or account.server,
        values={**stored, **values},
        redirect=redirect,
    )


def take(ctx: Context, page: OpenPage, said: str) -> Brought:
    """Return what a person has given, by the address that the browser was sent back to, or what was typed.

    Raises a PublishError where that answers something else, or the person has said no.
    """
    if isinstance(page.asking, handing_over.Handing):
        return Brought(values=handing_over.take(page.asking, said))
    consent = connecting.take(ctx, page.asking, said)
    return Brought(values=consent.values, tokens=consent.tokens)
