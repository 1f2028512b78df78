"""Consents: accounts that are connected by a page that a person opens in a browser."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from pydantic import Field

from postbell.api import consent_models
from postbell.api.asked import Asked
from postbell.api.call import Answer
from postbell.api.consents import Consent, consents_of
from postbell.api.problems import Refusal
from postbell.api.resource import Call, Resource
from postbell.api.routes.accounts import VALUES, Name
from postbell.domain.access import Scope
from postbell.services.accounts import consenting
from postbell.services.accounts.accounts import get_account
from postbell.shapes.base import stamp


resource = Resource(
    "consents", "Consents: pages that a person opens so that an account is connected.", path="/api/v1"
)

ConsentId = Annotated[
    str,
    Path(
        description="The id of the consent.",
        pattern=r"^[A-Za-z0-9_\-]{22}$",
        examples=["Zq3vN1yT8mW5kR7xB2cD4f"],
    ),
]
_REDIRECT = Field(
    description="Where the browser can be sent back to: an address where you listen, with https, or with "
    "http on 127.0.0.1, [::1] or localhost; without a user and a fragment. "
    "Whoever opens the page can also copy the address that it ends at.",
    max_length=2000,
    examples=["http://127.0.0.1:53682/postbell"],
)

#: It is kept in memory alone, and no longer than it is waited for: so is what tells its answer from others.
_ASKED = Refusal(
    status=409,
    code="told_once",
    detail="With this Idempotency-Key a consent was asked for, and told once; it is kept nowhere else. "
    "If its answer was lost, ask for another one, with another key.",
    said="A page was asked for, but the answer was lost on its way here; begin again.",
)


class ConsentAsked(Asked):
    """An account that is to be connected."""

    name: str = Field(description="What it will be called here.", max_length=100, examples=["toots"])
    network: str = Field(description="The key of its network.", max_length=100, examples=["mastodon"])
    server: str | None = Field(None, description="The address of its server, if the network has several.")
    values: dict[str, str] = Field(default_factory=dict, description=VALUES)
    redirect: str = _REDIRECT


class ReconsentAsked(Asked):
    """How a known account is connected again; what is left out is as it was."""

    server: str | None = Field(None, description="The address of its server.")
    values: dict[str, str] = Field(default_factory=dict, description=VALUES)
    redirect: str = _REDIRECT


class AnswerAsked(Asked):
    """What a person has answered."""

    answer: str = Field(
        description="The whole address that the browser was sent back to; or the code or password that the "
        "page has shown.",
        min_length=1,
        max_length=10_000,
        examples=["http://127.0.0.1:53682/postbell?code=4fQ1&state=9kTz"],
    )


@resource.serve(
    "POST",
    "/consents",
    "Ask for consent",
    needs=Scope.ACCOUNTS,
    returns=consent_models.Consent,
    status=201,
    refuses=(404,),
)
def ask(call: Call, asked: ConsentAsked) -> Answer:
    """Return the page where a person lets Postbell publish, and wait a quarter of an hour for the answer.

    The answer is told to `POST /api/v1/consents/{consent}`, and `POST /api/v1/accounts` uses it then. What
    the network gives for it stays here. What is answered is told once: asked again with the same
    Idempotency-Key it is 409, with the code `told_once`.
    """
    network = call.ctx.network(asked.network).key
    said: dict[str, Any] = {"server": asked.server, "values": asked.values, "redirect": asked.redirect}
    page = consenting.open_page(call.ctx, network=network, name=asked.name, **said)
    return _told(
        consents_of(call).keep(call, network=network, name=asked.name, server=asked.server, page=page)
    )


@resource.serve(
    "POST",
    "/accounts/{name}/consents",
    "Ask for consent again",
    needs=Scope.ACCOUNTS,
    returns=consent_models.Consent,
    status=201,
    refuses=(404,),
)
def ask_again(call: Call, name: Name, asked: ReconsentAsked) -> Answer:
    """Return the page where a person lets Postbell publish again with an account that there is.

    The answer is told to `POST /api/v1/consents/{consent}`, and `POST /api/v1/accounts/{name}/reconnect`
    uses it then.
    """
    said: dict[str, Any] = {"server": asked.server, "values": asked.values, "redirect": asked.redirect}
    page = consenting.reopen_page(call.ctx, name, **said)
    account = get_account(call.ctx, name)
    server = asked.server or account.server
    return _told(consents_of(call).keep(call, network=account.network, name=name, server=server, page=page))


@resource.serve(
    "POST",
    "/consents/{consent}",
    "Answer a consent",
    needs=Scope.ACCOUNTS,
    returns=consent_models.AnsweredConsent,
    refuses=(404,),
)
def answer(call: Call, consent: ConsentId, asked: AnswerAsked) -> Answer:
    """Take what a person has answered, and ask the network for what it gives for that."""
    consents = consents_of(call)
    found = consents.get(call, consent)
    brought = consenting.take(call.ctx, found.page, asked.answer)
    consents.answer(found, brought)
    return Answer(body={"id": found.id, "brings": sorted(brought.values)})


def _told(made: Consent) -> Answer:
    page = made.page
    body: dict[str, Any] = {
        "id": made.id,
        "url": page.url,
        "redirect": page.redirect,
        "state_as": page.state_as,
        "state": page.state,
        "otherwise": page.otherwise,
        "ends_at": stamp(made.ends_at),
    }
    return Answer(body=body, again=_ASKED)
