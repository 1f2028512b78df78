"""What speaks against publishing a post at its time: another one that reads the same, quotas, the least gap.

Call it in the transaction that stores the times: of two commands at once the second must see the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.domain.content import resolve
from postbell.domain.fingerprint import fingerprint
from postbell.domain.post import Delivery, Post
from postbell.domain.quota import in_force, over
from postbell.domain.spans import span_text
from postbell.domain.states import DeliveryState
from postbell.domain.zones import wall_at
from postbell.errors import Problem
from postbell.services.context import Context
from postbell.store.calendar import taken_times
from postbell.store.deliveries import Planned
from postbell.store.duplicates import list_alike


#: As far as any quota reaches.
_FARTHEST = timedelta(days=30)


def duplicates(
    ctx: Context,
    tx: Connection,
    post: Post,
    accounts: Iterable[Account],
    times: Mapping[str, datetime] | None = None,
) -> list[Problem]:
    """Return a problem for each account on which another post reads the same.

    That post is still to come, at any time, or was published within the window of the configuration before
    this one, or before the time of its own that an account has among `times`. What a series has made may
    repeat itself, and so may a post of which the user says so.
    """
    if post.allow_duplicate or post.series_id or not ctx.duplicate_window:
        return []
    now, problems = ctx.now(), []
    for account in accounts:
        content, _ = resolve(post.content, post.overrides, network=account.network, account=account.name)
        mark = fingerprint(content)
        since = max(now, (times or {}).get(account.name) or post.at or now) - ctx.duplicate_window
        alike = list_alike(tx, account.id, mark, since=since, besides=post.id) if mark else []
        if alike:
            said = f"{_other(ctx, alike[0])}; change the text, or say --allow-duplicate."
            problems.append(Problem(where="text", account=account.name, message=said))
    return problems


def past_end(ctx: Context, post: Post, at: datetime, *, account: str | None = None) -> list[Problem]:
    """Return a problem if `at` (aware) is later than the post may be published."""
    if post.not_after is None or at <= post.not_after:
        return []
    message = f"{_clock(ctx, post.not_after)} is before the time of the post, {_clock(ctx, at)}."
    return [Problem(where="--not-after", account=account, message=message)]


def warnings(
    ctx: Context, tx: Connection, post: Post, accounts: Mapping[int, Account], planned: Iterable[Planned]
) -> list[Problem]:
    """Return what may come in the way of a post at the times that are planned for it.

    `accounts` are keyed by id.
    """
    found = []
    for each in planned:
        account = accounts[each.account_id]
        quotas = in_force(ctx.network(account.network).limits.quotas, account.quotas)
        if not quotas and not account.min_gap:
            continue
        times = taken_times(tx, account.id, each.at - _FARTHEST, each.at + _FARTHEST, besides=post.id)
        said = [*over(quotas, times, each.at), *_too_near(ctx, account, times, each.at)]
        found += [Problem(where="time", account=account.name, message=f"{text}.") for text in said]
    return found


def _other(ctx: Context, alike: Delivery) -> str:
    says = f"post {alike.post_id} says the same and"
    if alike.state is DeliveryState.SCHEDULED and alike.due_at:
        return f"{says} is scheduled for {_clock(ctx, alike.due_at)}"
    if alike.state is DeliveryState.PROCESSED and alike.ended_at:
        return f"{says} was published {_clock(ctx, alike.ended_at)}"
    return f"{says} may be public already" if alike.state is DeliveryState.UNSURE else f"{says} is being sent"


def _too_near(ctx: Context, account: Account, times: list[datetime], at: datetime) -> list[str]:
    gap = account.min_gap
    if not gap:
        return []
    before = max((time for time in times if time <= at), default=None)
    after = min((time for time in times if time > at), default=None)
    said = []
    if before and at - before < gap:
        distance = f"{span_text(at - before)} before it" if before < at else "at the same time"
        near = f"another post of the account is due {distance}"
        said.append(f"{near}: it will be held back until {_clock(ctx, before + gap)}")
    if after and after - at < gap:
        near = f"another post of the account is due {span_text(after - at)} after it"
        said.append(f"{near}: that one will be held back until {_clock(ctx, at + gap)}")
    return said


def _clock(ctx: Context, at: datetime) -> str:
    return f"{wall_at(at, ctx.zone):%Y-%m-%d %H:%M} {ctx.zone.key}"
