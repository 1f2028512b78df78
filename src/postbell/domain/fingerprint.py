"""What tells whether two posts read alike.

Somebody who reads the same sentence twice minds it even if one of the two has a capital letter, a line break
or an invisible character more, so those do not count. Punctuation and words do: a text with another word is
another text. The guard against duplicates compares nothing else, so a post that only looks different to a
computer does not slip through, and one that the user varied does.
"""

from __future__ import annotations

import functools
import hashlib
import unicodedata
from typing import Any

from postbell.domain.content import Content


@functools.cache
def _unseen() -> Any:
    """Return the pattern of what is not seen: zero-width characters, variation selectors, soft hyphens.

    They are Default_Ignorable_Code_Point in UAX 44. Tags are kept: they tell the flags of England and
    Scotland apart. A daemon that makes no posts, and a command that stores none, never need it.
    """
    import regex

    return regex.compile(r"(?V1)[\p{Default_Ignorable_Code_Point}--[\U000E0020-\U000E007F]]+")


def fingerprint(content: Content) -> str | None:
    """Return 32 hexadecimal characters that are the same for contents that read alike; None if it is empty.

    They are drawn from title, text and link: small and capital letters, compatible characters (NFKC), kinds
    and amounts of blanks and invisible characters are all one. A link that the text contains already is not
    read twice. Files count only where there is nothing to read.
    """
    title, text, link = (_plain(part or "") for part in (content.title, content.text, content.link))
    read = " ".join(part for part in (title, text, "" if link in text else link) if part)
    if not read and not content.media:
        return None
    # No text that is read has a line break left, so files are never taken for one.
    told = read or "".join(f"\n{item.sha256}" for item in content.media)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _plain(text: str) -> str:
    seen = unicodedata.normalize("NFKC", _unseen().sub("", text)).casefold()
    return " ".join(unicodedata.normalize("NFKC", seen).split())
