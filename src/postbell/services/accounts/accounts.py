"""Connecting profiles, and looking after them."""

from __future__ import annotations

import asyncio
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr, ValidationError
from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.domain.plain import fault_of
from postbell.domain.quota import Quota, parse_quotas
from postbell.domain.spans import parse_span
from postbell.errors import Conflict, Invalid, NoKey, Problem, PublishError, Unauthorized
from postbell.publishing import registry
from postbell.publishing.protocol import Network, Profile, Target
from postbell.publishing.web.consent import oauth_of
from postbell.publishing.web.tokens import Tokens
from postbell.services.accounts.carrying import carried, is_secret, readable_values, require_same
from postbell.services.accounts.vault import require_key
from postbell.services.context import Context
from postbell.services.posts.checking import model_problems
from postbell.services.sending.kept import CommandKeeper, keep_tokens
from postbell.store import accounts


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")

#: The fields of a post's front matter: a table of such a name could not be told from the field.
_FRONT_MATTER = frozenset(
    {"to", "at", "tz", "title", "link", "late_limit", "not_after", "delete_after"}
    | {"queue", "media", "labels", "allow_duplicate", "bare", "unchecked", "split"}
    | {"comment", "comment_after", "external_id"}
)


def check_account(
    ctx: Context,
    *,
    network: str,
    name: str,
    server: str | None,
    values: Mapping[str, str],
    consented: bool = False,
) -> Target:
    """Return what an account would be; raises Invalid with every problem of its name, server and values.

    Where a network can be asked for a person's consent, that has been done or will be, or a token is needed.
    """
    found = ctx.network(network)
    problems = name_problems(name, found.key) + server_problems(found, server)
    credentials: BaseModel | None = None
    try:
        credentials = found.Credentials.model_validate(dict(values))
    except ValidationError as error:
        problems += model_problems(error, found.Credentials, lambda key: f"{_flag(found, key)} {key}")
    problems += [
        Problem(where=f"{_flag(found, key)} {key}", message=fault)
        for key, value in values.items()
        if (fault := fault_of(str(value)))
    ]
    if oauth_of(found) and not (consented or "access_token" in values):
        problems.append(_no_consent(found))
    if problems:
        raise Invalid(problems)
    address = (server or found.default_server or "").rstrip("/") or None
    return Target(name=name, server=address, credentials=credentials)


def add_account(
    ctx: Context,
    *,
    network: str,
    name: str,
    server: str | None,
    values: Mapping[str, str],
    tokens: Tokens | None = None,
    verify: bool = True,
) -> tuple[Account, Profile | None]:
    """Connect a profile; unless told otherwise the network is asked first whether it accepts it.

    `tokens` are what a person has consented to, where the network is connected so.
    Raises Invalid, Conflict if the name is taken, or the PublishError of a network that does not accept it;
    then nothing is stored.
    """
    target = check_account(
        ctx, network=network, name=name, server=server, values=values, consented=tokens is not None
    )
    http = ctx.http(replace(target, tokens=tokens))
    with ctx.store.read() as tx:
        taken = name in accounts.accounts_named(tx, [name])
        _require_key(ctx, tx)
    profile = None if taken or not verify else asyncio.run(_verify(ctx, network, target, http))
    with ctx.store.write() as tx:
        account = accounts.add_account(
            tx,
            name=name,
            network=network,
            server=target.server,
            credentials={},
            session={},
            handle=profile.handle if profile else None,
            now=ctx.now(),
        )
        _keep(tx, ctx, account, target, http)
        account = accounts.get_account(tx, name)
    return account, profile


def verify_account(ctx: Context, name: str) -> Profile:
    """Ask the network whether it still accepts an account, and write the answer down.

    Raises NotFound, or the PublishError of a network that does not accept it or cannot be asked.
    """
    with ctx.store.read() as tx:
        account = accounts.get_account(tx, name)
    target = ctx.target(account)
    keeper = CommandKeeper(store=ctx.store, account=account, vault=ctx.vault)
    try:
        profile = asyncio.run(_verify(ctx, account.network, target, ctx.http(target, keeper)))
    except Unauthorized as error:
        with ctx.store.write() as tx:
            accounts.mark_unauthorized(tx, account.id, str(error))
        raise
    with ctx.store.write() as tx:
        accounts.mark_well(tx, account.id, handle=profile.handle, session=None, now=ctx.now())
    ctx.ring()
    return profile


