"""What the user does with series: add, change, end and look at them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta

from sqlalchemy import Connection

from postbell.domain.account import Account
from postbell.domain.content import Comment, Content, Override
from postbell.domain.ids import new_post_id
from postbell.domain.media import Media, Source
from postbell.domain.pause import PauseScope
from postbell.domain.post import Post
from postbell.domain.recurrence import Recurrence, Unit
from postbell.domain.recycling import Recycling
from postbell.domain.series import Series
from postbell.domain.states import PostState, SeriesState
from postbell.errors import Conflict, Invalid, NotFound, Problem, Stale
from postbell.publishing import registry
from postbell.services.context import Context
from postbell.services.plan.filling import fill_libraries, over_at
from postbell.services.plan.planning import plan
from postbell.services.posts import guard
from postbell.services.posts.compose import in_place, not_stored, without_empty
from postbell.services.posts.judging import find_accounts
from postbell.services.posts.templates import judge_series
from postbell.services.posts.wanted import ContentChanges
from postbell.services.series.recur import make_first
from postbell.services.series.resync import Synced, sync
from postbell.store import accounts as account_store
from postbell.store import occurrences, pauses
from postbell.store import posts as post_store
from postbell.store import series as series_store
from postbell.store.media import record_media


Rule = Recurrence | Recycling


@dataclass(frozen=True, kw_only=True)
class WantedSeries:
    """A series as the user asks for it."""

    #: None where it could not be understood: then `problems` say why.
    rule: Rule | None
    #: Texts may hold choices: {one|two}.
    text: str = ""
    #: What follows as a thread, whichever of its texts comes first.
    segments: tuple[str, ...] = ()
    #: What is published below each of its posts first.
    comment: Comment | None = None
    #: Other texts, taken in turn with the first.
    variants: tuple[str, ...] = ()
    title: str | None = None
    link: str | None = None
    #: Files with their alt texts, and stored ones.
    media: tuple[Source | Media, ...] = ()
    #: Names of accounts.
    to: tuple[str, ...] = ()
    overrides: Mapping[str, Override] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    late_limit: timedelta | None = None
    delete_after: timedelta | None = None
    #: What is known to be wrong, to be told with everything else.
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SeriesChanges(ContentChanges):
    """What to change of a series. None leaves a thing as it is; an empty text or tuple takes it away."""

    rule: Rule | None = None
    variants: tuple[str, ...] | None = None
    to: tuple[str, ...] | None = None
    #: Replaces the overrides of these networks and accounts; an empty one takes it away.
    overrides: Mapping[str, Override] | None = None
    labels: tuple[str, ...] | None = None
    #: A span of nothing takes it away.
    late_limit: timedelta | None = None
    delete_after: timedelta | None = None
    #: What is known to be wrong, to be told with everything else.
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SavedSeries:
    """A series that is stored, durably."""

    series: Series
    #: The next of its posts, in order.
    posts: tuple[Post, ...] = ()
    #: What became of those that it had made before.
    synced: Synced = field(default_factory=Synced)
    #: What the user should know of it.
    warnings: tuple[Problem, ...] = ()


#: So many of the next posts are told of a series that was saved.
_TOLD = 5
#: Stands for a rule that could not be understood while the rest is looked at.
_ANY_RULE = Recurrence(every=Unit.DAY, times=(time(),), zone="UTC", first=date(2000, 1, 1))
_NO_RULE = Problem(where="repeat", message="say when it comes again.")


def add_series(ctx: Context, wanted: WantedSeries) -> SavedSeries:
    """Store a new series and make its first posts.

    Raises Invalid with every problem at once, and then nothing is stored.
    """
    accounts, problems = find_accounts(ctx, wanted.to)
    with ctx.media.stage(not_stored(wanted.media)) as files:
        series = new_series(ctx, wanted, in_place(wanted.media, files.media))
        problems += [*faults_of(wanted), *files.problems]
        warnings = judge_series(ctx, series, accounts, problems)
        files.keep()
        with ctx.store.write() as tx:
            _require_present(tx, accounts)
            record_media(tx, series.content.media, series.created_at)
            series_store.insert_series(tx, series, [account.id for account in accounts.values()])
            if series.library is None:
                make_first(tx, ctx, series, series.created_at)
            else:
                fill_libraries(tx, ctx, series.created_at)
            saved = _saved(ctx, tx, series.id)
            warnings += _in_the_way(ctx, tx, saved.posts, accounts)
    ctx.ring()
    return replace(saved, warnings=tuple(warnings))


def edit_series(ctx: Context, series: Series, changes: SeriesChanges) -> SavedSeries:
    """Change an active series, and those of its posts to come that nobody has changed by hand.

    Raises Invalid with every problem at once, Conflict for one that has ended, and Stale if it changed
    meanwhile; then nothing is changed.
    """
    _require_active(series)
    accounts, problems = find_accounts(ctx, series.to if changes.to is None else changes.to)
    wanted = series.content.media if changes.media is None else changes.media
    with ctx.media.stage(not_stored(wanted)) as files:
        changed = _changed(ctx, series, changes, in_place(wanted, files.media))
        problems += [*changes.problems, *files.problems]
        warnings = judge_series(ctx, changed, accounts, problems)
        files.keep()
        now = changed.updated_at
        with ctx.store.write() as tx:
            _require_present(tx, accounts)
            record_media(tx, changed.content.media, now)
            series_store.update_series(tx, changed, [account.id for account in accounts.values()])
            synced = sync(tx, ctx, _load(ctx, tx, series.id), now)
            fill_libraries(tx, ctx, now)
            saved = _saved(ctx, tx, series.id)
            warnings += _in_the_way(ctx, tx, saved.posts, accounts)
    ctx.ring()
    return replace(saved, synced=synced, warnings=tuple(warnings))


def end_series(ctx: Context, series: Series, *, touched: bool = False) -> int:
    """Let a series make no more posts, and cancel those to come; return how many that were.

    What was changed by hand stays, unless `touched`. Raises Conflict for one that has ended.
    """
    _require_active(series)
    now = ctx.now()
    with ctx.store.write() as tx:
        series_store.end_series(tx, series.id, now)
        count = occurrences.cancel_untouched(tx, series.id, now, touched=touched)
    ctx.ring()
    return count


@dataclass(frozen=True, kw_only=True)
class DeletedSeries:
    """What became of the posts of a series that was deleted."""

    #: How many posts to come went with it.
    removed: int
    #: How many stay, as posts like others: what is or was published, and what was changed by hand.
    kept: int


def delete_series(ctx: Context, series: Series, *, touched: bool = False) -> DeletedSeries:
    """Remove a series for good, active or ended, with its posts to come.

    What it has published or cancelled stays, and so does what was changed by hand, unless `touched`; these
    are posts like all others then. Where it filled a queue other pieces fill it. Raises Stale if it is gone.
    """
    now = ctx.now()
    with ctx.store.write() as tx:
        removed = occurrences.delete_planned(tx, series.id, touched=touched)
        pauses.resume(tx, PauseScope.SERIES, series.id, now)
        kept = occurrences.let_go(tx, series.id)
        series_store.delete_series(tx, series.id)
        fill_libraries(tx, ctx, now)
    ctx.ring()
    return DeletedSeries(removed=removed, kept=kept)


def load_series(ctx: Context, prefix: str) -> Series:
    """Return the one series whose id begins with `prefix`; raises NotFound, or Invalid if several do."""
    with ctx.store.read() as tx:
        ids = series_store.find_series_ids(tx, prefix.lower()) if prefix else []
        if not ids:
            raise NotFound(
                f"There is no series {prefix!r}. `postbell series list` shows those that there are."
            )
        if len(ids) > 1 and prefix not in ids:
            message = f"{prefix!r} could be any of {', '.join(ids)}; type more of it."
            raise Invalid([Problem(where="ID", message=message)])
        return _load(ctx, tx, ids[0])


def list_series(ctx: Context, state: SeriesState | None = None) -> list[Series]:
    """Return every series, or those in a state, the oldest first."""
    with ctx.store.read() as tx:
        return series_store.list_series(tx, state, ctx.media.path_of)


def faults_of(wanted: WantedSeries) -> list[Problem]:
    """Return what is known to be wrong with a wish, and that it lacks a rule."""
    return list(wanted.problems) or ([] if wanted.rule else [_NO_RULE])


def new_series(ctx: Context, wanted: WantedSeries, media: tuple[Media, ...]) -> Series:
    """Return the series that a wish describes; nothing is stored."""
    now = ctx.now()
    rule = wanted.rule or _ANY_RULE
    of_library = isinstance(rule, Recycling) and rule.library is not None
    return Series(
        id=new_post_id(ctx.random),
        rule=rule,
        content=Content(
            text=wanted.text,
            segments=wanted.segments,
            comment=wanted.comment,
            title=wanted.title,
            link=wanted.link,
            media=media,
        ),
        variants=wanted.variants,
        overrides=without_empty(wanted.overrides),
        to=tuple(dict.fromkeys(wanted.to)),
        labels=wanted.labels,
        late_limit=wanted.late_limit,
        delete_after=wanted.delete_after,
        created_at=now,
        updated_at=now,
        next_at=over_at(rule, ctx.horizon) if of_library and isinstance(rule, Recycling) else now,
    )


def _changed(ctx: Context, series: Series, changes: SeriesChanges, media: tuple[Media, ...]) -> Series:
    content = changes.of(series.content, media)
    to = series.to if changes.to is None else tuple(dict.fromkeys(changes.to))
    # What was said for accounts that it is no longer meant for goes with them.
    gone = set(series.to) - set(to) - set(registry.keys())
    stays = {key: said for key, said in series.overrides.items() if key not in gone}
    late, delete = changes.late_limit, changes.delete_after
    return replace(
        series,
        rule=changes.rule or series.rule,
        content=content,
        variants=series.variants if changes.variants is None else changes.variants,
        overrides=without_empty({**stays, **(changes.overrides or {})}),
        to=to,
        labels=series.labels if changes.labels is None else changes.labels,
        late_limit=series.late_limit if late is None else late or None,
        delete_after=series.delete_after if delete is None else delete or None,
        updated_at=ctx.now(),
    )


def _require_active(series: Series) -> None:
    if series.state is not SeriesState.ACTIVE:
        raise Conflict(f"Series {series.id} has ended. Write a new one.")


def _require_present(tx: Connection, accounts: Mapping[str, Account]) -> None:
    present = account_store.accounts_named(tx, list(accounts))
    for name, account in accounts.items():
        if name not in present or present[name].id != account.id:
            raise Stale(f"Account {name} was removed or renamed meanwhile; nothing was stored.")


def _saved(ctx: Context, tx: Connection, series_id: str) -> SavedSeries:
    posts = tuple(_next_posts(ctx, tx, series_id, _TOLD))
    return SavedSeries(series=_load(ctx, tx, series_id), posts=posts)


def _in_the_way(
    ctx: Context, tx: Connection, posts: Iterable[Post], accounts: Mapping[str, Account]
) -> list[Problem]:
    """Return what may come in the way of the first of these posts that something does, for each account."""
    found: dict[str, list[Problem]] = {}
    for post in posts:
        to = [accounts[each.account] for each in post.deliveries if each.account in accounts]
        for account in to if post.state is PostState.SCHEDULED else ():
            if not found.get(account.name):
                told = guard.warnings(ctx, tx, post, {account.id: account}, plan(post, [account]))
                found[account.name] = [replace(each, where=f"post {post.id}") for each in told]
    return [problem for told in found.values() for problem in told]


def _load(ctx: Context, tx: Connection, series_id: str) -> Series:
    (series,) = series_store.load_series(tx, [series_id], ctx.media.path_of)
    return series


def _next_posts(ctx: Context, tx: Connection, series_id: str, count: int) -> list[Post]:
    ids = occurrences.coming_ids(tx, series_id, ctx.now(), count)
    return post_store.load_posts(tx, ids, ctx.media.path_of)
