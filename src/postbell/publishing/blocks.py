"""The markup in which the editor of WordPress stores what a post says."""

from __future__ import annotations

import html
import re

from postbell.domain.markup import escape


def block(name: str, inner: str, attributes: str = "") -> str:
    """Return a block around HTML; `attributes` are JSON with a blank before it."""
    return f"<!-- wp:{name}{attributes} -->\n{inner}\n<!-- /wp:{name} -->"


def picture(number: int | str, url: str, alt: str) -> str:
    """Return the block of one picture of the site; `url` may stand between quotes as it is."""
    source = f'src="{url}" alt="{escape(alt)}" class="wp-image-{number}"'
    figure = f'<figure class="wp-block-image size-full"><img {source}/></figure>'
    return block("image", figure, f' {{"id":{number},"sizeSlug":"full","linkDestination":"none"}}')


def essence(markup: str) -> str:
    """Return HTML without the ways in which WordPress writes the same thing differently."""
    return " ".join(re.sub(r"\s*/>", "/>", html.unescape(markup)).split())
