"""Which characters no text can have that is kept and handed on, and what labels and ids look like."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from postbell.errors import Problem


#: No label is longer, in code points.
LONGEST_LABEL = 100
#: No id that a caller gives a post is longer, in code points.
LONGEST_ID = 255

# NUL ends a text for SQLite's JSON functions; half of a surrogate pair cannot be written as UTF-8.
_UNFIT = re.compile("[\x00\ud800-\udfff]")
#: Control characters, surrogates, and what breaks a line.
_NOT_IN_A_LINE = ("Cc", "Cs", "Zl", "Zp")


def fault_of(text: str) -> str | None:
    """Return why no text can be kept that holds this, a whole sentence; None where it can."""
    if (found := _UNFIT.search(text)) is None:
        return None
    what = "a NUL" if found[0] == "\0" else "half of a surrogate pair, which is no character"
    return f"character {found.start() + 1} is {what}; take it out."


def label_problems(labels: Iterable[str]) -> list[Problem]:
    """Return everything that is wrong with the labels of a post or a series."""
    return [
        Problem(where=f"label {number}", message=wrong)
        for number, label in enumerate(labels, 1)
        if (wrong := label_fault(label))
    ]


def label_fault(label: str) -> str | None:
    """Return why this is no label, a whole sentence; None where it is one."""
    return "it is empty; name a label." if not label.strip() else _line_fault(label, "a label", LONGEST_LABEL)


def id_problems(external_id: str | None) -> list[Problem]:
    """Return what is wrong with the id that a caller has given a post, if it has."""
    if external_id is None:
        return []
    empty = None if external_id.strip() else "it is empty; give an id, or leave it out."
    wrong = empty or _line_fault(external_id, "an id", LONGEST_ID)
    return [Problem(where="--external-id", message=wrong)] if wrong else []


def _line_fault(text: str, what: str, longest: int) -> str | None:
    if any(unicodedata.category(char) in _NOT_IN_A_LINE for char in text):
        return f"it has a control character or a line break; {what} is one line of plain text."
    if len(text) > longest:
        return f"it has {len(text)} characters; {what} has at most {longest}."
    return None
