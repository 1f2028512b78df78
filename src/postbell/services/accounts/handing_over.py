"""Connecting an account by a password that its site hands over through the browser."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from postbell.errors import Invalid, Rejected
from postbell.publishing.protocol import Network, Target
from postbell.publishing.web.handover import Handover, handover_of
from postbell.services.accounts.accounts import name_problems, server_problems
from postbell.services.accounts.connecting import ask_network
from postbell.services.context import Context


@dataclass(frozen=True, kw_only=True)
class Handing:
    """A question to a person that is open."""

    #: Where the browser is to go.
    url: str
    #: Words about another page, for sites that do not send browsers back.
    otherwise: str
    handover: Handover
    #: What tells the answer to this question from others.
    state: str = field(repr=False)


def hands_over(network: Network, given: Mapping[str, str]) -> bool:
    """Whether a site can be asked for what was not given."""
    handover = handover_of(network)
    return handover is not None and handover.gives not in given


def ask(ctx: Context, *, network: str, name: str, server: str | None, redirect: str) -> Handing:
    """Return where a person can say yes; the browser is then sent to `redirect`.

    Raises Invalid for a bad name or server, or the PublishError of a site that hands nothing over.
    """
    found = ctx.network(network)
    handover = handover_of(found)
    assert handover is not None, "the caller has looked"
    if problems := name_problems(name, found.key) + server_problems(found, server):
        raise Invalid(problems)
    blank: dict[str, Any] = dict.fromkeys(found.Credentials.model_fields, "")
    nobody = found.Credentials.model_construct(**blank)
    target = Target(name=name, server=(server or "").rstrip("/"), credentials=nobody)
    page = ask_network(ctx, target, lambda http: handover.page(target, http))
    state = secrets.token_urlsafe(24)
    return Handing(
        url=handover.coming_back(page, f"{redirect}{'&' if '?' in redirect else '?'}state={state}"),
        otherwise=f"{handover.otherwise}\n\n  {page}",
        handover=handover,
        state=state,
    )


def take(handing: Handing, said: str) -> dict[str, str]:
    """Return the credentials, by the address that the browser was sent to, or a password that was typed.

    Raises Rejected where the address is another one, or the person has said no.
    """
    if "://" not in said:
        return {handing.handover.gives: said}
    try:
        brought = {name: values[0] for name, values in parse_qs(urlsplit(said.strip()).query).items()}
    except ValueError:
        brought = {}
    if not hmac.compare_digest(brought.get("state", "").encode(), handing.state.encode()):
        raise Rejected(
            "that is not the address that the browser was sent back to in answer to this; begin again"
        )
    return handing.handover.read(brought)
