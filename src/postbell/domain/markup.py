"""A plain text as HTML that shows just what was typed, with its paragraphs, lines and links."""

from __future__ import annotations

import html
import re

from postbell.domain.text import SpanKind, find_spans


def escape(text: str) -> str:
    """Return `text` as HTML, fit for an attribute too. A bracket would begin a shortcode in WordPress."""
    return html.escape(text).replace("[", "&#91;").replace("]", "&#93;")


def anchor(address: str) -> str:
    """Return a link that shows its own address."""
    return f'<a href="{escape(address)}">{escape(address)}</a>'


def linked(text: str) -> str:
    """Return a text as HTML with its addresses as links; it may begin and end anywhere in a line."""
    parts, at = [], 0
    for span in find_spans(text):
        if span.kind is SpanKind.LINK:
            parts += [escape(text[at : span.start]), anchor(span.value)]
            at = span.end
    return "".join([*parts, escape(text[at:])])


def paragraphs(text: str) -> list[str]:
    """Return the inner HTML of each paragraph. Blank lines part them; a single line break stays one."""
    whole = linked(text).replace("\r\n", "\n")
    return [part.strip().replace("\n", "<br>") for part in re.split(r"\n\s*\n", whole) if part.strip()]
