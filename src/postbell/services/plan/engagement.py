"""How people responded to what was published, and what that says about hours of the week."""

from __future__ import annotations

import math
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.domain.moments import Sample
from postbell.domain.post import Delivery, Post
from postbell.domain.states import Outcome
from postbell.domain.zones import wall_at
from postbell.errors import Conflict, Invalid, NotFound, Problem
from postbell.services.context import Context
from postbell.store import accounts
from postbell.store.responses import list_responses, record_responses


@dataclass(frozen=True, kw_only=True)
class Hour:
    """What came back on the posts of one account at one hour of the week."""

    account: str
    #: 0 is Monday.
    weekday: int
    hour: int
    #: The zone whose wall clocks count.
    zone: str
    #: How many people responded to a post, on average.
    mean: float
    posts: int


def record(ctx: Context, post: Post, responses: float, account: str | None = None) -> Delivery:
    """Write down how many people responded to a published post, instead of what was known before.

    Returns the delivery that was counted. Raises Invalid for a number that cannot be, NotFound if the post is
    not meant for `account`, and Conflict if it was not published, or with several accounts and none is named.
    """
    if not (math.isfinite(responses) and responses >= 0):
        raise Invalid([Problem(where="RESPONSES", message="it is not a number of people; count from 0 on.")])
    chosen = _published(post, account)
    with ctx.store.write() as tx:
        record_responses(tx, chosen.id, responses, ctx.now())
    return chosen


def best_hours(ctx: Context) -> list[Hour]:
    """Return what came back at each hour of the week that is known of, by account, the best first."""
    with ctx.store.read() as tx:
        found = []
        for account in accounts.list_accounts(tx):
            zone = zone_of(ctx, account)
            found += _hours(account.name, zone, samples(tx, account, zone))
    return found


def samples(tx: Connection, account: Account, zone: ZoneInfo) -> list[Sample]:
    """Return what came back on the posts of an account, at which hour of the week on clocks in `zone`."""
    return [
        Sample(weekday=local.weekday(), hour=local.hour, score=responses)
        for at, responses in list_responses(tx, account.id)
        for local in [wall_at(at, zone)]
    ]


def zone_of(ctx: Context, account: Account) -> ZoneInfo:
    """Return the zone of the posting times of an account, or that of times that name none."""
    return ZoneInfo(account.slots.zone) if account.slots else ctx.zone


def _hours(name: str, zone: ZoneInfo, known: list[Sample]) -> list[Hour]:
    scores: dict[tuple[int, int], list[float]] = {}
    for sample in known:
        scores.setdefault((sample.weekday, sample.hour), []).append(sample.score)
    hours = [
        Hour(
            account=name,
            weekday=weekday,
            hour=hour,
            zone=zone.key,
            mean=sum(said) / len(said),
            posts=len(said),
        )
        for (weekday, hour), said in scores.items()
    ]
    return sorted(hours, key=lambda each: (-each.mean, each.weekday, each.hour))


def _published(post: Post, account: str | None) -> Delivery:
    meant = [delivery for delivery in post.deliveries if account in (None, delivery.account)]
    names = ", ".join(delivery.account for delivery in post.deliveries)
    if not meant and account is not None:
        raise NotFound(f"Post {post.id} is not meant for {account}; its accounts: {names or 'none'}.")
    found = [delivery for delivery in meant if delivery.outcome is Outcome.PUBLISHED]
    if not found:
        where = f" with {account}" if account else ""
        raise Conflict(f"Post {post.id} was not published{where}: nobody can have responded to it.")
    if len(found) > 1:
        names = ", ".join(delivery.account for delivery in found)
        raise Conflict(
            f"Post {post.id} was published with several accounts: say which with --account ({names})."
        )
    return found[0]
