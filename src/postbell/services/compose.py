"""Writing posts: new ones, changed ones, and a look at what would be sent."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.domain.content import Content, Override
from postbell.domain.ids import new_delivery_key, new_post_id
from postbell.domain.media import Media
from postbell.domain.post import Delivery, Post
from postbell.domain.states import DeliveryState, PostEvent, PostState, advance_post
from postbell.domain.when import When
from postbell.errors import IllegalTransition, Invalid, NotFound, Problem, Stale
from postbell.publishing import registry
from postbell.publishing.protocol import Call
from postbell.services.checking import check_content, check_links, check_names, check_options
from postbell.services.context import Context
from postbell.store import accounts as account_store
from postbell.store import deliveries, posts
from postbell.store.media import record_media


_NO_ACCOUNT = Problem(where="--to", message="it is meant for no account; name one with --to.")

#: What the user wanted done, for messages.
_DONE = {
    PostEvent.SCHEDULE: "scheduled",
    PostEvent.UNSCHEDULE: "made a draft",
    PostEvent.EDIT: "changed",
    PostEvent.CANCEL: "cancelled",
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A post as the user asks for it."""

    text: str = ""
    title: str | None = None
    link: str | None = None
    #: Files with their alt texts.
    media: tuple[tuple[Path, str], ...] = ()
    #: Names of accounts.
    to: tuple[str, ...] = ()
    #: None makes a draft.
    when: When | None = None
    #: Keeps it a draft although it has a time: a reminder that never fires.
    draft: bool = False
    overrides: Mapping[str, Override] = field(default_factory=dict)
    #: What is known to be wrong, to be told with everything else: a time that could not be read.
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What to change of a post. None leaves a thing as it is; an empty text or tuple takes it away."""

    text: str | None = None
    title: str | None = None
    link: str | None = None
    #: Files with their alt texts, and those of the post that stay.
    media: tuple[tuple[Path, str] | Media, ...] | None = None
    to: tuple[str, ...] | None = None
    #: Also schedules a draft.
    when: When | None = None
    #: Replaces the overrides of these networks and accounts; an empty one takes it away.
    overrides: Mapping[str, Override] | None = None
    #: What is known to be wrong, to be told with everything else.
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A post that is stored, durably."""

    post: Post
    #: What a draft still lacks before it can be published.
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What one account would be sent."""

    account: str
    network: str
    #: Length of the text by unit, and the limit of each: {"graphemes": (12, 300)}.
    lengths: Mapping[str, tuple[int, int]]
    calls: tuple[Call, ...]
    problems: tuple[Problem, ...]


def add_post(ctx: Context, wanted: Wanted) -> Saved:
    """Store a new post; with a time it is scheduled, without one it is a draft.

    Raises Invalid with every problem at once, and then nothing is stored.
    """
    accounts, problems = _find_accounts(ctx, wanted.to)
    scheduled = wanted.when is not None and not wanted.draft
    with ctx.media.stage(wanted.media) as files:
        post = _new_post(ctx, wanted, files.media)
        problems += [*wanted.problems, *files.problems]
        warnings = _judge(ctx, post, accounts, problems, strictly=scheduled or bool(wanted.problems))
        files.keep()
        with ctx.store.write() as tx:
            record_media(tx, post.content.media, post.created_at)
            posts.insert_post(tx, post)
            _add_deliveries(ctx, tx, post.id, accounts.values())
            if scheduled and post.at:
                posts.update_post(tx, post, PostEvent.SCHEDULE)
                deliveries.schedule_deliveries(tx, post.id, post.at)
            saved = _load(ctx, tx, post.id)
    ctx.ring()
    return Saved(post=saved, warnings=tuple(warnings))


def edit_post(ctx: Context, post: Post, changes: Changes) -> Saved:
    """Change a draft or scheduled post; a draft that is given a time is scheduled.

    Raises Invalid with every problem at once, IllegalTransition for a post that is being published or was,
    and Stale if it changed meanwhile; then nothing is changed.
    """
    _require_step(post, PostEvent.EDIT)
    names = tuple(d.account for d in post.deliveries) if changes.to is None else changes.to
    accounts, problems = _find_accounts(ctx, names)
    wanted = post.content.media if changes.media is None else changes.media
    with ctx.media.stage([item for item in wanted if not isinstance(item, Media)]) as files:
        media = _in_place(wanted, files.media)
        changed = _changed(ctx, post, changes, media)
        problems += [*changes.problems, *files.problems]
        scheduled = post.state is PostState.SCHEDULED or changes.when is not None
        warnings = _judge(ctx, changed, accounts, problems, strictly=scheduled)
        files.keep()
        with ctx.store.write() as tx:
            record_media(tx, media, changed.updated_at)
            move_post(tx, changed, PostEvent.SCHEDULE if changes.when else PostEvent.EDIT)
            _change_accounts(ctx, tx, changed, accounts)
            if scheduled and changed.at:
                deliveries.schedule_deliveries(tx, post.id, changed.at)
            saved = _load(ctx, tx, post.id)
    ctx.ring()
    return Saved(post=saved, warnings=tuple(warnings))


def require_publishable(ctx: Context, post: Post) -> None:
    """Raise Invalid with everything that keeps a stored post from being published."""
    accounts, problems = _find_accounts(ctx, tuple(d.account for d in post.deliveries))
    _judge(ctx, post, accounts, problems, strictly=True)


def preview_post(ctx: Context, wanted: Wanted) -> list[Preview]:
    """Return what every account would be sent, with everything that would be refused.

    Stores and sends nothing. Raises Invalid for what cannot be shown at all: unknown accounts and options,
    bad files.
    """
    accounts, problems = _find_accounts(ctx, wanted.to)
    if not wanted.to:
        problems.append(_NO_ACCOUNT)
    with ctx.media.stage(wanted.media) as files:
        post = _new_post(ctx, wanted, files.media)
        problems += [*wanted.problems, *files.problems]
        problems += _check_said(ctx, post.content, wanted.overrides, accounts)
        for account in accounts.values():
            problems += check_options(ctx, wanted.overrides, account)
        if problems:
            raise Invalid(problems)
        return [_preview(ctx, post, account) for account in accounts.values()]


def move_post(tx: Connection, changed: Post, event: PostEvent) -> None:
    """Store a changed post; raises IllegalTransition in the user's words, or Stale."""
    _require_step(changed, event)
    posts.update_post(tx, changed, event)


