"""Whether a text has a link already.

Unlike `domain.text` this does without regex, which is loaded only where texts are counted.
"""

from __future__ import annotations

import re


#: What ends an address, in a class of a pattern: blanks and what cannot be seen, brackets and quotes that no
#: address holds, and the punctuation of scripts that write on without a space.
NOT_IN_LINK = (
    r"\s\x00-\x1f\x7f-\x9f\ud800-\udfff\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff"
    r'<>"`“”„«»\u3001\u3002\u3008-\u3011\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f'
)
#: Punctuation that is not the end of an address, but that of the sentence around it.
AFTER_LINK = ".,;:!?'*…\u2019"

# What follows a whole address in any markup: punctuation and signs of the markup, and then a bracket, a
# character of HTML, or what no address has.
_ENDS = rf"(?=[{AFTER_LINK}_~|`\\]*+(?:[)\]}}]|&(?!amp;)#?\w++;|[{NOT_IN_LINK}]|\Z))"
# Another address, up to a bracket: in a markup the next one may follow that.
_OTHER = rf"(?i:https?)://[^{NOT_IN_LINK}()\[\]{{}}]*+"


def has_link(text: str, link: str) -> bool:
    """Say whether a text of any markup contains `link`, not only as the beginning or end of another one."""
    if link not in text:
        return False
    found = re.finditer(rf"({re.escape(link)}){_ENDS}|{_OTHER}", text)
    return any(each[1] for each in found)
