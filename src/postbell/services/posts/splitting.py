"""Texts that are too long for an account, made threads for that account alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from postbell.domain.account import Account
from postbell.domain.additions import Additions
from postbell.domain.content import Content, Override, Split, resolve
from postbell.domain.post import Post
from postbell.publishing import parts
from postbell.publishing.protocol import Network, Threads
from postbell.services.context import Context
from postbell.services.posts.checking import good_options


def split_of(post: Post) -> Split:
    """Return how the user wants the text of a stored post to be split."""
    return next((said.split for said in post.overrides.values() if said.split is not Split.NO), Split.NO)


def split_for(ctx: Context, post: Post, accounts: Iterable[Account], how: Split) -> Post:
    """Return a post that says as a thread what is too long for single accounts, each by its own limits.

    What was made of an earlier text is made anew, or with Split.NO taken away. What is a thread already stays
    as the user has cut it.
    """
    overrides = {key: said.unsplit() for key, said in post.overrides.items()}
    bare = replace(post, overrides={key: said for key, said in overrides.items() if said != Override()})
    if how is Split.NO:
        return bare
    made = {account.name: _split(ctx, bare, account, how) for account in accounts}
    return replace(bare, overrides={**bare.overrides, **{key: said for key, said in made.items() if said}})


def _split(ctx: Context, post: Post, account: Account, how: Split) -> Override | None:
    """Return what an account says instead; None if the text is not too long, or cannot be a thread."""
    network = ctx.network_of(account)
    if network.threads is not Threads.CHAIN:
        return None
    content, given = resolve(post.content, post.overrides, network=account.network, account=account.name)
    if content.segments or not content.text.strip():
        return None
    from postbell.domain.splitting import split  # few posts need its rules
    from postbell.domain.tagging import tag, tail

    options, _ = good_options(network, given, unchecked=post.unchecked)
    if options is None:
        return None
    said = post.overrides.get(account.name, Override())
    added = said.added or Additions()

    def fits(index: int, text: str) -> bool:
        text = tag(text, added)
        part = replace(content, text=text) if index == 0 else Content(text=text)
        return _is_short(part, options if index == 0 else options.further(), network, account)

    numbered = how is Split.NUMBERED
    text, *segments = split(content.text, fits, numbered=numbered, tail=tail(content.text, added))
    # What the user wrote for this account alone would be lost if it were made anew of the text for all.
    by = how if said.text is None else Split.NO
    return replace(said, text=text, segments=tuple(segments), split=by) if segments else None


def _is_short(part: Content, options: object, network: Network, account: Account) -> bool:
    found = parts.problems(part, options, network, account=account.name)
    return not any(problem.where.startswith("text") for problem in found)
