"""Changing what is public: the post here at once, at its networks by the daemon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from postbell.domain.account import Account
from postbell.domain.content import Content, Override, resolve
from postbell.domain.fingerprint import fingerprint
from postbell.domain.media import COMMENT, Media
from postbell.domain.post import Delivery, Post, Revision
from postbell.domain.states import Outcome, PostEvent
from postbell.domain.tagging import completed
from postbell.errors import Conflict, NotFound, Problem
from postbell.publishing.options import Strict
from postbell.publishing.parts import messages, parts_of
from postbell.publishing.protocol import Network, editor_of, read_options
from postbell.services.context import Context
from postbell.services.posts.actions import require_all
from postbell.services.posts.adding import added_as_before
from postbell.services.posts.compose import changed_post, in_place, load_post, not_stored, without_empty
from postbell.services.posts.judging import find_accounts, judge
from postbell.services.posts.splitting import split_for, split_of
from postbell.services.posts.wanted import Changes, Saved, terms_of
from postbell.store import edits, posts


@dataclass(frozen=True, kw_only=True)
class Edit:
    """What is to change, found to be possible."""

    before: Post
    #: What it will be; not stored yet.
    after: Post
    #: What is public and changes with it.
    asked: tuple[Delivery, ...]
    #: What is worth knowing: pictures without alt text.
    warnings: tuple[Problem, ...]

    @property
    def is_new(self) -> bool:
        """Whether the post will say anything else than it does."""
        before, after = self.before, self.after
        return (before.content, before.overrides) != (after.content, after.overrides)

    def said(self, of: Delivery) -> tuple[Content, Content]:
        """Return what an account says now, and what it will say."""
        before, after = _said(self.before, of), _said(self.after, of)
        return before[0], after[0]


def edit_published(ctx: Context, post: Post, changes: Changes, accounts: Sequence[str] = ()) -> Saved:
    """Change what a published post says, and have the daemon change it where it is public, at once.

    With `accounts` only there: what the post says for the others stays. Where nothing is new, what is public
    is changed to what the post says once more. What it said before is kept.

    Raises Invalid with everything that is wrong with it, and Conflict if nothing is public, something is
    still under way, or a network among them changes nothing; then nothing is changed.
    """
    edit = plan_edit(ctx, post, changes, accounts)
    now = ctx.now()
    with ctx.store.write() as tx:
        edits.require_over(tx, post.id)
        posts.update_post(tx, edit.after, PostEvent.REVISE)
        if edit.is_new:
            edits.keep_revision(tx, edit.before, now)
        for each in edit.asked:
            content, _ = _said(edit.after, each)
            edits.ask_edit(tx, each.id, now, fingerprint=fingerprint(content))
    ctx.ring()
    return Saved(post=load_post(ctx, post.id), warnings=edit.warnings)


def plan_edit(ctx: Context, post: Post, changes: Changes, accounts: Sequence[str] = ()) -> Edit:
    """Return what `edit_published` would do, and raise what it would raise; nothing is stored."""
    public = _public(post, accounts)
    problems = [*changes.problems, *settled(post, changes)]
    named, _ = find_accounts(ctx, tuple(each.account for each in post.deliveries))
    changed = changed_post(ctx, post, changes, _media(ctx, post, changes, problems))
    changed = added_as_before(changed, post)
    changed = split_for(ctx, changed, named.values(), split_of(post))
    # It is judged as it was asked for: what is wrong is told where that was said.
    meant = changed
    if accounts:
        changed = _for_these(post, changed, public, problems)
    other = tuple(each for each in public if _said(post, each) != _said(changed, each))
    asked = other or tuple(public)
    require_all([_why_not(ctx, each, named) for each in asked])
    judged = {each.account: named[each.account] for each in asked}
    for each in asked:
        problems += _shape_problems(ctx, post, changed, each, named[each.account])
    others = {delivery.account for delivery in post.deliveries} - judged.keys()
    said = {key: override for key, override in meant.overrides.items() if key not in others}
    lacks = judge(ctx, replace(meant, not_after=None, overrides=said), judged, problems, strictly=True)
    after = replace(changed, touched=post.series_id is not None)
    return Edit(before=post, after=after, asked=asked, warnings=tuple(lacks))


def revisions_of(ctx: Context, post: Post) -> list[Revision]:
    """Return what a post has said before it was changed where it is public, the oldest first."""
    with ctx.store.read() as tx:
        return edits.list_revisions(tx, post.id)


def _public(post: Post, accounts: Sequence[str]) -> list[Delivery]:
    names = [delivery.account for delivery in post.deliveries]
    if unknown := [name for name in accounts if name not in names]:
        raise NotFound(f"Post {post.id} is not meant for {unknown[0]}; its accounts: {', '.join(names)}.")
    public = [
        each
        for each in post.deliveries
        if each.outcome is Outcome.PUBLISHED
        and not each.deleted_at
        and (not accounts or each.account in accounts)
    ]
    if not public:
        raise Conflict(
            f"Nothing of post {post.id} is public, as far as is known, so there is nothing to change there."
        )
    return public


def settled(post: Post, changes: Changes) -> list[Problem]:
    """Return a problem for everything that is settled by now: when, where and under which terms."""
    to = {delivery.account for delivery in post.deliveries}
    settled = {
        "--at": changes.moves,
        "--to": changes.to is not None and set(changes.to) != to,
        "--comment": changes.comment is not None
        and (changes.comment.text or None) != (post.content.comment.text if post.content.comment else None),
        "--split": changes.split is not None and changes.split is not split_of(post),
        "terms": changes.terms is not None and changes.terms != terms_of(post),
    }
    message = "the post is published: its text, title, link, alt texts and options can be changed, no more."
    return [Problem(where=where, message=message) for where, is_other in settled.items() if is_other]


def _media(ctx: Context, post: Post, changes: Changes, problems: list[Problem]) -> tuple[Media, ...]:
    """Return the files of a post with the alt texts that are asked for; others than it has are a problem."""
    had = post.content.media
    if changes.media is None:
        return had
    with ctx.media.stage(not_stored(changes.media)) as files:
        wanted = in_place(changes.media, files.media)
        problems += files.problems
    if [(item.sha256, item.part) for item in wanted] != [(item.sha256, item.part) for item in had]:
        message = "the files of what is public stay as they are; only their alt texts can be changed."
        problems.append(Problem(where="media", message=message))
        return had
    if any(old.part == COMMENT and old.alt != new.alt for old, new in zip(had, wanted, strict=True)):
        message = "a first comment stays as it is, with its files; only what the post shows can be changed."
        problems.append(Problem(where="media", message=message))
        return had
    return tuple(replace(old, alt=new.alt) for old, new in zip(had, wanted, strict=True))


def _for_these(post: Post, changed: Post, public: Sequence[Delivery], problems: list[Problem]) -> Post:
    """Return a post that says for these accounts what it would say for all."""
    if changed.content.media != post.content.media:
        message = "alt texts are the same for all accounts; leave out --account."
        problems.append(Problem(where="media", message=message))
    overrides = dict(post.overrides)
    for each in public:
        (before, options), (after, wanted) = _said(post, each), _said(changed, each)
        values: dict[str, Any] = {}
        if (before.text, before.segments) != (after.text, after.segments):
            how = changed.overrides.get(each.account, Override()).split
            values |= {"text": after.text, "segments": after.segments, "split": how}
        values |= {"title": after.title or ""} if after.title != before.title else {}
        values |= {"link": after.link or ""} if after.link != before.link else {}
        values |= {"options": wanted} if wanted != options else {}
        overrides[each.account] = replace(overrides.get(each.account, Override()), **values)
    return replace(changed, content=post.content, overrides=without_empty(overrides))


def _said(post: Post, of: Delivery) -> tuple[Content, Mapping[str, object]]:
    """Return what an account is asked to say, without the first comment, and its options."""
    content, options = resolve(post.content, post.overrides, network=of.network, account=of.account)
    return replace(content, comment=None, title=content.title or None, link=content.link or None), options


def _why_not(ctx: Context, public: Delivery, accounts: Mapping[str, Account]) -> str | None:
    """Return in a sentence why nobody but the user can change something; None if the network can."""
    where = f" at {public.url}" if public.url else ""
    by_hand = f"change it by hand{where}."
    account = accounts.get(public.account)
    if account is None or account.id != public.account_id:
        return f"{public.account}: the account was removed; {by_hand}"
    network = ctx.known(public.network)
    if network is None or editor_of(network) is None:
        label = network.label if network else public.network
        anew = network is None or network.deletes
        way_out = f"leave it{', or take it away and publish it anew' if anew else ''}."
        return f"{public.account}: {label} changes nothing that is public; {way_out}"
    return None if public.receipt_id else f"{public.account}: nobody knows how it is called there; {by_hand}"


def _shape_problems(ctx: Context, post: Post, changed: Post, of: Delivery, account: Account) -> list[Problem]:
    """Return what would have to be published anew: another number of parts, options that last."""
    network = ctx.network_of(account)
    (before, options), (after, wanted) = _said(post, of), _said(changed, of)
    count, most = len(parts_of(after, network)), len(parts_of(before, network))
    public, made = _messages(post, of, network), _messages(changed, of, network)
    found = []
    if count != most:
        message = f"{most} parts are public, and this makes {count}; a thread keeps its number of parts."
        found.append(Problem(where="text", account=of.account, message=message))
    elif public and made and public != made:
        message = (
            f"it changes the number of messages from {public} to {made}; what is too long for one goes on in "
            "the next, and their number stays."
        )
        found.append(Problem(where="text", account=of.account, message=message))
    lasting = network.Options.lasting if issubclass(network.Options, Strict) else frozenset()
    found += [
        Problem(
            where=f"[{of.network}] {name}",
            account=of.account,
            message="it cannot be changed after publishing.",
        )
        for name in sorted(lasting)
        if options.get(name) != wanted.get(name)
    ]
    return found


def _messages(post: Post, of: Delivery, network: Network) -> str:
    """Return how many messages each part is, such as 1+2; empty where its options are not understood."""
    content, given = _said(post, of)
    content = completed(content, post.overrides, account=of.account)
    try:
        options = read_options(network, given, unchecked=post.unchecked)
    except ValidationError:  # that is told as what it is
        return ""
    return "+".join(map(str, messages(content, options, network)))
