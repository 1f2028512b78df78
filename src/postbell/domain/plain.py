"""Which characters no text can have that is kept and handed on, and what a label looks like."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from postbell.errors import Problem


#: No label is longer, in code points.
LONGEST_LABEL = 100

# NUL ends a text for SQLite's JSON functions; half of a surrogate pair cannot be written as UTF-8.
_UNFIT = re.compile("[\x00\ud800-\udfff]")
#: Control characters, surrogates, and what breaks a line.
_NOT_IN_LABEL = ("Cc", "Cs", "Zl", "Zp")


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
    if not label.strip():
        return "it is empty; name a label."
    if any(unicodedata.category(char) in _NOT_IN_LABEL for char in label):
        return "it has a control character or a line break; a label is one line of plain text."
    if len(label) > LONGEST_LABEL:
        return f"it has {len(label)} characters; a label has at most {LONGEST_LABEL}."
    return None