def load_post(ctx: Context, prefix: str) -> Post:
    """Return the one post whose id begins with `prefix`; raises NotFound, or Invalid if several do."""
    with ctx.store.read() as tx:
        ids = posts.find_ids(tx, prefix.lower()) if prefix else []
        if not ids:
            raise NotFound(f"There is no post {prefix!r}. `postbell list` shows those that there are.")
        if len(ids) > 1 and prefix not in ids:
            message = f"{prefix!r} could be any of {', '.join(ids)}; type more of it."
            raise Invalid([Problem(where="ID", message=message)])
        return _load(ctx, tx, ids[0])


def _load(ctx: Context, tx: Connection, post_id: str) -> Post:
    (post,) = posts.load_posts(tx, [post_id], ctx.media.path_of)
    return post


def _new_post(ctx: Context, wanted: Wanted, media: tuple[Media, ...]) -> Post:
    now = ctx.now()
    return Post(
        id=new_post_id(ctx.random),
        state=PostState.DRAFT,
        content=Content(text=wanted.text, title=wanted.title, link=wanted.link, media=media),
        overrides=_without_empty(wanted.overrides),
        at=wanted.when.at if wanted.when else None,
        local=wanted.when.local if wanted.when else None,
        zone=wanted.when.zone if wanted.when else None,
        created_at=now,
        updated_at=now,
    )


def _changed(ctx: Context, post: Post, changes: Changes, media: tuple[Media, ...]) -> Post:
    content = Content(
        text=post.content.text if changes.text is None else changes.text,
        title=post.content.title if changes.title is None else changes.title or None,
        link=post.content.link if changes.link is None else changes.link or None,
        media=media,
    )
    # What was said for accounts that it is no longer meant for goes with them.
    gone = {d.account for d in post.deliveries} - set(changes.to or ()) - set(registry.keys())
    stays = {key: said for key, said in post.overrides.items() if changes.to is None or key not in gone}
    overrides = _without_empty({**stays, **(changes.overrides or {})})
    changed = replace(post, content=content, overrides=overrides, updated_at=ctx.now())
    when = changes.when
    return replace(changed, at=when.at, local=when.local, zone=when.zone) if when else changed


def _in_place(items: Iterable[object], new: Iterable[Media]) -> tuple[Media, ...]:
    """Return the files that stay and the new ones, in the order in which they were asked for."""
    fresh = iter(new)
    found = (item if isinstance(item, Media) else next(fresh, None) for item in items)
    return tuple(item for item in found if item)


