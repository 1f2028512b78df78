"""What Telegram makes of a text: what is left of its markup, and whether entities can be where they are."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from typing import Any

from support.farside import Violation


class BadMarkup(Exception):
    """Why a text with markup is refused."""


def parsed(text: str, mode: str | None) -> str:
    """Return what is left of a text with markup; read otherwise than the code under test does."""
    if mode == "HTML":
        reader = _Reader()
        reader.feed(text)
        reader.close()
        text = reader.text
    elif mode == "MarkdownV2":
        bare = re.sub(r"\\.", "", re.sub(r"\(\S*\)", "", text))
        if found := re.search(r"[#+\-=|{}.!]", bare):
            why = f"can't parse entities: Character '{found[0]}' is reserved"
            raise BadMarkup(f"{why} and must be escaped with the preceding '\\'")
        text = re.sub(r"\\(.)|\](\(\S*\))?|[*_~\[]", r"\1", text)
    return text.strip()


class _Reader(HTMLParser):
    text = ""

    def handle_data(self, data: str) -> None:
        self.text += html.unescape(data)


def check_entities(text: str, entities: list[dict[str, Any]]) -> None:
    """Raise Violation for an entity that is nowhere, cuts a character, or cannot be where it is."""
    units = text.encode("utf-16-le")
    spans = [(each["offset"], each["offset"] + each["length"], each["type"]) for each in entities]
    for start, end, kind in spans:
        if not 0 <= start < end <= len(units) // 2:
            raise Violation(f"{kind} from {start} to {end} is not in {text!r}")
        units[2 * start : 2 * end].decode("utf-16-le")
        others = [each for each in spans if each != (start, end, kind) and each[0] < end and start < each[1]]
        cut = [each for each in others if each[0] < start < each[1] < end or start < each[0] < end < each[1]]
        if cut:
            raise Violation(f"{kind} from {start} to {end} and {cut[0]} cut each other")
        if kind in ("code", "pre") and any(each[2] != "blockquote" for each in others):
            raise Violation(f"nothing stands within or around {kind}")
        if any(each[2] == kind for each in others):
            raise Violation(f"a {kind} stands within another one")
