"""Where in a post something is wrong: in which of its files, and in whose words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from postbell.domain.content import Content, Override, Split
from postbell.domain.media import COMMENT, Media
from postbell.errors import Problem


_PLACE = re.compile(r"(?P<within>(?:part (?P<part>\d+)|(?P<comment>comment)): )?(?P<what>.+)", re.DOTALL)
_OPTION = re.compile(r"\[(?P<network>[^\]]+)\] (?P<name>.+)")
_FILE = "media "


def placed(
    problem: Problem, base: Content, overrides: Mapping[str, Override], *, network: str, account: str
) -> Problem:
    """Return what is wrong for an account of a network with its place in the post.

    A file has its number; of words that are not those for all it is told whose they are, as in
    `[sky] part 2: text`.
    """
    found = _PLACE.fullmatch(problem.where)
    if found is None or found["what"] == "media":
        return problem
    if found["what"].startswith(_FILE):
        return replace(problem, file=_number(found, base.media))
    return replace(problem, where=_in_words_of(found, overrides, network=network, account=account))


def is_of_option(problem: Problem) -> bool:
    """Whether something is wrong with an option, as a network tells it."""
    found = _PLACE.fullmatch(problem.where)
    return bool(found and _OPTION.fullmatch(found["what"]))


def _number(found: re.Match[str], media: Sequence[Media]) -> int | None:
    """Return which file it is; None where several of a part are called so."""
    name = found["what"].removeprefix(_FILE)
    same = [index for index, item in enumerate(media) if item.name == name and _shows(found, item.part)]
    return same[0] if len(same) == 1 else None


def _shows(found: re.Match[str], part: int) -> bool:
    if found["comment"] or part == COMMENT:
        return bool(found["comment"]) and part == COMMENT
    return found["part"] is None or part == int(found["part"])


def _in_words_of(
    found: re.Match[str], overrides: Mapping[str, Override], *, network: str, account: str
) -> str:
    within, what = found["within"] or "", found["what"]
    own = overrides.get(account, Override())
    if option := _OPTION.fullmatch(what):
        return f"{within}[{account}] {option['name']}" if option["name"] in own.options else found[0]
    member = "comment" if found["comment"] else "title" if what == "title" else "text"
    if member == "title":
        within = ""
    elif member == "text" and own.split is not Split.NO:
        # Its parts are none of the post: Postbell has made them of the text.
        within, own = "", own.unsplit()
    for key, said in ((account, own), (network, overrides.get(network))):
        if said is not None and getattr(said, member) is not None:
            return f"[{key}] {within}{what}"
    return f"{within}{what}"
