"""A long text as the parts of a thread.

A part ends where a reader would pause: at the end of a paragraph, of a line, of a sentence, of a word. Only
what has no such place, and is too long for a part of its own, is cut between two characters; links, mentions
and hashtags never are. Nothing is lost but blanks at the cuts. The time that it takes grows with the length
of the text and no faster, if that of `fits` does.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from enum import IntEnum
from itertools import accumulate

import regex

from postbell.domain.lengths import far_mentions
from postbell.domain.text import find_spans, split_graphemes
from postbell.domain.web_links import MASTODON, X, find_links


#: Says whether a text may be the part with this number, counted from 0.
Fits = Callable[[int, str], bool]


class _Pause(IntEnum):
    """How good a place is to end a part."""

    LETTER = 0
    WORD = 1
    SENTENCE = 2
    LINE = 3
    PARAGRAPH = 4


# The end of a sentence, and what closes it. A small letter goes on: "e.g. this".
_SENTENCE = regex.compile(
    r"[.!?…]++ [)\]\"'\u201d\u2019»]*+ \s++ (?! \p{Ll} ) | [。\uff01\uff1f]++ [」』\uff09]*+ \s*+",
    regex.VERBOSE,
)
_BLANKS = regex.compile(r"\s++")
#: White_Space (UAX 44), to which Python's own `strip` adds some control characters, which links may hold.
_WHITE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
#: What would be read as a mention, a hashtag or a link if a part began with it.
_BEGINS = regex.compile(r"[@#\uff03]|(?i:https?)://")


def split(text: str, fits: Fits, *, numbered: bool = False, tail: str = "") -> list[str]:
    """Return a text in parts that fit, each as long as it can be; a text that fits is one part.

    With `numbered` each ends with its number and how many there are, `1/3`, which must fit too. Only a link,
    a mention, a hashtag or a single character that is too long by itself makes a part that does not fit.
    There is room for `tail` behind the last part, which somebody else puts there.
    """
    text = text.strip(_WHITE)
    if fits(0, text + tail):
        return [text]
    cutter = _Cutter(text, tail)
    parts = cutter.parts(fits)
    if not numbered or len(parts) == 1:
        return parts
    digits = 1
    while True:
        parts = cutter.parts(_with_number(fits, digits))
        if len(parts) < 10**digits:
            return [f"{part} {number}/{len(parts)}" for number, part in enumerate(parts, 1)]
        digits += 1


def _with_number(fits: Fits, digits: int) -> Fits:
    """Return what leaves room for the number of a part, and for so many digits of their count."""
    return lambda index, part: fits(index, f"{part} {index + 1}/{'9' * digits}")


class _Cutter:
    """A text and the places where it may be cut."""

    def __init__(self, text: str, tail: str) -> None:
        self._text, self._tail = text, tail
        pauses = _pauses(text)
        held = _held_together(text)
        #: Where a part may end, in order, and how good each place is for that.
        self._places: list[int] = []
        self._pauses: list[_Pause] = []
        for place in accumulate(map(len, split_graphemes(text))):
            pause = pauses.get(place, _Pause.LETTER)
            begins = pause is _Pause.LETTER and _BEGINS.match(text, place)
            if place not in held and not begins:
                self._places.append(place)
                self._pauses.append(pause)

    def parts(self, fits: Fits) -> list[str]:
        """Return the text in parts that fit, as far as that can be."""
        parts: list[str] = []
        start = 0
        while start < len(self._text):
            end = self._end(start, len(parts), fits)
            parts.append(self._text[start:end].strip(_WHITE))
            while end < len(self._text) and self._text[end] in _WHITE:
                end += 1
            start = end
        return parts

    def _part(self, start: int, end: int) -> str:
        """Return what would be published as a part."""
        return self._text[start:end].strip(_WHITE) + (self._tail if end == len(self._text) else "")

    def _end(self, start: int, index: int, fits: Fits) -> int:
        """Return where the part that begins at `start` ends."""
        first = bisect_right(self._places, start)
        last = self._farthest(first, lambda end: fits(index, self._part(start, end)))
        if last == len(self._places) - 1:
            return len(self._text)
        half = (start + self._places[last]) // 2
        found = {self._pauses[at]: at for at in range(first, last + 1)}
        for pause in (_Pause.PARAGRAPH, _Pause.LINE, _Pause.SENTENCE):
            if pause in found and self._places[found[pause]] > half:
                return self._places[found[pause]]
        word = max((at for pause, at in found.items() if pause), default=None)
        if word is not None and (word == last or self._has_place(word, index + 1, fits)):
            return self._places[word]
        return self._places[last]

    def _farthest(self, first: int, fits: Callable[[int], bool]) -> int:
        """Return the last of the places from `first` on up to which it fits; `first` if none is."""
        good, step = first, 1
        while good + step < len(self._places) and fits(self._places[good + step]):
            good, step = good + step, step * 2
        bad = min(good + step, len(self._places))
        while bad - good > 1:
            middle = (good + bad) // 2
            if fits(self._places[middle]):
                good = middle
            else:
                bad = middle
        return good

    def _has_place(self, word: int, index: int, fits: Fits) -> bool:
        """Say whether the word that begins at a place fits into a part of its own."""
        start = self._places[word]
        longest = self._farthest(word + 1, lambda end: fits(index, self._part(start, end)))
        return longest == len(self._places) - 1 or any(self._pauses[word + 1 : longest + 1])


def _pauses(text: str) -> dict[int, _Pause]:
    """Return where what is better than the end of a letter ends, with the blanks behind it."""
    pauses = {}
    for blanks in _BLANKS.finditer(text):
        lines = blanks[0].count("\n")
        pauses[blanks.end()] = (_Pause.WORD, _Pause.LINE, _Pause.PARAGRAPH)[min(lines, 2)]
    for sentence in _SENTENCE.finditer(text):
        pauses[sentence.end()] = max(_Pause.SENTENCE, pauses.get(sentence.end(), _Pause.LETTER))
    return pauses


def _held_together(text: str) -> set[int]:
    """Return the places within links, mentions and hashtags, of whatever network."""
    spans = [(span.start, span.end) for span in find_spans(text)]
    spans += [(link.start, link.end) for grammar in (MASTODON, X) for link in find_links(text, grammar)]
    spans += far_mentions(text)
    return {place for start, end in spans for place in range(start + 1, end)}
