"""Times of their own: when single accounts publish a post, whatever its time for the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from operator import attrgetter

from postbell.domain.account import Account
from postbell.domain.post import Delivery, Post
from postbell.domain.states import DeliveryState, PostState
from postbell.domain.when import When
from postbell.domain.zones import read_wall, wall_at, wall_text, zone_named
from postbell.errors import Problem
from postbell.publishing import registry
from postbell.services.context import Context
from postbell.services.plan.planning import Place
from postbell.services.posts import guard
from postbell.services.posts.checking import check_names
from postbell.store import accounts as account_store
from postbell.store.deliveries import Planned


def own_times(times: Mapping[str, When], accounts: Mapping[str, Account]) -> dict[str, When]:
    """Return the time of each account that has one of its own, by its name; that beats its network's."""
    found = {name: times.get(name) or times.get(account.network) for name, account in accounts.items()}
    return {name: when for name, when in found.items() if when}


def check_times(
    ctx: Context,
    post: Post,
    times: Mapping[str, When],
    accounts: Mapping[str, Account],
    *,
    to: Iterable[str] = (),
) -> list[Problem]:
    """Return what is wrong with the times of single accounts: their names, and the end of the post.

    Of the names in `to` it is told elsewhere that there is no such account.
    """
    problems = check_named(ctx, times, accounts, to=to)
    for name, when in own_times(times, accounts).items():
        problems += guard.past_end(ctx, post, when.at, account=name)
    return problems


def check_named(
    ctx: Context, times: Mapping[str, When], accounts: Mapping[str, Account], *, to: Iterable[str] = ()
) -> list[Problem]:
    """Return a problem for every time that is for no account of the post, and no network of one.

    Of the names in `to` it is told elsewhere that there is no such account.
    """
    named = [key for key in times if key not in to or key in accounts]
    if not named:
        return []
    with ctx.store.read() as tx:
        others = account_store.accounts_named(tx, named)
    wrong = check_names(named, accounts, registry.keys(), others=others, where="--at {}")
    here = {*accounts, *(account.network for account in accounts.values())}
    strange = set(named) - here - {problem.where.removeprefix("--at ") for problem in wrong}
    message = "no account of the post is on this network."
    return wrong + [Problem(where=f"--at {key}", message=message) for key in named if key in strange]


def check_dates(ctx: Context, post: Post, to: Iterable[Account]) -> list[Problem]:
    """Return a problem for each of these accounts that has no time, or of a draft one that is past.

    These are the accounts that are given none: each keeps its own, or takes that of the post.
    """
    due = {each.account: each.due_at for each in post.deliveries}
    draft = post.state is PostState.DRAFT
    apart = draft and any(due.values())
    problems = []
    for account in to:
        at = due.get(account.name)
        at = at if at or (apart and account.name in due) else post.at
        message = None
        if at is None:
            message = "it has no time; give it one, or one to all that have none of their own."
        elif post.deliveries and draft and at <= ctx.now():
            there = f"{wall_at(at, ctx.zone):%Y-%m-%d %H:%M} {ctx.zone.key}"
            message = f"its date, {there}, is past; give it a time as well."
        if message:
            problems.append(Problem(where="--at", account=account.name, message=message))
    return problems


def note_gone(post: Post, times: Iterable[str]) -> list[Problem]:
    """Return a note where accounts had times of their own that they have no more, but for these accounts."""
    named = {each.due_at for each in post.deliveries if each.account not in times and not each.placed_by}
    message = "its accounts had times of their own; now they have this one."
    return [Problem(where="time", message=message)] if len(named - {None}) > 1 else []


def check_missed(post: Post, times: Iterable[str]) -> list[Problem]:
    """Return a problem for each of these accounts that has missed the post: no time is given to them."""
    missed = {each.account for each in post.deliveries if each.state is DeliveryState.MISSED}
    message = f"it has missed the post; `postbell retry {post.id}` publishes it now."
    return [Problem(where=f"--at {name}", message=message) for name in times if name in missed]


def when_of(post: Post, delivery: Delivery) -> When | None:
    """Return the time that the user has named for an account of a post; None where its clocks are not known.

    Postbell has chosen it then, or an older version has stored it.
    """
    if delivery.due_at is None or delivery.placed_by:
        return None
    if delivery.wall:
        local, zone = read_wall(delivery.wall)
        return When(at=delivery.due_at, local=local, zone=zone)
    return time_of(post) if delivery.due_at == post.at else None


def time_of(post: Post) -> When | None:
    """Return the time of a post as the user has named it."""
    known = post.at and post.local and post.zone
    return When(at=post.at, local=post.local, zone=post.zone) if known else None  # type: ignore[arg-type]


def place_at(when: When) -> Place:
    """Return a place that the user has named."""
    return Place(at=when.at, wall=wall_text(when.local, when.zone))


def dated(
    ctx: Context, post: Post, accounts: Mapping[str, Account], times: Mapping[str, When] | None = None
) -> tuple[Post, list[Planned]]:
    """Return a draft at the earliest of its dates, and its date on each account that has one.

    That is its own, the one that it had, or that of the post.
    """
    had = {each.account: each for each in post.deliveries}
    apart = any(each.due_at for each in post.deliveries)
    dates: dict[int, When] = {}
    for name, account in accounts.items():
        before = _date(ctx, post, had[name]) if apart and name in had else time_of(post)
        if when := (times or {}).get(name) or before:
            dates[account.id] = when
    planned = [
        Planned(account_id=of, at=when.at, wall=wall_text(when.local, when.zone))
        for of, when in dates.items()
    ]
    return at_earliest(ctx, post, planned)


def at_earliest(ctx: Context, post: Post, planned: Iterable[Planned]) -> tuple[Post, list[Planned]]:
    """Return a post at the earliest of its times, on the clocks with which that was named, or its own.

    And the others, with the clocks of their own: of those of the post none are written down.
    """
    listed = list(planned)
    first = min(listed, key=attrgetter("at"), default=None)
    if first and first.at != post.at:
        zone = zone_named(post.zone) if post.zone else ctx.zone
        local, name = read_wall(first.wall) if first.wall else (wall_at(first.at, zone), zone.key)
        post = replace(post, at=first.at, local=local, zone=name)
    return post, [replace(each, wall=None) if each.at == post.at else each for each in listed]


def _date(ctx: Context, post: Post, delivery: Delivery) -> When | None:
    """Return the date of a draft on an account, on the clocks of the post where it has none of its own."""
    if named := when_of(post, delivery):
        return named
    if delivery.due_at is None:
        return None
    zone = zone_named(post.zone) if post.zone else ctx.zone
    return When(at=delivery.due_at, local=wall_at(delivery.due_at, zone), zone=zone.key)
