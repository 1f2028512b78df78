"""Whether a series may be stored as it is: everything that is wrong with it at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from postbell.domain.account import Account
from postbell.domain.content import Content
from postbell.domain.plain import label_problems
from postbell.domain.post import Post
from postbell.domain.recycling import Recycling
from postbell.domain.series import Series
from postbell.domain.states import PostState
from postbell.domain.variants import check_template, count, picked
from postbell.errors import Invalid, Problem
from postbell.services.context import Context
from postbell.services.plan.making import reading
from postbell.services.posts.adding import added_to
from postbell.services.posts.checking import (
    check_alt,
    check_comments,
    check_films,
    check_fitted,
    check_options,
    check_terms,
)
from postbell.services.posts.judging import NO_ACCOUNT, check_said
from postbell.services.posts.plainness import check_plain


#: What is said first for all: the text of a series, or a variant.
_TEXT = re.compile(r"^(?:part 1: )?text\b")
#: So many readings of a text with choices are checked against the limits of the networks.
_READINGS = 200


def judge_series(
    ctx: Context, series: Series, accounts: Mapping[str, Account], problems: list[Problem]
) -> list[Problem]:
    """Raise Invalid with everything that speaks against a series; return what the user should know of it.

    `problems` are known already. Where its choices have very many readings, the first are checked.
    """
    must = [*problems, *check_said(ctx, series.content, series.overrides, accounts)]
    must += check_plain(Content(), {}, series.variants) + label_problems(series.labels)
    if not accounts and not any(problem.where == NO_ACCOUNT.where for problem in problems):
        must.append(NO_ACCOUNT)
    if not problems and not _comes(series, ctx.now()):
        must.append(Problem(where="--end", message="it never comes from now on. Give a later end, or none."))
    templates = list(_template_problems(series))
    must += templates
    for account in accounts.values():
        must += check_options(ctx, series.overrides, account) + check_terms(ctx, _post(series), account)
        if not (templates or (problems and not _says_anything(series))):
            must += _too_much(ctx, series, account)
    no_alt = check_alt(series.content)
    must += no_alt if ctx.require_alt else []
    if must:
        raise Invalid(dict.fromkeys(must))
    return (
        no_alt + check_films(series.content) + _unused(series, accounts) + _uncommented(ctx, series, accounts)
    )


def _comes(series: Series, now: datetime) -> bool:
    if isinstance(series.rule, Recycling) and series.library is not None:
        return not series.rule.ends_before(now, series.made)
    return next(series.rule.occurrences(now), None) is not None


def _template_problems(series: Series) -> Iterator[Problem]:
    yield from check_template(series.content.text, where="text")
    for number, text in enumerate(series.variants, 1):
        yield from check_template(text, where=f"variant {number}")
        if not text.strip():
            yield Problem(where=f"variant {number}", message="it is empty; leave it out, or write a text.")
    for number, text in enumerate(series.content.segments, 2):
        yield from check_template(text, where=f"part {number}")
    if series.content.comment:
        yield from check_template(series.content.comment.text, where="comment")
    for key, said in series.overrides.items():
        yield from check_template(said.text or "", where=f"[{key}] text")
        for number, text in enumerate(said.segments, 2):
            yield from check_template(text, where=f"[{key}] part {number}")


def _too_much(ctx: Context, series: Series, account: Account) -> list[Problem]:
    """Return what an account's network would refuse, each with the first reading of which it is true."""
    named = [("text", series.content.text)]
    named += [(f"variant {number}", text) for number, text in enumerate(series.variants, 1)]
    named = [(where, text) for where, text in named if text] or named[:1]
    texts = [text for _, text in named]
    counts = [count(texts), *(count([text]) for text in _others(series))]
    fitted, unfit = ctx.fit(series.content, series.overrides, account)
    found: dict[str, Problem] = {}
    for turn in range(min(max(counts), _READINGS)):
        content, overrides = reading(series, turn)
        content = replace(content, media=fitted.media)
        post = added_to(replace(_post(series), overrides=overrides), [account])
        for problem in check_fitted(ctx, content, post.overrides, account):
            said_by = named[picked(texts, turn, series.id)][0]
            where = problem.where if said_by == "text" else _TEXT.sub(said_by, problem.where)
            said = f'{problem.message} So it is in "{_shortened(content.text)}".' if max(counts) > 1 else None
            found.setdefault(where, replace(problem, where=where, message=said or problem.message))
    return [*unfit, *found.values()]


def _uncommented(ctx: Context, series: Series, accounts: Mapping[str, Account]) -> list[Problem]:
    """Return a note for each account that publishes no first comment."""
    return [
        note
        for account in accounts.values()
        for note in check_comments(ctx, series.content, series.overrides, account)
    ]


def _others(series: Series) -> Iterator[str]:
    """Yield the texts that have readings of their own."""
    yield from series.content.segments
    yield series.content.comment.text if series.content.comment else ""
    for said in series.overrides.values():
        yield from (said.text or "", *said.segments)


def _shortened(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 40 else f"{words[:40]}…"


def _unused(series: Series, accounts: Mapping[str, Account]) -> list[Problem]:
    """Return a warning for each account that a library cannot fill anything of."""
    if series.library is None:
        return []
    message = f"it has no posting times, so the library {series.library} has nothing to fill there."
    return [
        Problem(where="--library", account=name, message=message)
        for name, account in accounts.items()
        if not (account.slots and account.slots.times)
    ]


def _says_anything(series: Series) -> bool:
    content = series.content.as_post()
    said = any(override.text or override.title for override in series.overrides.values())
    return bool(
        content.text.strip() or series.variants or content.title or content.link or content.media or said
    )


def _post(series: Series) -> Post:
    """Return what the terms of a series are checked on."""
    return Post(
        id=series.id,
        state=PostState.DRAFT,
        content=series.content,
        labels=series.labels,
        delete_after=series.delete_after,
        created_at=series.created_at,
        updated_at=series.updated_at,
    )
