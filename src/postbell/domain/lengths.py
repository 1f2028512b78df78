"""How long a text is for the networks that count some parts of it otherwise.

Those that do not are served by `domain.text`. Nothing here changes a text, and the time that everything takes
grows with the length of the text and no faster, whatever the text is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import regex

from postbell.domain.text import graphemes, split_graphemes, utf8_bytes
from postbell.domain.web_links import LATIN_ACCENTS, MASTODON, X, find_links


#: What an address counts, however long it is: on X it is replaced by a short one, and Mastodon does as X did.
LINK_LENGTH = 23

# Mastodon's Account::MENTION_RE; of a name with a domain only the name counts (StatusLengthValidator).
_WORD = r"[\p{L}\p{M}\p{Nd}\p{Pc}]"
_MENTION = regex.compile(
    rf"""
    (?<! {_WORD} | [=/] ) @ [A-Za-z0-9_]++ (?: [.-]++ [A-Za-z0-9_]++ )*+
    (?P<at> @ (?P<domain> {_WORD}++ (?: [.-]++ {_WORD}++ )*+ ) )?+
    (?! [@\uff20{LATIN_ACCENTS}] | :// )
    """,
    regex.VERBOSE,
)
#: The longest domain of a mention.
_LONGEST_DOMAIN = 253

# What is shown as one picture: flags, keycaps, pictures with a skin tone or without, and several joined into
# one. Any flag and any joining counts here as one, also those that nobody has drawn.
_PICTURE = r"[\p{Emoji}--[0-9#*\xa9\xae\p{RI}]]"
_EMOJI = regex.compile(
    rf"""(?xV1)
    \p{{RI}}{{2}}
    | [0-9\#*] \ufe0f? \u20e3
    | [\xa9\xae] \ufe0f
    | (?: \p{{EBase}} \p{{EMod}} | {_PICTURE} \ufe0f? )
      (?: [\U000e0020-\U000e007e]++ \U000e007f )?
      (?: \u200d (?: \p{{EBase}} \p{{EMod}} | {_PICTURE} \ufe0f? ) )*+
    """
)
#: What counts one on X (twitter-text, config/v3.json); all else counts two.
_LIGHT = regex.compile(r"[\x00-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")


def mastodon_length(text: str, *, link: int = LINK_LENGTH) -> int:
    """Return the length of a text in graphemes as Mastodon counts it (its StatusLengthValidator).

    An address with a scheme counts `link`, and of @user@host only @user. A content warning is counted with
    `graphemes`: there everything counts in full. Other servers with Mastodon's API count otherwise.
    """
    spans = [(found.start, found.end, "x" * link) for found in find_links(text, MASTODON) if found.has_scheme]
    spans += [(found.start("at"), found.end("at"), "") for found in _far_mentions(text)]
    parts, at = list[str](), 0
    for start, end, counted in sorted(spans):
        if start >= at:
            parts += [text[at:start], counted]
            at = end
    return graphemes("".join([*parts, text[at:]]))


def far_mentions(text: str) -> list[tuple[int, int]]:
    """Return where mentions of people on other servers, @user@host, begin and end in a text."""
    return [found.span() for found in _far_mentions(text)]


def _far_mentions(text: str) -> Iterator[regex.Match[str]]:
    for found in _MENTION.finditer(text):
        if found["at"] and len(found["domain"]) <= _LONGEST_DOMAIN:
            yield found


def threads_length(text: str) -> int:
    """Return the length as Threads counts it: graphemes, of which an emoji counts as many as it has bytes.

    (developers.facebook.com/docs/threads/create-posts, "Limitations")
    """
    return sum(utf8_bytes(each) if _EMOJI.match(each) else 1 for each in split_graphemes(text))


def x_length(text: str) -> int:
    """Return the length as X counts it, of 280 in all (twitter-text, the third version of its configuration).

    An address counts 23, with a scheme or without; an emoji counts two; most letters of Latin, Greek,
    Cyrillic, Hebrew, Arabic and Indian scripts count one, and all others two, all in normal form C.
    """
    text, total, at = unicodedata.normalize("NFC", text), 0, 0
    for link in find_links(text, X):
        total += _weight(text[at : link.start]) + LINK_LENGTH
        at = link.end
    return total + _weight(text[at:])


def _weight(text: str) -> int:
    rest, emojis = _EMOJI.subn("", text)
    return 2 * (emojis + len(rest)) - len(_LIGHT.findall(rest))
