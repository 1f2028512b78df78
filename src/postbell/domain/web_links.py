"""Which parts of a text X and Mastodon take for addresses and count with a fixed length.

Both look for addresses with the rules of twitter-text (github.com/twitter/twitter-text), Mastodon with some
of its own (its config/initializers/twitter_regex.rb). An address is a domain that ends like one, with or
without a scheme before it, and what follows: a port, a path, a query. Its regular expressions take forever
with some texts; here every part is read a fixed number of times.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import regex

from postbell.domain.top_level import TOP_LEVEL_DOMAINS


@dataclass(frozen=True, kw_only=True)
class WebLink:
    """A part of a text that counts as an address."""

    #: Where it begins and ends (exclusive): indices into the text as Python counts.
    start: int
    end: int
    #: Whether a scheme such as https:// is part of it.
    has_scheme: bool


@dataclass(frozen=True, kw_only=True)
class Grammar:
    """What a network takes for an address."""

    #: Matches a scheme at the end of what it is given.
    scheme: regex.Pattern[str]
    #: Matches a port, a path and a query, each of which may be missing.
    rest: regex.Pattern[str]
    #: Matches an address of X's own shortener, which ends with that whatever follows.
    shortened: regex.Pattern[str]


_DIRECTIONS = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_SPACES = r"\x09-\x0d\x20\x85\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
#: The letters of Latin scripts beyond ASCII, and what is put upon letters.
LATIN_ACCENTS = (
    r"\xc0-\xd6\xd8-\xf6\xf8-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f\u0272\u0289\u028b"
    r"\u02bb\u0300-\u036f\u1e00-\u1eff"
)
_INVALID = r"\ufffe\ufeff\uffff"
#: Whatever is none of these can be part of a domain, also letters of all scripts and emojis.
_NOT_IN_LABEL = rf"{_DIRECTIONS}!-/:-@\[-`{{-~\x00-\x20\x7f{_INVALID}{_SPACES}"
_LABEL = rf"[^{_NOT_IN_LABEL}]"
#: Labels and what may stand between and in them.
_RUN = regex.compile(rf"(?: {_LABEL} | [._-] )++", regex.VERBOSE)
#: What stands before an address.
_BEFORE = rf"[^A-Za-z0-9@\uff20$#\uff03{_INVALID}]"
_START = regex.compile(rf"(?: ^ | (?<= {_BEFORE} ) ) {_LABEL}", regex.VERBOSE)
#: The letters that a domain without a scheme may have, before its end.
_BARE = rf"[A-Za-z0-9_{LATIN_ACCENTS}-]"
_BARE_LABEL = regex.compile(rf"{_BARE}*+")
_BARE_TAIL = regex.compile(rf"{_BARE}++ \Z", regex.VERBOSE)
#: What may end a domain; of names that begin alike the longer is tried first.
_OTHER_ENDS = "|".join(sorted((end for end in TOP_LEVEL_DOMAINS if not end.isascii()), reverse=True))
_END = regex.compile(
    rf"""(?i)
    (?: {_OTHER_ENDS} ) (?! [0-9a-z@+-] )
    | xn--[0-9a-z]++
    | (?P<plain> [0-9a-z]++ ) (?! [@+-] )
    """,
    regex.VERBOSE,
)

_LONGEST_SLUG, _LONGEST_URL, _LONGEST_LABEL = 40, 4096, 63
_IMPLIED_SCHEME, _LONGEST_SCHEME = len("https://"), len("gopher://")
#: What separates labels for the domain name system, in any script.
_DOTS = regex.compile(r"[.\u3002\uff0e\uff61]")


def _rest(inside: str, last: str, asked: str, last_asked: str) -> regex.Pattern[str]:
    """Return what matches all that follows a domain, given what can be in a path and a query, and end it."""
    round_brackets = rf"(?> \( (?: {inside}++ | {inside}*+ \( {inside}++ \) {inside}*+ ) \) )"
    return regex.compile(
        rf"""
        (?: : [0-9]++ )?
        (?P<path> / (?: (?: {inside} | {round_brackets} )* (?: {last} | {round_brackets} ) )? )?
        (?: \? {asked}* {last_asked} )?
        """,
        regex.VERBOSE,
    )


def _scheme(names: str) -> regex.Pattern[str]:
    return regex.compile(rf"(?i) (?: ^ | (?<= {_BEFORE} ) ) (?: {names} ) :// \Z", regex.VERBOSE)


_SHORTENED = r"(?i) https?://t\.co/ (?P<slug> [a-z0-9]++ )"
_CYRILLIC = r"\p{Cyrillic}"
_ASKED, _LAST_ASKED = r"[A-Za-z0-9!?*'();:&=+$/%\#\[\]\-_.,~|@]", r"[A-Za-z0-9_&=\#/\-]"
X = Grammar(
    scheme=_scheme("https?"),
    rest=_rest(
        inside=rf"[A-Za-z0-9{_CYRILLIC}!*';:=+,.$/%\#\[\]\p{{Pd}}_~&|@{LATIN_ACCENTS}]",
        last=rf"[A-Za-z0-9{_CYRILLIC}=_\#/+\-{LATIN_ACCENTS}]",
        asked=_ASKED,
        last_asked=_LAST_ASKED,
    ),
    shortened=regex.compile(rf"{_SHORTENED} (?: \? {_ASKED}* {_LAST_ASKED} )?", regex.VERBOSE),
)
_BEYOND_ASCII = r"\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\uffef\U00010000-\U0010ffff"
MASTODON = Grammar(
    scheme=_scheme("https?|dat|dweb|ipfs|ipns|ssb|gopher|gemini"),
    rest=_rest(
        inside=r"[^\p{White_Space}<>()?]",
        last=r"""[^\p{White_Space}()?!*"'「」<>;:=,.$%\[\]~&|@]""",
        asked=rf"[A-Za-z0-9!?*'();:&=+$/%\#\[\]\-_.,~|@^{_BEYOND_ASCII}]",
        last_asked=rf"[A-Za-z0-9_&=\#/\-{_BEYOND_ASCII}]",
    ),
    shortened=regex.compile(_SHORTENED, regex.VERBOSE),
)


