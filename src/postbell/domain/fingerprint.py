"""What tells whether two posts read alike.

Somebody who reads the same sentence twice minds it even if one of the two has a capital letter, a line break
or an invisible character more, so those do not count. Punctuation and words do: a text with another word is
another text. The guard against duplicates compares nothing else, so a post that only looks different to a
computer does not slip through, and one that the user varied does.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from postbell.domain.content import Content
from postbell.domain.links import has_link


# What is not seen: zero-width characters, variation selectors, soft hyphens. They are
# Default_Ignorable_Code_Point in UAX 44; but tags tell the flags of England and Scotland apart, and are kept.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e001f\U000e0080-\U000e0fff]+"
)


def fingerprint(content: Content) -> str | None:
    """Return 32 hexadecimal characters that are the same for contents that read alike; None if it is empty.

    They are drawn from title, text (of a thread all of it) and link: small and capital letters, compatible
    characters (NFKC), kinds and amounts of blanks and invisible characters are all one. A link that the text
    contains already is not read twice. Files count only where there is nothing to read.
    """
    said = " ".join((content.text, *content.segments))
    title, text, link = (_plain(part or "") for part in (content.title, said, content.link))
    read = " ".join(part for part in (title, text, "" if has_link(text, link) else link) if part)
    files = content.as_post().media
    if not read and not files:
        return None
    # No text that is read has a line break left, so files are never taken for one.
    told = read or "".join(f"\n{item.sha256}" for item in files)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _plain(text: str) -> str:
    seen = unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).casefold()
    return " ".join(unicodedata.normalize("NFKC", seen).split())
