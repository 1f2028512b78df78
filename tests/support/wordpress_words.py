"""How WordPress writes what it is told, as `fake_wordpress` does it."""

from __future__ import annotations

import html
import re


def slug_of(text: str) -> str:
    """Return the last part of an address that a title gives."""
    return "-".join(re.findall(r"[a-z0-9]+", html.unescape(re.sub("<[^>]*>", "", text)).lower()))


def filtered(markup: str) -> str:
    """Take out what WordPress does not allow to authors, and write the rest in its own way."""
    markup = re.sub(r"</?(script|iframe)[^>]*>", "", markup)
    return re.sub(r"\s*/>", " />", markup.replace("&#91;", "&#091;").replace("&#93;", "&#093;"))
