"""Texts as networks see them: how long they are, and where links, mentions and hashtags stand.

Nothing here changes a text: there is no Unicode normalisation either. The time that everything takes grows
with the length of the text and no faster, whatever the text is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import regex

from postbell.domain.links import AFTER_LINK, NOT_IN_LINK


class SpanKind(StrEnum):
    """What a part of a text is."""

    LINK = "link"
    MENTION = "mention"
    HASHTAG = "hashtag"


@dataclass(frozen=True, kw_only=True)
class Span:
    """A part of a text that means more than its letters."""

    kind: SpanKind
    #: Where it begins: an index into the text as Python counts (code points).
    start: int
    #: Where it ends, exclusive.
    end: int
    #: The address as written, the handle without its at sign, or the tag without its hash sign.
    value: str


#: The longest hashtag in graphemes and bytes (lexicon app.bsky.richtext.facet); a longer one is plain text.
LONGEST_TAG, _TAG_BYTES = 64, 640
#: The longest handle in characters (atproto.com/specs/handle).
LONGEST_HANDLE = 253

# \X alone looks back over all the flags before it: 50,000 flags took 23 seconds. Two regional indicators and
# what extends them are one grapheme (UAX 29, GB9, GB9a, GB12), so flags need not look back.
_GRAPHEME = regex.compile(r"\p{RI}{2}[\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}]*+|\X")

# atproto.com/specs/handle: labels of at most 63 letters, digits and hyphens, without a hyphen at either end;
# the last label begins with a letter.
_HANDLE = regex.compile(r"(?ai)(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)+[a-z](?:[a-z\d-]{0,61}[a-z\d])?")

# A letter that would make what stands beside it a part of the same word. Scripts that write without spaces
# are left out: people put an address right beside such a word.
_GLUE = r"[\w--[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}]]"

# What can be a span; its end is trimmed later. Long repetitions are possessive: nothing is read twice.
_CANDIDATE = regex.compile(
    rf"""(?xV1)
    (?<! {_GLUE} | [@] )
      (?P<link> (?i:https?) :// (?: [^\W_] | \[ [\da-fA-F:.]++ \] ) [^{NOT_IN_LINK}]*+ )
    | (?<! {_GLUE} | [@/+] )
      @ (?P<mention> [a-zA-Z0-9] [a-zA-Z0-9.-]*+ ) (?! {_GLUE} | [@] )
    | (?<! [\w#\uff03&/] )
      [#\uff03] (?P<hashtag> [\p{{L}}\p{{Nd}}_] [\p{{L}}\p{{M}}\p{{Nd}}_\u200c\u200d]*+ )
    """
)
_JOINERS = "\u200c\u200d"
_OPENING = {")": "(", "]": "[", "}": "{"}


def graphemes(text: str) -> int:
    """Return how many characters a reader sees: extended grapheme clusters (Unicode UAX 29)."""
    if text.isascii():  # most texts, in a hundredth of the time; only these two belong together there
        return len(text) - text.count("\r\n")
    return sum(1 for _ in _GRAPHEME.finditer(text))


def split_graphemes(text: str) -> list[str]:
    """Return the characters that a reader sees, each as a text of its own; together they are `text`."""
    return _GRAPHEME.findall(text)


def utf8_bytes(text: str) -> int:
    """Return the length in bytes as UTF-8."""
    return len(text.encode("utf-8", "surrogatepass"))


def code_points(text: str) -> int:
    """Return the length in Unicode code points."""
    return len(text)


def utf16_units(text: str) -> int:
    """Return the length in 16-bit units as UTF-16: what JavaScript and Java call length."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_handle(text: str) -> bool:
    """Say whether `text` is a handle of the AT protocol, without an at sign (atproto.com/specs/handle)."""
    return len(text) <= LONGEST_HANDLE and _HANDLE.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Say whether `text`, without its hash sign, is no longer than a hashtag may be, and not empty."""
    return 0 < graphemes(text) <= LONGEST_TAG and utf8_bytes(text) <= _TAG_BYTES


def find_spans(text: str) -> list[Span]:
    """Return the links, mentions and hashtags of `text` in order. They never overlap.

    A link is an http or https address; punctuation after it, and a bracket that it does not open, are not
    part of it. A mention is an at sign and a handle of the AT protocol; an e-mail address is none. A hashtag
    is a hash sign and letters, digits and underscores, with a letter among them, at most LONGEST_TAG
    graphemes and 640 bytes. None of them begins inside a word, and none is looked for inside another.
    """
    return [span for found in _CANDIDATE.finditer(text) if (span := _span(found))]


def with_link(text: str, link: str | None) -> tuple[str, list[Span]]:
    """Return a text that contains `link`, and its spans in order. A link that it lacks is its last line."""
    spans = find_spans(text)
    if not link or any(span.kind is SpanKind.LINK and span.value == link for span in spans):
        return text, spans
    text = f"{text.rstrip()}\n{link}" if text.strip() else link
    return text, [*spans, Span(kind=SpanKind.LINK, start=len(text) - len(link), end=len(text), value=link)]


def byte_range(text: str, span: Span) -> tuple[int, int]:
    """Return where `span` begins and ends in `text` as UTF-8, in bytes, the end exclusive."""
    start = utf8_bytes(text[: span.start])
    return start, start + utf8_bytes(text[span.start : span.end])


def utf16_range(text: str, span: Span) -> tuple[int, int]:
    """Return where `span` begins and ends in `text` as UTF-16, in units of 16 bits, the end exclusive."""
    start = utf16_units(text[: span.start])
    return start, start + utf16_units(text[span.start : span.end])


def _span(found: regex.Match[str]) -> Span | None:
    """Return the span that a candidate is, or None if it is plain text after all."""
    kind = SpanKind(str(found.lastgroup))
    value = found[kind.value]
    if kind is SpanKind.LINK:
        value = _trim_link(value)
    elif kind is SpanKind.MENTION:
        value = value.rstrip(".-")
        if not is_handle(value):
            return None
    else:
        value = value.rstrip(_JOINERS)
        if not regex.search(r"\p{L}", value) or not is_tag(value):
            return None
    return Span(kind=kind, start=found.start(), end=found.start(kind.value) + len(value), value=value)


def _trim_link(link: str) -> str:
    """Return `link` without the punctuation that belongs to the sentence around it."""
    surplus = {closing: link.count(closing) - link.count(opening) for closing, opening in _OPENING.items()}
    end = len(link)
    while (last := link[end - 1]) in AFTER_LINK or surplus.get(last, 0) > 0:
        if last in surplus:
            surplus[last] -= 1
        end -= 1
    return link[:end]
