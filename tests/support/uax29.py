"""The rules of UAX 29, revision 49 (Unicode 18), by which graphemes are parted, as they are written there."""

from __future__ import annotations

import regex


_CONTROL = r"[\p{GCB=CR}\p{GCB=LF}\p{GCB=Control}]"
#: What stands before a place, what after it, and whether they belong together; the first that fits counts.
_RULES = [
    (regex.compile(rf"(?:{before})\Z"), regex.compile(after), together)
    for before, after, together in [
        (r"\p{GCB=CR}", r"\p{GCB=LF}", True),  # GB3
        (_CONTROL, r"", False),  # GB4
        (r"", _CONTROL, False),  # GB5
        (r"\p{GCB=L}", r"[\p{GCB=L}\p{GCB=V}\p{GCB=LV}\p{GCB=LVT}]", True),  # GB6
        (r"[\p{GCB=LV}\p{GCB=V}]", r"[\p{GCB=V}\p{GCB=T}]", True),  # GB7
        (r"[\p{GCB=LVT}\p{GCB=T}]", r"\p{GCB=T}", True),  # GB8
        (r"", r"[\p{GCB=Extend}\p{GCB=ZWJ}]", True),  # GB9
        (r"", r"\p{GCB=SpacingMark}", True),  # GB9a
        (r"\p{GCB=Prepend}", r"", True),  # GB9b
        (r"\p{InCB=Linker}\p{InCB=Extend}*", r"\p{InCB=Consonant}", True),  # GB9c
        (r"\p{ExtPict}\p{GCB=Extend}*\p{GCB=ZWJ}", r"\p{ExtPict}", True),  # GB11
        (r"(?<!\p{RI})(?:\p{RI}\p{RI})*\p{RI}", r"\p{RI}", True),  # GB12, GB13
        (r"", r"", False),  # GB999
    ]
]
#: What the rules tell apart.
CLASSES = [
    *("GCB=CR", "GCB=LF", "GCB=Control", "GCB=Extend", "GCB=ZWJ", "GCB=Prepend", "GCB=SpacingMark", "GCB=L"),
    *("GCB=V", "GCB=T", "GCB=LV", "GCB=LVT", "GCB=Other", "RI", "InCB=Consonant", "InCB=Linker"),
    *("InCB=Extend", "ExtPict"),
]


def parted(text: str) -> list[str]:
    """Return the graphemes of `text`."""
    places = [place for place in range(1, len(text)) if not _together(text[:place], text[place:])]
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True) if text]


def samples() -> list[str]:
    """Return some characters of each class, from all over it."""
    characters = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    members = [regex.findall(rf"\p{{{name}}}", characters) for name in CLASSES]
    return [character for some in members for character in some[:: len(some) // 2 + 1]]


def _together(before: str, after: str) -> bool:
    return next(together for left, right, together in _RULES if left.search(before) and right.match(after))
