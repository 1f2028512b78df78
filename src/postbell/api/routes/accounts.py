"""Accounts. What opens a network goes in here, and never comes out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from pydantic import Field

from postbell.api import account_models
from postbell.api.asked import LONGEST, LONGEST_SPAN, MOST, Asked, Flag, Whole
from postbell.api.call import Answer, Running, tag_of
from postbell.api.consents import consents_of
from postbell.api.holding import require_for_pause, require_for_resume
from postbell.api.moments import read_when
from postbell.api.resource import Call, Resource, found_at
from postbell.domain.access import Scope
from postbell.domain.account import Account
from postbell.domain.additions import Additions, read_additions
from postbell.domain.quota import Per
from postbell.services.accounts import accounts, pausing
from postbell.services.accounts.consenting import Brought
from postbell.services.posts.adding import set_additions
from postbell.shapes.accounts import account_json, profile_json
from postbell.shapes.networks import connected_json


resource = Resource("accounts", "Accounts: connected profiles on networks.")

Name = Annotated[
    str,
    Path(
        description="The name of the account.",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,39}$",
        examples=["sky"],
    ),
]
VALUES = "What its network needs, by name; secrets too. They are never told again."
_CONSENT = "The id of a consent that a person has answered (`POST /api/v1/consents`), for just this account."


class AccountAsked(Asked):
    """A profile to connect."""

    name: str = Field(description="What it is called here: letters, digits, - _ and .", max_length=100)
    network: str = Field(description="The key of its network.", max_length=100, examples=["mastodon"])
    server: str | None = Field(
        None,
        description="The address of its server, if the network has several.",
        examples=["https://social.example"],
    )
    values: dict[str, str] = Field(
        default_factory=dict, description=VALUES, examples=[{"access_token": "as the server shows it"}]
    )
    consent: str | None = Field(None, description=_CONSENT, max_length=100)
    verify: Flag = Field(True, description="Whether the network is asked first whether it accepts it.")


class ReconnectAsked(Asked):
    """New credentials; what is left out stays."""

    server: str | None = Field(None, description="The address of its server.")
    values: dict[str, str] = Field(
        default_factory=dict, description=VALUES, examples=[{"access_token": "as the server shows it"}]
    )
    consent: str | None = Field(None, description=_CONSENT, max_length=100)
    verify: Flag = Field(True, description="Whether the network is asked first whether it accepts it.")


class AccountChanged(Asked):
    """What to change of an account: what is left out stays, null lifts a limit."""

    name: str | None = Field(None, description="Another name.", max_length=100)
    late_limit_seconds: Whole | None = Field(
        None, description="How late its posts may be published, in seconds.", gt=0, le=LONGEST_SPAN
    )
    min_gap_seconds: Whole | None = Field(
        None, description="The least time between two of its posts, in seconds.", gt=0, le=LONGEST_SPAN
    )
    cooldown_seconds: Whole | None = Field(
        None, description="The least time between two recycled posts, in seconds.", gt=0, le=LONGEST_SPAN
    )
    signature: str | None = Field(
        None, description="The last paragraph of what is written from now on.", max_length=LONGEST
    )
    utm: dict[str, str] | None = Field(
        None,
        description="Parameters of links: source, medium, campaign, term and content, each a text in which "
        "{network}, {account}, {post} and {label} stand for what they say.",
        examples=[{"source": "{network}", "medium": "social"}],
    )
    utm_sites: list[str] | None = Field(
        None, description="Only links to these hosts, and below them, get them.", max_length=MOST
    )
    quotas: dict[Per, Annotated[Whole, Field(ge=1, lt=10**9)] | None] | None = Field(
        None,
        description="How many posts it takes in a day or a month, where that differs from its network: null "
        "lifts one, what is left out stays. Null instead of all goes back to what the network says.",
        examples=[{"day": 25, "month": None}],
    )


class PauseAsked(Asked):
    """For how long it is held back."""

    until: str | None = Field(
        None,
        description="Until when: RFC 3339; null: until it is resumed.",
        examples=["2026-12-01T09:00:00+01:00"],
    )


@resource.get("", "List accounts", returns=account_models.Accounts)
def list_(call: Call) -> Answer:
    """List every account in the order of their names."""
    return Answer(body={"accounts": [_shown(call, each) for each in accounts.list_accounts(call.ctx)]})


@resource.get("/{name}", "Read an account", returns=account_models.Account, refuses=(404,), unchanged=True)
def read(call: Call, name: Name) -> Answer:
    """Read one account; its secrets are told as ***."""
    return _told(call, name)


@resource.serve(
    "POST",
    "",
    "Connect an account",
    needs=Scope.ACCOUNTS,
    returns=account_models.ConnectedAccount,
    status=201,
    refuses=(404,),
    sends=("Location",),
)
def create(call: Call, asked: AccountAsked) -> Answer:
    """Connect a profile, once its network has accepted it."""
    network = call.ctx.network(asked.network).key
    brought = _brought(call, asked.consent, network=network, name=asked.name, server=asked.server)
    made, profile = accounts.add_account(
        call.ctx,
        network=network,
        name=asked.name,
        server=asked.server,
        values={**asked.values, **brought.values},
        tokens=brought.tokens,
        verify=asked.verify,
    )
    body = connected_json(made, accounts.visible_values(call.ctx, made), profile)
    return Answer(body=body, headers=found_at("accounts", made.name))


@resource.serve(
    "PATCH",
    "/{name}",
    "Change an account",
    needs=Scope.ACCOUNTS,
    returns=account_models.Account,
    refuses=(404, 412),
    sends=("ETag",),
)
def change(call: Call, name: Name, asked: AccountChanged) -> Answer:
    """Rename an account, change what bounds its posts, which what waits follows, or what it adds to them."""
    given = asked.model_fields_set
    spans = {
        key: "none" if (value := getattr(asked, f"{key}_seconds")) is None else f"{value} s"
        for key in ("late_limit", "min_gap", "cooldown")
        if f"{key}_seconds" in given
    }
    quotas = _quotas(asked) if "quotas" in given else []
    with call.unit.write():
        _require_match(call, name)
        if spans or quotas:
            accounts.set_limits(call.ctx, name, spans, quotas)
        if given & {"signature", "utm", "utm_sites"}:
            set_additions(call.ctx, name, _additions(accounts.get_account(call.ctx, name), asked))
        if asked.name is not None and asked.name != name:
            accounts.rename_account(call.ctx, name, asked.name)
            name = asked.name
        return _told(call, name)


@resource.serve(
    "DELETE", "/{name}", "Forget an account", needs=Scope.ACCOUNTS, status=204, refuses=(404, 412)
)
def remove(call: Call, name: Name) -> Answer:
    """Forget an account and its secrets; its history stays."""
    with call.unit.write():
        _require_match(call, name)
        accounts.remove_account(call.ctx, name)
    return Answer()


@resource.serve(
    "POST",
    "/{name}/verify",
    "Verify an account",
    needs=Scope.ACCOUNTS,
    returns=account_models.Profile,
    refuses=(404,),
)
def verify(call: Call, name: Name) -> Answer:
    """Ask the network whether it still accepts the account, and write the answer down."""
    return Answer(body=profile_json(name, accounts.verify_account(call.ctx, name)))


@resource.serve(
    "POST",
    "/{name}/reconnect",
    "Reconnect an account",
    needs=Scope.ACCOUNTS,
    returns=account_models.ConnectedAccount,
    refuses=(404,),
)
def reconnect(call: Call, name: Name, asked: ReconnectAsked) -> Answer:
    """Give an account new credentials; what waited for it goes on."""
    account = accounts.get_account(call.ctx, name)
    server = asked.server or account.server  # as it is now: a consent is for where it was when that was begun
    brought = _brought(call, asked.consent, network=account.network, name=name, server=server)
    profile = accounts.reconnect_account(
        call.ctx,
        name,
        server=asked.server,
        values={**asked.values, **brought.values},
        tokens=brought.tokens,
        verify=asked.verify,
    )
    found = accounts.get_account(call.ctx, name)
    return Answer(body=connected_json(found, accounts.visible_values(call.ctx, found), profile))


@resource.serve(
    "POST",
    "/{name}/pause",
    "Pause an account",
    needs=Scope.ACCOUNTS,
    returns=account_models.Account,
    refuses=(404,),
    sends=("ETag",),
)
def pause(call: Call, name: Name, asked: PauseAsked | None = None) -> Answer:
    """Hold back what is to be published with an account; what is under way goes on.

    One that is held back already, and would go on sooner, also needs the scope publish.
    """
    accounts.get_account(call.ctx, name)
    text = asked.until if asked else None
    until = read_when(call.ctx, text, None, where="--until").at if text else None
    require_for_pause(call, [_target(name)], until)
    pausing.pause(call.ctx, [_target(name)], until)
    return _told(call, name)


@resource.serve(
    "POST",
    "/{name}/resume",
    "Resume an account",
    needs=Scope.ACCOUNTS,
    returns=account_models.ResumedAccount,
    refuses=(404,),
)
def resume(call: Call, name: Name) -> Answer:
    """Let a paused account go on; what fell due meanwhile is published late, or missed if it is too late.

    Posts become public by that: it also needs the scope publish.
    """
    accounts.get_account(call.ctx, name)
    require_for_resume(call, [_target(name)])
    (done,) = pausing.resume(call.ctx, [_target(name)])
    shown = _shown(call, accounts.get_account(call.ctx, name))
    return Answer(body={**shown, "was_paused": done.was_paused, "late": done.late, "missed": done.missed})


def _quotas(asked: AccountChanged) -> list[str]:
    """Return other quotas as the services read them."""
    if asked.quotas is None:
        return ["default"]
    return [f"{per}={'none' if most is None else most}" for per, most in asked.quotas.items()]


def _target(name: str) -> pausing.Target:
    return pausing.Target(scope=pausing.Scope.ACCOUNT, name=name)


def _shown(call: Running, found: Account) -> dict[str, Any]:
    return account_json(found, accounts.visible_values(call.ctx, found))


def _brought(call: Running, consent: str | None, *, network: str, name: str, server: str | None) -> Brought:
    """Return what a person has given for an account; it is forgotten once the account is stored."""
    if consent is None:
        return Brought(values={})
    consents = consents_of(call)
    call.afterwards.append(lambda: consents.forget(consent))
    return consents.brought(call, consent, network=network, name=name, server=server)


def _additions(account: Account, asked: AccountChanged) -> Additions:
    """Return what an account adds once that is changed; what is left out stays, null takes away."""
    given, had = asked.model_fields_set, account.adds
    return read_additions(
        (asked.signature or "") if "signature" in given else had.signature,
        (asked.utm or {}) if "utm" in given else had.utm,
        (asked.utm_sites or ()) if "utm_sites" in given else had.sites,
    )


def _told(call: Running, name: str) -> Answer:
    shown = _shown(call, accounts.get_account(call.ctx, name))
    return Answer(body=shown, tag=tag_of(shown))


def _require_match(call: Running, name: str) -> None:
    call.require_match(tag_of(_shown(call, accounts.get_account(call.ctx, name))))
