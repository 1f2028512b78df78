"""What an account that is connected again keeps: whose it is, and its credentials, but at another place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from postbell.domain.account import Account
from postbell.errors import Conflict, Invalid, NoKey, Problem
from postbell.publishing.options import Strict
from postbell.publishing.protocol import Network, Profile, whose_of
from postbell.publishing.web.consent import GIVEN, oauth_of
from postbell.publishing.web.tokens import Tokens
from postbell.services.context import Context


#: What a server has given to Postbell itself, where a person consents.
_CLIENT = ("client_id", "client_secret")


def carried(
    ctx: Context,
    account: Account,
    *,
    server: str | None,
    values: Mapping[str, Any],
    login: Tokens | None,
    anew: bool,
) -> dict[str, Any]:
    """Return the credentials that an account has when it is given these `values`, and `server` if any.

    `login` is what a person has consented to and is used on; `anew` says that somebody has just consented.
    Raises Invalid where its server, or what finds it among its values, becomes another one, and a secret
    would go there that was given for the place where the account is now.
    """
    stored = {
        key: value for key, value in readable_values(ctx, account).items() if not (anew and key in GIVEN)
    }
    merged = {**stored, **values}
    network = ctx.network(account.network)
    if is_elsewhere(network, account, server, stored, merged):
        if oauth_of(network):  # as which application it is known there
            merged = {key: value for key, value in merged.items() if key in values or key not in _CLIENT}
        fields = network.Credentials.model_fields
        message = "it was given for another address or name, and is not sent to this one; give it again."
        problems = [
            Problem(where=f"--secret {key}", message=message)
            for key in merged
            if key not in values and key in fields and is_secret(fields[key].annotation)
        ]
        if login:
            consented = (
                "what a person has consented to is for the address that it has now; let them do so again."
            )
            problems.append(Problem(where="--server", message=consented))
        if problems:
            raise Invalid(problems)
    return merged


def require_same(ctx: Context, account: Account, profile: Profile, session: Mapping[str, Any]) -> None:
    """Raise Conflict where another profile has answered than the one that an account has published as.

    As another one its posts are not found: a lost answer would be taken for none, and be sent once more.
    `session` is what the network has stored when it answered. What cannot be told apart counts as the same.
    """
    network = ctx.network(account.network)
    try:
        before = whose_of(network, ctx.vault.session(account))
    except NoKey:
        return
    now = whose_of(network, session)
    if before and now and before.isdisjoint(now):
        was, other = account.handle or ", ".join(sorted(before)), profile.handle
        if was == other:  # one name for two profiles: the names of Bluesky move
            was, other = (", ".join(sorted(each)) for each in (before, now))
        raise Conflict(
            f"Account {account.name} is {was}, and {other} has answered: nothing was changed. What was "
            f"published as the one cannot be found or removed as the other. Log in as {was}, or connect "
            f"{other} as an account of its own: `postbell account add {account.network}`."
        )


def is_elsewhere(
    network: Network, account: Account, server: str | None, before: Mapping[str, Any], then: Mapping[str, Any]
) -> bool:
    """Whether another host would be asked: by the server, or by what finds one among what is no secret.

    That is an address, or a name by which one is looked up: all that the network does not call placeless.
    """
    old = account.server or network.default_server
    model = network.Credentials
    placeless = model.placeless if issubclass(model, Strict) else frozenset()
    finding = [
        key
        for key, field in model.model_fields.items()
        if key not in placeless and not is_secret(field.annotation) and (key in before or key in then)
    ]
    found = ((before.get(key), then.get(key)) for key in finding)
    return any(_place(one) != _place(other) for one, other in ((old, server or old), *found))


def is_secret(annotation: Any) -> bool:
    """Whether a field of Credentials holds a secret."""
    return annotation is SecretStr or SecretStr in getattr(annotation, "__args__", ())


def readable_values(ctx: Context, account: Account) -> Mapping[str, Any]:
    """Return the credentials of an account; none if they cannot be decrypted, so that it can get new ones."""
    try:
        return ctx.vault.credentials(account)
    except NoKey:
        return {}


def _place(value: Any) -> object:
    """Return scheme, host and port of an address, and what is none as it is."""
    said = str(value or "")
    try:
        parts = urlsplit(said)
        port = parts.port
    except ValueError:
        return said
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return (parts.scheme, parts.hostname, port or usual) if usual else said