def reconnect_account(
    ctx: Context,
    name: str,
    *,
    server: str | None,
    values: Mapping[str, str],
    tokens: Tokens | None = None,
    verify: bool = True,
) -> Profile | None:
    """Give an account new credentials; those that are not given stay, at the place that they are for.

    What waited for it goes on.

    A token that is given takes the place of what a person has consented to, and `tokens`, to which one has
    now, the place of that. Raises NotFound, Invalid, Conflict where another profile answers, or the
    PublishError of a network that does not accept them; then nothing is changed.
    """
    with ctx.store.read() as tx:
        account = accounts.get_account(tx, name)
        _require_key(ctx, tx)
    kept = None if tokens or "access_token" in values else _tokens(ctx, account)
    merged = carried(ctx, account, server=server, values=values, login=kept, anew=tokens is not None)
    target = check_account(
        ctx,
        network=account.network,
        name=name,
        server=server or account.server,
        values=merged,
        consented=bool(tokens or kept),
    )
    http = ctx.http(replace(target, tokens=tokens or kept))
    profile = asyncio.run(_verify(ctx, account.network, target, http)) if verify else None
    if profile:
        require_same(ctx, account, profile, http.session)
    with ctx.store.write() as tx:
        if kept and http.tokens == kept:  # a daemon may have traded them in meanwhile
            http.tokens = ctx.vault.tokens(accounts.get_account(tx, name))
        _keep(tx, ctx, account, target, http)
        handle = profile.handle if profile else account.handle
        accounts.mark_well(tx, account.id, handle=handle, session=None, now=ctx.now())
    ctx.ring()
    return profile


def rename_account(ctx: Context, name: str, new: str) -> None:
    """Give an account another name; what posts and series say for it goes along.

    Raises Invalid, NotFound or Conflict.
    """
    from postbell.store import posts, series

    with ctx.store.write() as tx:
        account = accounts.get_account(tx, name)
        if problems := name_problems(new, account.network):
            raise Invalid(problems)
        accounts.rename_account(tx, name, new)
        if name != account.network:
            posts.rename_overrides(tx, name, new)
            series.rename_overrides(tx, name, new)


def list_accounts(ctx: Context) -> list[Account]:
    """Return every account in the order of their names."""
    with ctx.store.read() as tx:
        return accounts.list_accounts(tx)


def get_account(ctx: Context, name: str) -> Account:
    """Return the account with this name; raises NotFound."""
    with ctx.store.read() as tx:
        return accounts.get_account(tx, name)


def set_limits(ctx: Context, name: str, spans: Mapping[str, str], quotas: Sequence[str] = ()) -> Account:
    """Change what bounds the posts of an account, and return it; what is not given stays.

    `spans` are texts by late_limit, min_gap or cooldown, where `none` takes one away; `quotas` like day=25,
    month=none, or default alone for what the network says. What waits for a later time follows a new limit.
    Raises NotFound, or Invalid with everything that is wrong.
    """
    changed, problems = read_spans(spans)
    caps: tuple[Quota, ...] = ()
    plain = [text.strip().lower() for text in quotas] == ["default"]
    try:
        caps = () if plain else parse_quotas(quotas)
    except Invalid as error:
        problems += error.problems
    if problems:
        raise Invalid(problems)
    with ctx.store.write() as tx:
        found = accounts.get_account(tx, name)
        accounts.set_limits(
            tx,
            name,
            late_limit=changed.get("late_limit", found.late_limit),
            min_gap=changed.get("min_gap", found.min_gap),
            cooldown=changed.get("cooldown", found.cooldown),
            quotas=() if plain else _merged(found.quotas, caps),
        )
        account = accounts.get_account(tx, name)
    ctx.ring()
    return account


def remove_account(ctx: Context, name: str) -> None:
    """Forget an account and its secrets; its history stays.

    Raises NotFound, or Conflict while something is still to be published with it, or a series uses it.
    """
    from postbell.store import series

    with ctx.store.write() as tx:
        found = accounts.get_account(tx, name)
        if using := series.series_using(tx, found.id):
            raise Conflict(
                f"{name} is used by series {', '.join(using)}. End them, or give them other accounts first."
            )
        accounts.remove_account(tx, name, ctx.now())
    ctx.ring()


def plain_values(credentials: BaseModel) -> dict[str, Any]:
    """Return credentials as they are stored where no key is given, and encrypted where one is."""
    values = credentials.model_dump(mode="python", exclude_none=True)
    return {
        key: value.get_secret_value() if isinstance(value, SecretStr) else value
        for key, value in values.items()
    }


def visible_values(ctx: Context, account: Account) -> dict[str, str]:
    """Return the credentials of an account for people to read: secrets are hidden.

    Where they are encrypted, and the key is not given, there is nothing to read.
    """
    fields = ctx.network(account.network).Credentials.model_fields
    return {
        key: "***" if is_secret(fields[key].annotation) else str(value)
        for key, value in readable_values(ctx, account).items()
        if key in fields
    }


