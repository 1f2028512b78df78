"""Where in a post something is wrong: which of its files that is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from postbell.domain.media import COMMENT, Media
from postbell.errors import Problem


_FILE = re.compile(r"(?:part (?P<part>\d+): |(?P<comment>comment: ))?media (?P<name>.+)", re.DOTALL)


def numbered(problem: Problem, media: Sequence[Media]) -> Problem:
    """Return a problem with the place of the file that it names among those of its post.

    Where several of a part are called so, nobody can say which one it is.
    """
    named = _FILE.fullmatch(problem.where)
    if named is None:
        return problem
    found = [
        index for index, item in enumerate(media) if item.name == named["name"] and _shows(named, item.part)
    ]
    return replace(problem, file=found[0]) if len(found) == 1 else problem


def _shows(named: re.Match[str], part: int) -> bool:
    if named["comment"] or part == COMMENT:
        return bool(named["comment"]) and part == COMMENT
    return named["part"] is None or part == int(named["part"])
