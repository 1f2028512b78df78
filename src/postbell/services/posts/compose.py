"""Writing posts: new ones and changed ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.domain.content import Content, Override
from postbell.domain.ids import new_delivery_key, new_post_id
from postbell.domain.media import Media, Source
from postbell.domain.post import Post
from postbell.domain.states import Outcome, PostEvent, PostState, advance_post
from postbell.errors import IllegalTransition, Invalid, NotFound, Problem, Stale
from postbell.publishing import registry
from postbell.services.context import Context
from postbell.services.posts.adding import added_to
from postbell.services.posts.judging import find_accounts, judge
from postbell.services.posts.own_times import check_dates, check_times, dated, own_times
from postbell.services.posts.splitting import split_for, split_of
from postbell.services.posts.timing import Timetable, timetable
from postbell.services.posts.wanted import Changes, Saved, Wanted, terms_of
from postbell.store import accounts as account_store
from postbell.store import deliveries, posts
from postbell.store.deliveries import Planned
from postbell.store.drafts import date_drafts
from postbell.store.media import record_media


#: What the user wanted done, for messages.
_DONE = {
    PostEvent.SCHEDULE: "scheduled",
    PostEvent.UNSCHEDULE: "made a draft",
    PostEvent.EDIT: "changed",
    PostEvent.AMEND: "changed",
    PostEvent.CANCEL: "cancelled",
}


def add_post(ctx: Context, wanted: Wanted) -> Saved:
    """Store a new post; with a time it is scheduled, without one it is a draft.

    Raises Invalid with every problem at once, and then nothing is stored.
    """
    accounts, problems = find_accounts(ctx, wanted.to)
    scheduled = bool(wanted.when or wanted.place or wanted.times) and not wanted.draft
    with ctx.media.stage(not_stored(wanted.media)) as files:
        post = new_post(ctx, wanted, in_place(wanted.media, files.media))
        post = split_for(ctx, added_to(post, accounts.values()), accounts.values(), wanted.split)
        problems += [*wanted.problems, *files.problems]
        problems += check_times(ctx, post, wanted.times, accounts, to=wanted.to)
        times = own_times(wanted.times, accounts)
        if scheduled and not (wanted.place or wanted.problems):  # a time that was not understood is none
            rest = [account for account in accounts.values() if account.name not in times]
            problems += check_dates(ctx, post, rest)
        lacks = judge(ctx, post, accounts, problems, strictly=scheduled or bool(wanted.problems))
        with ctx.store.write() as tx:
            planned: Timetable | None = None
            dates: list[Planned] = []
            if scheduled:
                planned = timetable(ctx, tx, post, accounts, place=wanted.place, times=times)
                post = planned.post
            else:
                post, dates = dated(ctx, post, accounts, times)
            files.keep()
            record_media(tx, post.content.media, post.created_at)
            posts.insert_post(tx, post)
            _add_deliveries(ctx, tx, post.id, accounts.values())
            if planned:
                posts.update_post(tx, post, PostEvent.SCHEDULE)
                deliveries.schedule_deliveries(tx, post.id, planned.planned)
            date_drafts(tx, post.id, dates)
            saved = _load(ctx, tx, post.id)
    ctx.ring()
    return _told(saved, planned, lacks)


def edit_post(ctx: Context, post: Post, changes: Changes) -> Saved:
    """Change a draft or scheduled post; a draft that is given a time is scheduled.

    Raises Invalid with every problem at once, IllegalTransition for a post that is being published or was,
    and Stale if it changed meanwhile; then nothing is changed.
    """
    require_step(post, PostEvent.EDIT)
    names = tuple(d.account for d in post.deliveries) if changes.to is None else changes.to
    accounts, problems = find_accounts(ctx, names)
    wanted = post.content.media if changes.media is None else changes.media
    with ctx.media.stage(not_stored(wanted)) as files:
        changed = changed_post(ctx, post, changes, in_place(wanted, files.media))
        how = split_of(post) if changes.split is None else changes.split
        changed = split_for(ctx, added_to(changed, accounts.values()), accounts.values(), how)
        problems += [*changes.problems, *files.problems]
        problems += check_times(ctx, changed, changes.times, accounts, to=names)
        scheduled = changes.moves or post.state is PostState.SCHEDULED
        lacks = judge(ctx, changed, accounts, problems, strictly=scheduled)
        with ctx.store.write() as tx:
            planned = _timetable(ctx, tx, changed, accounts, changes) if scheduled else None
            changed, dates = (planned.post, []) if planned else dated(ctx, changed, accounts)
            files.keep()
            record_media(tx, changed.content.media, changed.updated_at)
            move_post(tx, changed, PostEvent.SCHEDULE if changes.moves else PostEvent.EDIT)
            _change_accounts(ctx, tx, changed, accounts)
            if planned:
                deliveries.schedule_deliveries(tx, post.id, planned.planned)
            date_drafts(tx, post.id, dates)
            saved = _load(ctx, tx, post.id)
    ctx.ring()
    return _told(saved, planned, lacks)


def _timetable(
    ctx: Context, tx: Connection, changed: Post, accounts: Mapping[str, Account], changes: Changes
) -> Timetable:
    """Return when each account publishes a changed post: whom nothing gives a time keeps its own."""
    times = own_times(changes.times, accounts)
    keep = not (changes.when or changes.place)
    return timetable(ctx, tx, changed, accounts, place=changes.place, times=times, keep=keep)


def require_publishable(ctx: Context, post: Post) -> tuple[dict[str, Account], list[Problem]]:
    """Return the accounts of a stored post by name, and what the user should know of it.

    Raises Invalid with everything that keeps it from being published.
    """
    accounts, problems = find_accounts(ctx, tuple(d.account for d in post.deliveries))
    return accounts, judge(ctx, post, accounts, problems, strictly=True)


def new_post(ctx: Context, wanted: Wanted, media: tuple[Media, ...]) -> Post:
    """Return the draft that a wish describes; nothing is stored."""
    now = ctx.now()
    return Post(
        id=new_post_id(ctx.random),
        state=PostState.DRAFT,
        content=Content(
            text=wanted.text,
            segments=wanted.segments,
            comment=wanted.comment,
            title=wanted.title,
            link=wanted.link,
            media=media,
        ),
        overrides=without_empty(wanted.overrides),
        at=wanted.when.at if wanted.when else None,
        local=wanted.when.local if wanted.when else None,
        zone=wanted.when.zone if wanted.when else None,
        created_at=now,
        updated_at=now,
        **vars(wanted.terms),
    )


def require_step(post: Post, event: PostEvent) -> None:
    """Raise IllegalTransition in the user's words if this cannot happen to a post as it is."""
    try:
        advance_post(post.state, event)
    except IllegalTransition:
        raise IllegalTransition(
            f"Post {post.id} is {post.state}: it cannot be {_DONE[event]}. Nothing was changed."
            f"{_other_way(post)}"
        ) from None


