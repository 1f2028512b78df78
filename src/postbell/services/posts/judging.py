"""Whether a post may be stored, or scheduled, as it is: everything that is wrong with it at once."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from postbell.domain.account import Account
from postbell.domain.content import Content, Override
from postbell.domain.plain import id_problems, label_problems
from postbell.domain.post import Post
from postbell.errors import Invalid, Problem
from postbell.publishing import registry
from postbell.services.context import Context
from postbell.services.posts import guard
from postbell.services.posts.checking import (
    check_alt,
    check_comments,
    check_content,
    check_films,
    check_links,
    check_names,
    check_options,
    check_parts,
    check_terms,
    parted,
)
from postbell.services.posts.choices import check_choices
from postbell.services.posts.plainness import check_plain
from postbell.store import accounts as account_store


NO_ACCOUNT = Problem(where="--to", message="it is meant for no account; name one with --to.")


def find_accounts(ctx: Context, names: tuple[str, ...]) -> tuple[dict[str, Account], list[Problem]]:
    """Return the accounts of these names, and a problem for every name that there is none of."""
    unique = list(dict.fromkeys(names))
    with ctx.store.read() as tx:
        found = account_store.accounts_named(tx, unique)
        unknown = [name for name in unique if name not in found]
        known = [account.name for account in account_store.list_accounts(tx)] if unknown else []
    problems = [Problem(where="--to", message=_unknown_account(name, known)) for name in unknown]
    return {name: found[name] for name in unique if name in found}, problems


def judge(
    ctx: Context, post: Post, accounts: Mapping[str, Account], problems: list[Problem], *, strictly: bool
) -> list[Problem]:
    """Raise Invalid for what cannot be stored; return what a draft may still lack, and alt texts.

    What the networks decide of an unchecked post is returned, too. `problems` are known already. With
    `strictly` the post is to be published: it may lack nothing.
    """
    must = problems + check_said(ctx, post.content, post.overrides, accounts)
    must += label_problems(post.labels) + id_problems(post.external_id)
    must += guard.past_end(ctx, post, post.at) if post.at else []
    lacks, notes = list[Problem](), list[Problem]()
    for account in accounts.values():
        wrong, told = parted(check_options(ctx, post.overrides, account, unchecked=post.unchecked), post)
        must, notes = must + wrong, notes + told
        lacks += check_terms(ctx, post, account)
        # Without its bad picture a post may look empty: that would be no news.
        if _says_anything(post) or not problems:
            found = check_content(ctx, post.content, post.overrides, account, unchecked=post.unchecked)
            wrong, told = parted(found, post)
            lacks, notes = lacks + wrong, notes + told
    notes += check_choices(post.content, post.overrides) + check_films(post.content)
    for account in accounts.values():
        notes += check_comments(ctx, post.content, post.overrides, account)
    no_alt = check_alt(post.content)
    lacks += no_alt if ctx.require_alt else []
    if not accounts and not any(problem.where == NO_ACCOUNT.where for problem in problems):
        must += _empty(post, problems)
        lacks.append(NO_ACCOUNT)
    if strictly or not _says_anything(post):
        must += lacks
    if must and strictly:
        with ctx.store.read() as tx:
            must += guard.duplicates(ctx, tx, post, accounts.values())
    if must:
        raise Invalid(dict.fromkeys(must))
    return list(dict.fromkeys([*lacks, *no_alt, *notes]))


def check_said(
    ctx: Context, base: Content, overrides: Mapping[str, Override], accounts: Mapping[str, Account]
) -> list[Problem]:
    """Return what is wrong with overrides by their names, with links, and with single characters."""
    with ctx.store.read() as tx:
        others = account_store.accounts_named(tx, list(overrides))
    wrong = check_names(overrides, accounts, registry.keys(), others=others)
    wrong += check_plain(base, overrides)
    return wrong + check_links(base, overrides) + check_parts(base, overrides)


def _unknown_account(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"there is no account named {name}. Did you mean {near[0]}?"
    listed = f"Accounts: {', '.join(known)}." if known else "Add one with `postbell account add`."
    return f"there is no account named {name}. {listed}"


def _empty(post: Post, problems: list[Problem]) -> list[Problem]:
    if problems or _says_anything(post):
        return []
    return [Problem(where="text", message="the post is empty; give it a text.")]


def _says_anything(post: Post) -> bool:
    content = post.content.as_post()
    said = any(override.text or override.title for override in post.overrides.values())
    texts = (content.text, *content.segments)
    return bool(any(map(str.strip, texts)) or content.title or content.link or content.media or said)
