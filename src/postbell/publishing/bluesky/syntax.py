"""How the AT Protocol writes names (atproto.com/specs: did, handle, record-key, lexicon)."""

from __future__ import annotations

import re

from postbell.domain.text import is_handle


_DID = re.compile(r"did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]")
_LONGEST_DID = 2048
_RECORD_KEY = re.compile(r"(?!\.\.?\Z)[a-zA-Z0-9_~.:-]{1,512}")
# RFC 5646, 2.1. The tags that it keeps of old are few, and not made any more.
_LANGUAGE = re.compile(
    r"""
    [a-z]{2,3} (?:-[A-Za-z]{3}){0,3}
    (?:-[A-Za-z]{4})?
    (?:-(?:[A-Za-z]{2}|[0-9]{3}))?
    (?P<variants> (?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))* )
    (?P<extensions> (?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{2,8})+)* )
    (?:-[Xx](?:-[A-Za-z0-9]{1,8})+)?
    | [Xx](?:-[A-Za-z0-9]{1,8})+
    | i-(?:ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)
    | en-GB-oed | sgn-(?:BE-FR|BE-NL|CH-DE)
    """,
    re.VERBOSE,
)


def is_record_key(text: str) -> bool:
    """Whether a record can lie under this key."""
    return _RECORD_KEY.fullmatch(text) is not None


def is_owner(text: str) -> bool:
    """Whether this can be whose records are meant: a DID, or a handle."""
    if text.startswith("did:"):
        return len(text) <= _LONGEST_DID and _DID.fullmatch(text) is not None
    return is_handle(text)


def is_language(text: str) -> bool:
    """Whether this is a language tag, with nothing in it twice (RFC 5646, 2.2.9)."""
    if not (found := _LANGUAGE.fullmatch(text)):
        return False
    variants = (found["variants"] or "").lower().split("-")
    singles = [part for part in (found["extensions"] or "").lower().split("-") if len(part) == 1]
    return all(len(set(some)) == len(some) for some in (variants, singles))
