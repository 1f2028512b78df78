"""Changing what is still to come of a post while some of its accounts have it already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from postbell.domain.post import Post
from postbell.domain.states import DeliveryState, PostEvent, PostState
from postbell.errors import Conflict, Problem
from postbell.publishing import registry
from postbell.services.context import Context
from postbell.services.posts.compose import edit_post, load_post, move_post, without_empty
from postbell.services.posts.judging import find_accounts, judge
from postbell.services.posts.own_times import check_times, own_times
from postbell.services.posts.timing import timetable
from postbell.services.posts.wanted import Changes, Saved, terms_of
from postbell.store import deliveries, posts


def change_post(ctx: Context, post: Post, changes: Changes) -> Saved:
    """Change a draft or scheduled post, or what is still to come of one that is being published.

    Of that only when single accounts publish it, and what these say. Raises what `edit_post` raises, and
    Conflict for an account that has begun with it; then nothing is changed.
    """
    if post.state is PostState.PROCESSING and _is_of_accounts(post, changes):
        return _change_rest(ctx, post, changes)
    return edit_post(ctx, post, changes)


def _is_of_accounts(post: Post, changes: Changes) -> bool:
    """Whether nothing else is to change than times and words of single accounts."""
    terms = None if changes.terms == terms_of(post) else changes.terms
    others = replace(changes, times={}, overrides=None, problems=(), terms=terms)
    return others == Changes() and bool(changes.times or changes.overrides)


def _change_rest(ctx: Context, post: Post, changes: Changes) -> Saved:
    said = changes.overrides or {}
    _require_to_come(post, (*changes.times, *said))
    names = tuple(each.account for each in post.deliveries if each.is_to_come)
    accounts, problems = find_accounts(ctx, names)
    problems += [*changes.problems, *check_times(ctx, post, changes.times, accounts)]
    networks = registry.keys()
    problems += [_of_network(key) for key in said if key in networks and key not in accounts]
    times = own_times(changes.times, accounts)
    changed = _with_words(post, changes)
    judged = {name: accounts[name] for name in (*times, *said) if name in accounts}
    others = {each.account for each in post.deliveries} - judged.keys()
    own = {key: words for key, words in changed.overrides.items() if key not in others}
    lacks = judge(ctx, replace(changed, overrides=own, not_after=None), judged, problems, strictly=True)
    with ctx.store.write() as tx:
        (found,) = posts.load_posts(tx, [post.id], ctx.media.path_of)
        _require_to_come(found, judged)
        rest = tuple(each for each in found.deliveries if each.account in judged)
        planned = timetable(ctx, tx, replace(changed, deliveries=rest), judged, times=times, keep=True)
        # The first of its times has come already: the post keeps it.
        move_post(tx, changed, PostEvent.AMEND)
        deliveries.schedule_deliveries(tx, post.id, planned.planned)
    ctx.ring()
    return Saved(post=load_post(ctx, post.id), warnings=(*lacks, *planned.warnings))


def _with_words(post: Post, changes: Changes) -> Post:
    """Return a post with what single accounts are to say now; what they add of their own accord stays."""
    said = {
        key: replace(words, added=before.added if (before := post.overrides.get(key)) else None)
        for key, words in (changes.overrides or {}).items()
    }
    return replace(post, overrides=without_empty({**post.overrides, **said}))


def _require_to_come(post: Post, names: Iterable[str]) -> None:
    """Raise Conflict if one of these accounts has begun with a post."""
    free = sorted(each.account for each in post.deliveries if each.is_to_come)
    begun = {each.account: each.outcome or each.state for each in post.deliveries if not each.is_to_come}
    if found := [f"{name}: {_begun(begun[name])}" for name in names if name in begun]:
        rest = f"on {', '.join(free)}, where it is still to come" if free else "nowhere any more"
        raise Conflict(
            f"Post {post.id} has begun there ({', '.join(found)}); it can be changed {rest}. "
            "Nothing was changed."
        )


def _begun(how: str) -> str:
    return "tried already" if how == DeliveryState.SCHEDULED else str(how)


def _of_network(key: str) -> Problem:
    message = "some accounts have the post already; say it for those to which it is still to come."
    return Problem(where=f"[{key}]", message=message)