def _other_way(post: Post) -> str:
    rest = [each.account for each in post.deliveries if each.is_to_come]
    if post.state is PostState.PROCESSING and rest:
        alone = f"`postbell reschedule {post.id} WHEN --account {rest[0]}`"
        words = f"`postbell edit {post.id} --set {rest[0]}.text=…`"
        return f" For single accounts to which it is still to come {alone} moves it, {words} rewords it."
    public = any(each.outcome is Outcome.PUBLISHED and not each.deleted_at for each in post.deliveries)
    return f" What is public of it is changed by `postbell edit {post.id} --published`." if public else ""


def move_post(tx: Connection, changed: Post, event: PostEvent) -> None:
    """Store a post that the user has changed; its series leaves it alone from now on.

    Raises IllegalTransition in the user's words, or Stale.
    """
    require_step(changed, event)
    posts.update_post(tx, replace(changed, touched=changed.series_id is not None), event)


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


def _told(post: Post, planned: Timetable | None, lacks: Iterable[Problem]) -> Saved:
    if planned:
        return Saved(post=post, warnings=(*lacks, *planned.warnings), moved=planned.moved)
    return Saved(post=post, warnings=tuple(lacks))


def changed_post(ctx: Context, post: Post, changes: Changes, media: tuple[Media, ...]) -> Post:
    """Return a post as it is after these changes, with these files; nothing is stored."""
    content = changes.of(post.content, media)
    # What was said for accounts that it is no longer meant for goes with them.
    gone = {d.account for d in post.deliveries} - set(changes.to or ()) - set(registry.keys())
    stays = {key: said for key, said in post.overrides.items() if changes.to is None or key not in gone}
    overrides = without_empty({**stays, **(changes.overrides or {})})
    terms = vars(changes.terms or terms_of(post))
    changed = replace(post, content=content, overrides=overrides, updated_at=ctx.now(), **terms)
    when = changes.when
    if changes.place:  # the time that it had is no reason for a refusal
        return replace(changed, at=None, local=None, zone=None)
    return replace(changed, at=when.at, local=when.local, zone=when.zone) if when else changed


def not_stored(items: Iterable[Source | Media]) -> list[Source]:
    """Return those of these files that are not in the store yet."""
    return [item for item in items if not isinstance(item, Media)]


def in_place(items: Iterable[object], new: Iterable[Media]) -> tuple[Media, ...]:
    """Return the files that stay and the new ones, in the order in which they were asked for."""
    fresh = iter(new)
    found = (item if isinstance(item, Media) else next(fresh, None) for item in items)
    return tuple(item for item in found if item)


def without_empty(overrides: Mapping[str, Override]) -> dict[str, Override]:
    """Return overrides without those that say nothing."""
    return {key: override for key, override in overrides.items() if override != Override()}


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