def read_spans(texts: Mapping[str, str]) -> tuple[dict[str, timedelta | None], list[Problem]]:
    """Return the spans that these texts mean, `none` as None, and what is wrong with the others."""
    spans: dict[str, timedelta | None] = {}
    problems: list[Problem] = []
    for key, text in texts.items():
        where = f"--{key.replace('_', '-')}"
        try:
            spans[key] = None if text.strip().lower() == "none" else parse_span(text, where=where)
        except Invalid as error:
            problems += error.problems
    return spans, problems


def _merged(old: Sequence[Quota], new: Sequence[Quota]) -> list[Quota]:
    return list({quota.per: quota for quota in (*old, *new)}.values())


def _tokens(ctx: Context, account: Account) -> Tokens | None:
    try:
        return ctx.vault.tokens(account)
    except NoKey:
        return None


def _keep(tx: Connection, ctx: Context, account: Account, target: Target, http: Http) -> None:
    """Store what an account is used with, and what its network wanted kept when it was asked."""
    credentials = ctx.vault.encrypt(plain_values(target.credentials), account, "credentials")
    accounts.replace_credentials(tx, account.id, server=target.server, credentials=credentials)
    accounts.save_session(tx, account.id, ctx.vault.encrypt(http.session, account, "session"))
    keep_tokens(tx, account, ctx.vault, http.tokens)


def _require_key(ctx: Context, tx: Connection) -> None:
    """Raise NoKey where a secret would be stored in the clear beside encrypted ones."""
    from postbell.store.hooks import list_hooks

    require_key(ctx.vault, accounts.list_accounts(tx), list_hooks(tx))


async def _verify(ctx: Context, network: str, target: Target, http: Http) -> Profile:
    try:
        return await ctx.network(network).verify(target, http)
    except PublishError as error:
        error.args = (f"Account {target.name}: {error}",)
        raise
    finally:
        await ctx.clients().close()


def _flag(network: Network, key: str) -> str:
    field = network.Credentials.model_fields.get(key)
    return "--secret" if field and is_secret(field.annotation) else "--set"


def missing_problems(network: Network, keys: Iterable[str]) -> list[Problem]:
    """Return a problem for each of these credentials, which are not given."""
    fields = network.Credentials.model_fields
    return [
        Problem(where=f"{_flag(network, key)} {key}", message=f"it is missing: {fields[key].description}")
        for key in keys
    ]


def name_problems(name: str, network: str) -> list[Problem]:
    """Return what is wrong with the name of an account."""
    if not _NAME.fullmatch(name):
        message = f"{name!r} is no name for an account: use letters, digits, - _ and ., at most 40."
        return [Problem(where="--name", message=message)]
    if name in _FRONT_MATTER:
        message = f"{name} is a word of a post's front matter; choose another name."
        return [Problem(where="--name", message=message)]
    if name != network and name in registry.keys():  # noqa: SIM118 - a function, not a mapping
        # Overrides in a post are named by network or by account; one name must not mean both.
        return [Problem(where="--name", message=f"{name} is the name of another network; choose another.")]
    return []


def server_problems(network: Network, server: str | None) -> list[Problem]:
    """Return what is wrong with the address of an account's server."""
    message = None
    if server is None:
        if network.server == "required":
            message = f"{network.label} needs the address of its server."
    elif network.server == "none":
        message = f"{network.label} has no server; leave it out."
    else:
        message = _address_problem(server)
    return [Problem(where="--server", message=message)] if message else []


def _no_consent(network: Network) -> Problem:
    if "access_token" in network.Credentials.model_fields:
        message = "give it; or leave it out at a terminal, and consent in the browser."
        return Problem(where="--secret access_token", message=message)
    return Problem(where="consent", message="it takes yours, in a browser: do this at a terminal.")


def _address_problem(server: str) -> str | None:
    """Return what is wrong with the address of a server; None if nothing is."""
    try:
        parts = urlsplit(server)
    except ValueError:
        return "that is not a web address; it begins with https://."
    if "@" in server or parts.query or parts.fragment:
        # An address is shown everywhere. This one may hold a password, so not even here.
        return "give the address alone, without a user, a password, ? or #; secrets go into --secret."
    if parts.scheme not in ("http", "https") or not parts.hostname:
        near = difflib.get_close_matches(parts.scheme, ["http", "https"], n=1)
        mend = f"did you mean {near[0]}://?" if near else "it begins with https://"
        return f"{server!r} is not a web address; {mend}."
    return None