def _require_step(post: Post, event: PostEvent) -> None:
    try:
        advance_post(post.state, event)
    except IllegalTransition:
        raise IllegalTransition(
            f"Post {post.id} is {post.state}: it cannot be {_DONE[event]}. Nothing was changed."
        ) from None


def _without_empty(overrides: Mapping[str, Override]) -> dict[str, Override]:
    return {key: override for key, override in overrides.items() if override != Override()}


def _find_accounts(ctx: Context, names: tuple[str, ...]) -> tuple[dict[str, Account], list[Problem]]:
    unique = list(dict.fromkeys(names))
    with ctx.store.read() as tx:
        found = account_store.accounts_named(tx, unique)
        unknown = [name for name in unique if name not in found]
        known = [account.name for account in account_store.list_accounts(tx)] if unknown else []
    problems = [Problem(where="--to", message=_unknown_account(name, known)) for name in unknown]
    return {name: found[name] for name in unique if name in found}, problems


def _unknown_account(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"there is no account named {name}. Did you mean {near[0]}?"
    listed = f"Accounts: {', '.join(known)}." if known else "Add one with `postbell account add`."
    return f"there is no account named {name}. {listed}"


def _judge(
    ctx: Context, post: Post, accounts: Mapping[str, Account], problems: list[Problem], *, strictly: bool
) -> list[Problem]:
    """Raise Invalid for what cannot be stored; return what a draft may still lack."""
    must = problems + _check_said(ctx, post.content, post.overrides, accounts)
    lacks: list[Problem] = []
    for account in accounts.values():
        wrong = check_options(ctx, post.overrides, account)
        must += wrong
        # Without its bad picture a post may look empty: that would be no news.
        if not wrong and (_says_anything(post) or not problems):
            lacks += check_content(ctx, post.content, post.overrides, account)
    if not accounts and not any(problem.where == _NO_ACCOUNT.where for problem in problems):
        must += _empty(post, problems)
        lacks.append(_NO_ACCOUNT)
    if strictly or not _says_anything(post):
        must += lacks
    if must:
        raise Invalid(dict.fromkeys(must))
    return lacks


def _check_said(
    ctx: Context, base: Content, overrides: Mapping[str, Override], accounts: Mapping[str, Account]
) -> list[Problem]:
    with ctx.store.read() as tx:
        others = account_store.accounts_named(tx, list(overrides))
    wrong = check_names(overrides, accounts, registry.keys(), others=others)
    return wrong + check_links(base, overrides)


def _empty(post: Post, problems: list[Problem]) -> list[Problem]:
    if problems or _says_anything(post):
        return []
    return [Problem(where="text", message="the post is empty; give it a text.")]


def _says_anything(post: Post) -> bool:
    content = post.content
    said = any(override.text or override.title for override in post.overrides.values())
    return bool(content.text.strip() or content.title or content.link or content.media or said)


def _add_deliveries(ctx: Context, tx: Connection, post_id: str, accounts: Iterable[Account]) -> None:
    named = {account.name: account for account in accounts}
    present = account_store.accounts_named(tx, list(named))
    for name, account in named.items():
        if name not in present or present[name].id != account.id:
            raise Stale(f"Account {name} was removed or renamed meanwhile; nothing was stored.")
    keys = [(account.id, new_delivery_key(ctx.random)) for account in named.values()]
    deliveries.add_deliveries(tx, post_id, keys)


def _change_accounts(ctx: Context, tx: Connection, post: Post, accounts: Mapping[str, Account]) -> None:
    had = {delivery.account for delivery in post.deliveries}
    gone = [delivery.account_id for delivery in post.deliveries if delivery.account not in accounts]
    deliveries.drop_deliveries(tx, post.id, gone)
    new = [account for name, account in accounts.items() if name not in had]
    _add_deliveries(ctx, tx, post.id, new)


def _preview(ctx: Context, post: Post, account: Account) -> Preview:
    network = ctx.network(account.network)
    at = post.at or post.created_at
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
    outgoing = ctx.outgoing(post, delivery, account)
    text = outgoing.content.text
    return Preview(
        account=account.name,
        network=account.network,
        lengths={limit.unit: (limit.count(text), limit.most) for limit in network.limits.text},
        calls=tuple(network.preview(outgoing)),
        problems=tuple(check_content(ctx, post.content, post.overrides, account)),
    )
