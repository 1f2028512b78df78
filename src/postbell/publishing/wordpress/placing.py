"""Which files of a post its text shows by their names, and where."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote

from postbell.publishing.wordpress.blocks import Stored


#: What leads out of the post: a whole address, or a path on the site.
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|[/#]", re.IGNORECASE)
#: Where HTML names the source of something.
_SOURCE = re.compile(r"""(\ssrc\s*=\s*)(["'])(.*?)\2""", re.IGNORECASE)


class Files:
    """The files of a post, each known by its name, without the folders before that."""

    def __init__(self, stored: Sequence[Stored]) -> None:
        self._stored = stored
        #: Which of them the text shows, by their places.
        self.placed: set[int] = set()
        #: What it names and is none of them.
        self.missing: list[str] = []

    def named(self, source: str) -> Stored | None:
        """Return the file that a text names, which counts as shown; None for what lies elsewhere."""
        if not source or _ELSEWHERE.match(source):
            return None
        name = PurePosixPath(unquote(source)).name
        at = self._find(name)
        if at is None:
            self.missing.append(name)
            return None
        self.placed.add(at)
        return self._stored[at]

    def _find(self, name: str) -> int | None:
        names = [item.name for item in self._stored]
        if name not in names:  # a picture that was made to fit may have got another ending
            name, names = PurePosixPath(name).stem, [PurePosixPath(each).stem for each in names]
        return names.index(name) if name in names else None


def placed_html(markup: str, files: Files) -> str:
    """Return HTML in which the names of files have become the addresses that they have on the site."""

    def address(found: re.Match[str]) -> str:
        file = files.named(html.unescape(found[3]))
        return f"{found[1]}{found[2]}{file.url}{found[2]}" if file else found[0]

    return _SOURCE.sub(address, markup)
