"""Addresses that are told what happens: added, tried, given another secret, forgotten."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from postbell.domain.event import EventKind
from postbell.domain.hook import OLD_SECRET_FOR, USUAL, CallState, Hook, HookCall, heard
from postbell.errors import Invalid, NoKey, OffLimits, Problem
from postbell.publishing.signing import new_secret
from postbell.services.accounts.vault import require_key
from postbell.services.context import Context
from postbell.services.telling.hook_calls import Told, ping, secrets_now, way_to
from postbell.store import accounts, hooks


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A hook, and how much it was told."""

    hook: Hook
    waiting: int
    given_up: int


def add_hook(
    ctx: Context, *, name: str, url: str, events: Sequence[str] = (), allow_local: bool = False
) -> tuple[Hook, str]:
    """Let an address be told what happens from now on; return with it its secret, which is shown this once.

    Without `events` it is told the usual ones. Raises Invalid, Conflict if the name is taken, or NoKey.
    """
    wanted = tuple(dict.fromkeys(events)) or tuple(str(kind) for kind in USUAL)
    if problems := [
        *_name_problems(name),
        *_url_problems(ctx, url, allow_local=allow_local),
        *_event_problems(wanted),
    ]:
        raise Invalid(problems)
    secret = new_secret()
    with ctx.store.write() as tx:
        require_key(ctx.vault, accounts.list_accounts(tx), hooks.list_hooks(tx))
        hook = hooks.insert_hook(
            tx, name=name, url=url, events=wanted, allow_local=allow_local, now=ctx.now()
        )
        hook = _keep_secret(ctx, tx, hook, {"secret": secret})
    ctx.ring()
    return hook, secret


def list_hooks(ctx: Context) -> list[Hook]:
    """Return every hook in the order of their names."""
    with ctx.store.read() as tx:
        return hooks.list_hooks(tx)


def see_hooks(ctx: Context) -> list[Seen]:
    """Return every hook, and how much each was told."""
    with ctx.store.read() as tx:
        found, counts = hooks.list_hooks(tx), hooks.count_calls(tx)
    return [
        Seen(
            hook=each,
            waiting=counts.get((each.id, CallState.WAITING), 0),
            given_up=counts.get((each.id, CallState.GIVEN_UP), 0),
        )
        for each in found
    ]


def get_hook(ctx: Context, name: str) -> Hook:
    """Return the hook of this name; raises NotFound."""
    with ctx.store.read() as tx:
        return hooks.get_hook(tx, name)


def try_hook(ctx: Context, name: str) -> Told:
    """Send a ping to a hook and return how that went; nothing is written down. Raises NotFound or NoKey."""
    hook = get_hook(ctx, name)

    async def ask() -> Told:
        way = way_to(ctx, hook)
        try:
            return await ping(way, hook, secrets_now(ctx, hook), ctx.now())
        finally:
            await way.aclose()

    return asyncio.run(ask())


def rotate_hook(ctx: Context, name: str) -> tuple[Hook, str]:
    """Give a hook another secret, and return it; it is shown this once.

    For a day the old one signs too, so that the receiver can change over. Raises NotFound or NoKey.
    """
    secret, now = new_secret(), ctx.now()
    with ctx.store.write() as tx:
        hook = hooks.get_hook(tx, name)
        require_key(ctx.vault, accounts.list_accounts(tx), hooks.list_hooks(tx))
        old = _readable(ctx, hook)
        values = {"secret": secret, **_old(old, now)} if old else {"secret": secret}
        hook = _keep_secret(ctx, tx, hook, values)
    return hook, secret


def remove_hook(ctx: Context, name: str) -> Hook:
    """Tell an address nothing any more, and forget it; raises NotFound."""
    with ctx.store.write() as tx:
        hook = hooks.get_hook(tx, name)
        hooks.delete_hook(tx, hook.id)
    return hook


def log_of(ctx: Context, name: str, limit: int) -> list[HookCall]:
    """Return the last calls of a hook, the newest event first; raises NotFound."""
    with ctx.store.read() as tx:
        return hooks.list_calls(tx, hooks.get_hook(tx, name).id, limit)


def _keep_secret(ctx: Context, tx: Any, hook: Hook, values: dict[str, Any]) -> Hook:
    stored = ctx.vault.encrypt(values, hook, "secret")
    hooks.keep_secret(tx, hook.id, stored)
    return replace(hook, secret=stored)


def _readable(ctx: Context, hook: Hook) -> str | None:
    """Return the secret that a hook has; None where it cannot be read: to give another one mends that."""
    try:
        secret: str = ctx.vault.hook_secret(hook)["secret"]
    except NoKey:
        return None
    return secret


def _old(secret: str, now: datetime) -> dict[str, str]:
    return {"old": secret, "old_until": (now + OLD_SECRET_FOR).isoformat()}


def _name_problems(name: str) -> list[Problem]:
    if _NAME.fullmatch(name):
        return []
    message = f"{name!r} is no name for a hook: use letters, digits, - _ and ., at most 40."
    return [Problem(where="--name", message=message)]


def _url_problems(ctx: Context, url: str, *, allow_local: bool) -> list[Problem]:
    from postbell.publishing.web.outside import read_place

    try:
        place = read_place(url)
        if not allow_local:
            ctx.clients().outside.require_public(place)
    except OffLimits as error:
        mend = "" if allow_local else " If it is a place of your own, say --allow-local."
        told = str(error).rstrip(".")
        return [Problem(where="--url", message=f"{told[:1].lower()}{told[1:]}.{mend}")]
    return []


def _event_problems(events: Sequence[str]) -> list[Problem]:
    try:
        heard(events)
    except ValueError as error:
        groups = ", ".join(sorted({f"{kind.partition('.')[0]}.*" for kind in EventKind}))
        message = f"there is no event {error}. Name some of {', '.join(EventKind)}, or {groups} or *."
        return [Problem(where="--events", message=message)]
    return []
