r"""Texts with choices: one template, many readings.

    {Good morning|Hello} {everyone|{dear|old} friends}!

One of the texts between the bars is taken; there may be choices inside a choice, and an empty text is one
too. Outside a choice a bar is a bar. A pair of braces without a bar between them, as in code, is kept as it
is. A backslash before a brace, a bar or a backslash makes that a plain character; before anything else it is
itself.

Nothing is stored about what was used: the turn alone says which reading is next.
"""

from __future__ import annotations

import bisect
import hashlib
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from postbell.errors import Invalid, Problem


#: The most pairs of braces inside one another.
DEEPEST = 50

_PIECE = re.compile(
    r"""(?x)
    \\ (?P<escaped> [{|}\\] )
    | (?P<mark> [{|}] )
    | (?P<plain> (?: [^{|}\\]++ | \\ (?! [{|}\\] ) )++ )
    """
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """Texts and choices, one after the other."""

    parts: list[str | _Choice]
    #: How many readings it has.
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Choice:
    """One of several."""

    options: list[_Run]
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Braces:
    """What stands between two braces, as far as it is read."""

    #: Where the opening one is, in words.
    place: str
    #: The parts of each option.
    options: list[list[str | _Choice]]


def check_template(text: str, *, where: str) -> list[Problem]:
    """Return what is wrong with the braces of `text`, each with its place; an empty list if all is well."""
    return [Problem(where=where, message=message) for message in _read(text)[1]]


def has_choice(text: str) -> bool:
    """Whether `text`, as a template, has more than one reading; a text that is no template has none."""
    run, messages = _read(text)
    return not messages and run.count > 1


def count(texts: Sequence[str]) -> int:
    """Return how many readings the templates have together. Equal readings of different choices count each.

    Raises Invalid about `text` where `check_template` finds a problem.
    """
    return sum(_template(text).count for text in texts)


def pick(texts: Sequence[str], turn: int, seed: str) -> str:
    """Return the reading for the turn-th use (from 0 on) of one or more templates.

    As many turns in a row as there are readings use each of them once, in an order that depends on `seed`;
    then the same order begins again. Raises Invalid about `text` where `check_template` finds a problem.
    """
    templates = [_template(text) for text in texts]
    total = sum(template.count for template in templates)
    start, step = _walk(total, seed)
    return _option(templates, (start + turn * step) % total)


def picked(texts: Sequence[str], turn: int, seed: str) -> int:
    """Return which of the templates `pick` takes for a turn, from 0 on; raises what it raises."""
    ends = list(itertools.accumulate(_template(text).count for text in texts))
    start, step = _walk(ends[-1], seed)
    return bisect.bisect_right(ends, (start + turn * step) % ends[-1])


def escape(text: str) -> str:
    """Return the template whose one reading is `text`."""
    return re.sub(r"[{|}\\]", r"\\\g<0>", text)


def _walk(total: int, seed: str) -> tuple[int, int]:
    """Return where to begin and how far to step, to come once to each of `total` places on a circle.

    That needs a step without a common divisor with the total. It is near half of the circle rather than near
    1 or -1: neighbours on the circle resemble one another.
    """
    size = total.bit_length() // 8 + 9
    digest = hashlib.shake_256(seed.encode("utf-8", "surrogatepass")).digest(2 * size)
    start, draw = int.from_bytes(digest[:size]), int.from_bytes(digest[size:])
    step = total // 4 + 1 + draw % max(1, total // 2)
    while math.gcd(step, total) != 1:  # total - 1 ends it at the latest
        step += 1
    return start % total, step


def _option(options: Sequence[_Run], index: int) -> str:
    """Return the reading with this number among those of all the options."""
    for option in options[:-1]:
        if index < option.count:
            return _reading(option, index)
        index -= option.count
    return _reading(options[-1], index)


def _reading(run: _Run, index: int) -> str:
    words = []
    for part in run.parts:
        if isinstance(part, str):
            words.append(part)
        else:
            index, own = divmod(index, part.count)
            words.append(_option(part.options, own))
    return "".join(words)


def _template(text: str) -> _Run:
    run, messages = _read(text)
    if messages:
        raise Invalid(Problem(where="text", message=message) for message in messages)
    return run


def _read(text: str) -> tuple[_Run, list[str]]:
    """Return what `text` says, and what is wrong with it. Not recursive: there may be thousands of braces."""
    messages = []
    root = _Braces(place="", options=[[]])
    stack = [root]
    for piece, place in _pieces(text):
        inner, mark = stack[-1], piece["mark"]
        if mark == "{":
            stack.append(_Braces(place=place, options=[[]]))
            if len(stack) == DEEPEST + 2:
                messages.append(f"the {{ {place} stands in {DEEPEST} pairs of braces; that is too deep.")
        elif mark == "}" and inner is root:
            messages.append(f"the }} {place} closes nothing; write \\}} for a plain brace.")
        elif mark == "}":
            stack.pop()
            stack[-1].options[-1].append(_closed(inner))
        elif mark == "|" and inner is not root:
            inner.options.append([])
        else:
            inner.options[-1].append(piece[str(piece.lastgroup)])
    messages += [
        f"the {{ {braces.place} is never closed; close it, or write \\{{ for a plain brace."
        for braces in stack[1:]
    ]
    return _run(root.options[0]), messages


def _pieces(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Yield the marks of `text` and what is between them, each with its place in words."""
    line, begin = 1, 0
    for piece in _PIECE.finditer(text):
        yield piece, f"at line {line}, column {piece.start() - begin + 1}"
        if breaks := piece[0].count("\n"):
            line, begin = line + breaks, piece.start() + piece[0].rindex("\n") + 1


def _closed(braces: _Braces) -> _Choice:
    """Return the choice between two braces; where there is none, what stands there, with the braces."""
    if len(braces.options) == 1:
        options = [_run(["{", *braces.options[0], "}"])]
    else:
        options = [_run(parts) for parts in braces.options]
    return _Choice(options=options, count=sum(option.count for option in options))


def _run(parts: list[str | _Choice]) -> _Run:
    return _Run(parts=parts, count=math.prod(part.count for part in parts if isinstance(part, _Choice)))
