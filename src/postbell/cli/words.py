"""Texts as they can be printed, whatever is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from postbell.domain.content import Content
    from postbell.domain.post import Post

# C0 but for line feeds and tabs, DEL, and C1: what can steer a terminal.
_STEERING = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}


def printable(text: str) -> str:
    """Return a text with what could steer a terminal written out, ESC as x1b behind a backslash.

    Line feeds and tabs stay.
    """
    return text.translate(_STEERING)


def one_line(text: str, most: int | None = None) -> str:
    """Return a text on one line, cut to `most` characters; what could steer a terminal is left out."""
    words = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return words if most is None or len(words) <= most else f"{words[: most - 1]}…"


def first_words(post: Post, most: int = 50) -> str:
    """Return the beginning of what a post says."""
    said = (override.text for override in post.overrides.values())
    return first_words_of(post.content, *said, most=most)


def first_words_of(content: Content, *said: str | None, most: int = 50) -> str:
    """Return the beginning of a content; where it has no text of its own, of what else is `said`."""
    media = (item.name for item in content.media)
    texts = (content.title, content.text, *said, content.link, *media)
    return one_line(next((text for text in texts if text), ""), most)
