"""Spans of time in words: `30 min`, `1 d 12 h`. A day is 24 hours, a week seven days."""

from __future__ import annotations

import re
from datetime import timedelta

from postbell.errors import Invalid, Problem


_UNITS = (("w", 604_800), ("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_SPAN = re.compile(
    r"(?a)(?:(\d{1,6}) ?(?:w|weeks?))?(?: ?(\d{1,6}) ?(?:d|days?))?(?: ?(\d{1,6}) ?(?:h|hrs?|hours?))?"
    r"(?: ?(\d{1,9}) ?(?:min|mins|minutes?))?(?: ?(\d{1,9}) ?(?:s|secs?|seconds?))?"
)
#: Longer ones are slips of the pen, and would lead beyond the calendar.
_LONGEST = timedelta(days=36_525)


def parse_span(text: str, *, where: str) -> timedelta:
    """Return the span that `text` means; raises Invalid about `where` unless it is one, longer than nothing.

    The units are s, min, h, d and w, the larger before the smaller, each at most once.
    """
    words = " ".join(text.split()).lower()
    found = _SPAN.fullmatch(words)
    if not words or not found:
        raise _refusal(where, text, "is not a span of time. Say it like 90 s, 30 min, 6 h, 1 d 12 h or 2 w.")
    parts = zip(found.groups(), _UNITS, strict=True)
    span = timedelta(seconds=sum(int(count or 0) * seconds for count, (_, seconds) in parts))
    if not span:
        raise _refusal(where, text, "is no time at all. Give a longer span.")
    if span > _LONGEST:
        raise _refusal(where, text, "is longer than a hundred years. Give a shorter span.")
    return span


def span_text(span: timedelta) -> str:
    """Return a span of whole seconds for people: `1 d 12 h`; weeks only where nothing is left over."""
    left = int(span.total_seconds())
    if left and not left % _UNITS[0][1]:
        return f"{left // _UNITS[0][1]} w"
    words = []
    for unit, seconds in _UNITS[1:]:
        count, left = divmod(left, seconds)
        if count:
            words.append(f"{count} {unit}")
    return " ".join(words) or "0 s"


def _refusal(where: str, text: str, message: str) -> Invalid:
    return Invalid([Problem(where=where, message=f'"{text[:80]}" {message}')])
