"""A look at what would be sent, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.domain.content import Content, resolve
from postbell.domain.post import Delivery, Post
from postbell.domain.states import DeliveryState
from postbell.domain.tagging import completed
from postbell.errors import Invalid, Problem
from postbell.publishing import parts
from postbell.publishing.protocol import Call, read_options
from postbell.services.context import Context
from postbell.services.plan.placing import choose
from postbell.services.plan.planning import Place, plan
from postbell.services.posts import guard
from postbell.services.posts.adding import added_to
from postbell.services.posts.checking import (
    check_alt,
    check_comments,
    check_films,
    check_fitted,
    check_options,
    check_terms,
    parted,
)
from postbell.services.posts.compose import in_place, new_post, not_stored
from postbell.services.posts.judging import NO_ACCOUNT, check_said, find_accounts
from postbell.services.posts.own_times import check_dates, check_named, own_times, place_at
from postbell.services.posts.splitting import split_for
from postbell.services.posts.wanted import Preview, Wanted, with_clocks
from postbell.services.sending.commenting import as_comment, saying


#: A content with its pictures made to fit an account, and why others cannot be.
_Fitted = tuple[Content, list[Problem]]


def preview_post(ctx: Context, wanted: Wanted) -> list[Preview]:
    """Return what every account would be sent, with everything that would be refused.

    Stores and sends nothing. Raises Invalid for what cannot be shown at all: unknown accounts and options,
    bad files, no place in a queue.
    """
    accounts, problems = find_accounts(ctx, wanted.to)
    if not wanted.to:
        problems.append(NO_ACCOUNT)
    with ctx.media.stage(not_stored(wanted.media)) as files:
        post = new_post(ctx, wanted, in_place(wanted.media, files.media))
        post = split_for(ctx, added_to(post, accounts.values()), accounts.values(), wanted.split)
        problems += [
            *wanted.problems,
            *files.problems,
            *check_named(ctx, wanted.times, accounts, to=wanted.to),
        ]
        problems += check_said(ctx, post.content, wanted.overrides, accounts)
        for account in accounts.values():
            problems += parted(_check_options(ctx, post, account), post)[0]
        if problems:
            raise Invalid(problems)
        fitted = {
            name: ctx.fit(post.content, post.overrides, account, foretold=True)
            for name, account in accounts.items()
        }
        with ctx.store.write() if wanted.place else ctx.store.read() as tx:
            unsaved = tx.begin_nested()  # a place at the head of a queue moves what is queued
            places = _places(ctx, tx, post, accounts, wanted)
            found = [
                _preview(ctx, tx, post, account, fitted[account.name], place=places.get(account.id))
                for account in accounts.values()
            ]
            unsaved.rollback()
    found = [with_clocks(each, wanted) for each in found]
    if wanted.draft or not wanted.times:
        return found
    return [_without_time(ctx, post, accounts[each.account], each) for each in found]


def _check_options(ctx: Context, post: Post, account: Account) -> list[Problem]:
    return check_options(ctx, post.overrides, account, unchecked=post.unchecked)


def _places(
    ctx: Context, tx: Connection, post: Post, accounts: Mapping[str, Account], wanted: Wanted
) -> dict[int, Place]:
    """Return when each account would publish a post, by its id; one that has no time is left out."""
    own = own_times(wanted.times, accounts)
    rest = [account for account in accounts.values() if account.name not in own]
    places: dict[int, Place] = {account.id: Place(at=post.at) for account in rest} if post.at else {}
    if wanted.place and rest:
        places = choose(ctx, tx, post, rest, wanted.place, now=ctx.now()).places
    return places | {accounts[name].id: place_at(when) for name, when in own.items()}


def _without_time(ctx: Context, post: Post, account: Account, shown: Preview) -> Preview:
    """Return a preview that says so where the others have times and this account has none."""
    lacking = () if shown.at else check_dates(ctx, post, [account])
    return replace(shown, problems=(*shown.problems, *lacking))


def _calls(
    ctx: Context, post: Post, delivery: Delivery, account: Account, said: Content | None
) -> tuple[Call, ...]:
    network = ctx.network(account.network)
    calls = network.preview(ctx.outgoing(post, delivery, account))
    if said and network.comments:
        outgoing = ctx.outgoing(saying(post, said), delivery, account)
        calls = [*calls, *network.preview(as_comment(outgoing, said, ["<id of the post>"]))]
    return tuple(calls)


def _preview(
    ctx: Context, tx: Connection, post: Post, account: Account, fitted: _Fitted, *, place: Place | None
) -> Preview:
    network, (base, unfit) = ctx.network_of(account), fitted
    at = place.at if place else post.created_at
    # The key stands for the one that a stored delivery would have.
    delivery = Delivery(
        id=1,
        post_id=post.id,
        account_id=account.id,
        account=account.name,
        network=account.network,
        state=DeliveryState.DRAFT,
        key="x" * 20,
        due_at=at,
        begun_at=at.replace(microsecond=0),
    )
    content, given = resolve(base, post.overrides, network=account.network, account=account.name)
    content = completed(content, post.overrides, account=account.name)
    options = read_options(network, given, unchecked=post.unchecked)
    found = check_fitted(ctx, base, post.overrides, account, unchecked=post.unchecked)
    wrong, told = parted(_check_options(ctx, post, account) + found, post)
    problems = unfit + wrong + check_terms(ctx, post, account)
    no_alt = check_alt(content)
    problems += no_alt if ctx.require_alt else []
    own = {account.name: place.at} if place and not place.by else {}
    problems += guard.duplicates(ctx, tx, post, [account], own)
    problems += guard.past_end(ctx, post, place.at, account=account.name) if place else []
    planned = plan(post, [account], {account.id: place}) if place else []
    return Preview(
        account=account.name,
        network=account.network,
        at=place.at if place else None,
        why=place.why if place else None,
        lengths=tuple(
            {length.unit: (length.count, length.most) for length in each}
            for each in parts.lengths(content, options, network)
        ),
        pictures=tuple(zip(post.content.media, base.media, strict=True)),
        calls=() if unfit else _calls(ctx, post, delivery, account, content.as_comment()),
        problems=tuple(problems),
        warnings=(
            *told,
            *(() if ctx.require_alt else no_alt),
            *check_films(content),
            *check_comments(ctx, base, post.overrides, account),
            *guard.warnings(ctx, tx, post, {account.id: account}, planned),
        ),
    )
