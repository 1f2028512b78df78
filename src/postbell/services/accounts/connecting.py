"""Connecting an account by a person's consent in a browser (OAuth)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from postbell.errors import Invalid, PublishError
from postbell.publishing.protocol import Network, Target
from postbell.publishing.web.consent import Login, Question, oauth_of
from postbell.publishing.web.http import Http
from postbell.publishing.web.tokens import Tokens
from postbell.services.accounts.accounts import (
    check_account,
    missing_problems,
    name_problems,
    server_problems,
)
from postbell.services.context import Context


T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A question to a person that is open."""

    #: Where the browser is to go.
    url: str
    oauth: Login[Any]
    question: Question
    target: Target


@dataclass(frozen=True, kw_only=True)
class Consent:
    """What came of it."""

    #: What belongs to the credentials: by what the network knows Postbell.
    values: Mapping[str, str] = field(repr=False)
    tokens: Tokens


def consents(network: Network, given: Mapping[str, str]) -> bool:
    """Whether an account of a network is connected in the browser; not where a token was given instead."""
    return oauth_of(network) is not None and "access_token" not in given


def knows_client(network: Network, known: Container[str]) -> bool:
    """Whether the credentials that are known are enough to ask a person for consent."""
    oauth = oauth_of(network)
    return oauth is not None and all(key in known for key in oauth.asks)


def ask(
    ctx: Context, *, network: str, name: str, server: str | None, values: Mapping[str, str], redirect: str
) -> Asking:
    """Return where a person can consent; Postbell is made known to the network first, where that is possible.

    `redirect` is where the browser can be sent back to, unless the network says where. Raises Invalid for a
    bad name, server or value, or a PublishError.
    """
    found = ctx.network(network)
    oauth = oauth_of(found)
    assert oauth is not None, "the caller has looked"
    if oauth.register is None:
        target = check_account(ctx, network=network, name=name, server=server, values=values, consented=True)
        if missing := [key for key in oauth.asks if key not in values]:
            raise Invalid(missing_problems(found, missing))
    else:
        if problems := name_problems(name, found.key) + server_problems(found, server):
            raise Invalid(problems)
        address = (server or found.default_server or "").rstrip("/") or None
        target = Target(name=name, server=address, credentials=found.Credentials.model_construct())
    redirect = oauth.back(target, redirect)
    question = ask_network(ctx, target, lambda http: oauth.begin(target, redirect, http))
    return Asking(url=oauth.consent(question, target.server), oauth=oauth, question=question, target=target)


def take(ctx: Context, asking: Asking, said: str) -> Consent:
    """Return what a person has consented to, by the address that the browser was sent back to.

    Where the network shows a code instead, that is what is `said`. Raises a PublishError where it is none, or
    the network does not give tokens for it.
    """
    oauth, question, target = asking.oauth, asking.question, asking.target
    code = question.read(said)
    tokens = ask_network(
        ctx,
        target,
        lambda http: oauth.exchange(question, code, target.server, http),
        (code, *question.hidden),
    )
    values = {"client_id": question.client.id, "client_secret": question.client.secret}
    known = {name: value for name, value in values.items() if value} if oauth.register else {}
    return Consent(values=known, tokens=tokens)


def ask_network(
    ctx: Context, target: Target, work: Callable[[Http], Awaitable[T]], secrets: tuple[str, ...] = ()
) -> T:
    """Ask the network of an account that is about to be connected. Raises a PublishError that names it."""

    async def run() -> T:
        try:
            return await work(ctx.http(target, secrets=secrets))
        except PublishError as error:
            error.args = (f"Account {target.name}: {error}",)
            raise
        finally:
            await ctx.clients().close()

    return asyncio.run(run())
