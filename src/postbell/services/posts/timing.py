"""When every account publishes a post, decided in the transaction that stores it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.domain.post import Post
from postbell.domain.states import DeliveryState
from postbell.domain.when import When
from postbell.errors import Invalid, Problem
from postbell.services.context import Context
from postbell.services.plan.planning import Place, plan
from postbell.services.posts import guard
from postbell.services.posts.own_times import (
    at_earliest,
    check_dates,
    check_missed,
    note_gone,
    place_at,
    time_of,
    when_of,
)
from postbell.store.deliveries import Planned


if TYPE_CHECKING:
    from postbell.services.plan.placing import Placed, Placing


@dataclass(frozen=True, kw_only=True)
class Timetable:
    """When every account publishes a post."""

    #: The post, at the earliest of these times.
    post: Post
    planned: tuple[Planned, ...]
    #: What may come in the way.
    warnings: tuple[Problem, ...]
    #: The ids of the posts that had to move down the queue; that is stored already.
    moved: tuple[str, ...] = ()


def timetable(
    ctx: Context,
    tx: Connection,
    post: Post,
    accounts: Mapping[str, Account],
    *,
    place: Placing | None = None,
    times: Mapping[str, When] | None = None,
    keep: bool = False,
) -> Timetable:
    """Return when each account publishes a post: where `place` puts it, else at the time of the post.

    Some have times of their own, by their names. With `keep` an account that has a time for it already keeps
    that. Nothing of the post itself is stored here. Raises Invalid with everything that speaks against these
    times.
    """
    # While one account has missed it, another may still have a later time for it.
    missed = {each.account_id for each in post.deliveries if each.state is DeliveryState.MISSED}
    to = [account for account in accounts.values() if account.id not in missed]
    if not to:
        retry = f"`postbell retry {post.id}` publishes it now."
        raise Invalid([Problem(where="--to", message=f"all of these accounts have missed it; {retry}")])
    own = times or {}
    rest = [account for account in to if account.name not in own]
    problems = guard.duplicates(ctx, tx, post, to, {name: when.at for name, when in own.items()})
    problems += check_missed(post, own)
    places = _present(post) if keep else {}
    moved: tuple[str, ...] = ()
    if place and rest:
        placed = _place(ctx, tx, post, rest, place, problems=problems)
        places, moved, when = placed.places, placed.moved, placed.when
        post = replace(post, at=when.at, local=when.local, zone=when.zone)
    elif lacking := check_dates(ctx, post if keep else replace(post, deliveries=()), rest):
        raise Invalid([*problems, *lacking])
    places = _named(post, to, own, places)
    gone = [] if keep else note_gone(post, own)
    stream = next((delivery.stream for delivery in post.deliveries if delivery.stream), None)
    planned = plan(post, to, places, stream=stream)
    named = {account.id: account for account in to}
    for each in planned:
        problems += guard.past_end(ctx, post, each.at, account=named[each.account_id].name)
    if problems:
        raise Invalid(problems)
    post, settled = at_earliest(ctx, post, planned)
    return Timetable(
        post=post,
        planned=tuple(settled),
        warnings=(*gone, *guard.warnings(ctx, tx, post, named, planned)),
        moved=moved,
    )


def _place(
    ctx: Context,
    tx: Connection,
    post: Post,
    to: Sequence[Account],
    place: Placing,
    *,
    problems: list[Problem],
) -> Placed:
    """Return the places of a post; if there is one missing `problems` are told too."""
    from postbell.services.plan.placing import choose

    try:
        return choose(ctx, tx, post, to, place, now=ctx.now())
    except Invalid as error:
        raise Invalid([*problems, *error.problems]) from None


def _named(
    post: Post, to: Sequence[Account], own: Mapping[str, When], places: Mapping[int, Place]
) -> dict[int, Place]:
    """Return where the accounts of a post are, with those whose time the user has named."""
    shared = time_of(post)
    found = {account.id: place_at(shared) for account in to} if shared else {}
    return {**found, **places, **{each.id: place_at(own[each.name]) for each in to if each.name in own}}


def _present(post: Post) -> dict[int, Place]:
    places = {}
    for each in post.deliveries:
        if each.due_at and each.state is not DeliveryState.MISSED:
            named = when_of(post, each)
            placed = Place(at=each.due_at, by=each.placed_by, why=each.placed_why)
            places[each.account_id] = place_at(named) if named else placed
    return places