def find_links(text: str, grammar: Grammar) -> list[WebLink]:
    """Return the addresses in `text` in order, those without a scheme too. They never overlap.

    An address without a scheme has letters of Latin scripts only, up to its path, and does not follow a
    hyphen, an underscore, a dot or a slash. What could not be asked for, a domain with an overlong label or
    more than 4,096 characters, is none.
    """
    found: list[WebLink] = []
    at = used = 0
    while match := _RUN.search(text, at):
        run, first = _Run(text, match.start(), match.end()), 0
        at = match.end()
        while domain := run.domain(first, used):
            scheme = _scheme_before(text, domain, run.start, used, grammar)
            rest = grammar.rest.match(text, domain.end)
            assert rest is not None  # every part of it may be missing
            used, first = rest.end(), domain.last
            if scheme is None:
                found += _bare(text, run, domain, rest)
            else:
                found += _with_scheme(text, scheme, domain, used, grammar)
        at = max(at, used)
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Domain:
    """Where a domain begins and ends, and the numbers of its first and its last label."""

    start: int
    end: int
    first: int
    last: int


class _Run:
    """Letters, dots, hyphens and underscores without a gap, as the labels of domains."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text, self.start = text, start
        labels = text[start:end].split(".")
        #: Where each label begins, and one more.
        self.starts = [start, *accumulate((len(label) + 1 for label in labels), initial=start)][1:]
        #: Where what can end a domain ends, if a label begins with that; otherwise 0.
        self.tops = [_top_end(text, begin, end) for begin in self.starts[:-1]]
        valid = [bool(label) and label[0] not in "-_" and label[-1] not in "-_" for label in labels]
        #: Of each label, and one more: the next from it on that cannot stand within a domain.
        self.walls = [len(labels)] * (len(labels) + 1)
        for number in reversed(range(len(labels))):
            self.walls[number] = self.walls[number + 1] if valid[number] else number
        #: Of each label: the last up to it that can end a domain after the one before it.
        self.lasts = [0] * len(labels)
        for number in range(1, len(labels)):
            ends = self.tops[number] and valid[number - 1] and "_" not in labels[number - 1]
            self.lasts[number] = number if ends else self.lasts[number - 1]

    def end(self, number: int) -> int:
        """Return where a label ends."""
        return self.starts[number + 1] - 1

    def domain(self, first: int, used: int) -> _Domain | None:
        """Return the first domain that begins in or after the label `first`, after what is used up."""
        for number in range(first, len(self.tops) - 1):
            begin, end = self.starts[number], self.end(number)
            if begin == end or self.text[end - 1] in "-_":
                continue
            last = self.lasts[min(self.walls[number + 1], len(self.lasts) - 1)]
            if last < number + 2:
                if not self.tops[number + 1]:
                    continue
                # The label before the last one has no underscores, but may begin after one.
                last, begin = number + 1, self.text.rfind("_", begin, end) + 1 or begin
            if found := _START.search(self.text, max(begin, used + 1 if used else 0), end):
                return _Domain(start=found.start(), end=self.tops[last], first=number, last=last)
        return None

    def bare(self, domain: _Domain) -> Iterator[tuple[int, int]]:
        """Return where those parts of a domain begin and end that can do without a scheme."""
        number, since = domain.first, domain.start
        while number < domain.last:
            begin = _BARE_TAIL.search(self.text, max(since, self.starts[number]), self.end(number))
            last, best = number, 0
            while begin and last < domain.last:
                last += 1
                best = last if self.tops[last] else best
                if not _BARE_LABEL.fullmatch(self.text, self.starts[last], self.end(last)):
                    break
            if begin and best:
                since = self.tops[best]
                yield begin.start(), since
            number = best or last if begin else number + 1


def _top_end(text: str, start: int, end: int) -> int:
    found = _END.match(text, start, end + 1)
    if not found or found.end() > end:
        return 0
    return found.end() if (found["plain"] or "com").lower() in TOP_LEVEL_DOMAINS else 0


def _scheme_before(text: str, domain: _Domain, start: int, used: int, grammar: Grammar) -> int | None:
    """Return where the scheme before a domain begins, if there is one."""
    if domain.start != start:
        return None
    found = grammar.scheme.search(text, max(0, start - _LONGEST_SCHEME), start)
    return found.start() if found and (found.start() > used or not used) else None


def _with_scheme(text: str, start: int, domain: _Domain, end: int, grammar: Grammar) -> list[WebLink]:
    if shortened := grammar.shortened.match(text, start, end):
        if len(shortened["slug"]) > _LONGEST_SLUG:
            return []
        end = shortened.end()
    possible = _is_possible(text[domain.start : domain.end], end - start)
    return [WebLink(start=start, end=end, has_scheme=True)] if possible else []


def _bare(text: str, run: _Run, domain: _Domain, rest: regex.Match[str]) -> list[WebLink]:
    if text[max(0, domain.start - 1)] in "-_./":
        return []
    length = rest.end() - domain.start + _IMPLIED_SCHEME
    spans = [(start, end) for start, end in run.bare(domain) if _is_possible(text[start:end], length)]
    if spans and rest["path"]:
        spans[-1] = (spans[-1][0], rest.end())
    return [WebLink(start=start, end=end, has_scheme=False) for start, end in spans]


def _is_possible(domain: str, length: int) -> bool:
    """Say whether an address of this length can be asked for once its domain is written in ASCII."""
    labels = [_ascii_length(label) for label in _DOTS.split(domain)]
    longer = sum(labels) + len(labels) - 1 - len(domain)
    return max(labels) <= _LONGEST_LABEL and length + max(0, longer) <= _LONGEST_URL


def _ascii_length(label: str) -> int:
    """Return the length of a label in ASCII (RFC 3492); at least its own if that is beyond all limits."""
    if label.isascii() or len(label) > _LONGEST_LABEL:
        return len(label)
    if label[:4].lower() == "xn--":  # written in ASCII already, and yet not
        return _LONGEST_LABEL + 1
    plain = unicodedata.normalize("NFKC", label.lower())
    return len(plain) if plain.isascii() else len(b"xn--" + plain.encode("punycode"))
