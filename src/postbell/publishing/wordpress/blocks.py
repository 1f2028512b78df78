"""The markup in which the editor of WordPress stores what a post says."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from postbell.domain.markup import escape


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A file that a post shows, as the site has it."""

    #: What the user calls it.
    name: str
    #: None where it lies elsewhere.
    id: int | str | None
    #: Where it lies; may stand between quotes as it is.
    url: str
    alt: str
    is_video: bool = False


def block(name: str, inner: str, attributes: str = "") -> str:
    """Return a block around HTML; `attributes` are JSON with a blank before it."""
    return f"<!-- wp:{name}{attributes} -->\n{inner}\n<!-- /wp:{name} -->"


def figure(file: Stored, *, alt: str = "", caption: str = "") -> str:
    """Return the block of one file; `caption` is HTML. Without an `alt` its own stands."""
    below = f'<figcaption class="wp-element-caption">{caption}</figcaption>' if caption else ""
    shown = inline(file, alt=alt) + below
    if file.is_video:
        return block("video", f'<figure class="wp-block-video">{shown}</figure>', f' {{"id":{file.id}}}')
    if file.id is None:
        return block("image", f'<figure class="wp-block-image">{shown}</figure>')
    attributes = f' {{"id":{file.id},"sizeSlug":"full","linkDestination":"none"}}'
    return block("image", f'<figure class="wp-block-image size-full">{shown}</figure>', attributes)


def inline(file: Stored, *, alt: str = "") -> str:
    """Return what shows one file, without a block."""
    if file.is_video:
        return f'<video controls src="{file.url}"></video>'
    known = f' class="wp-image-{file.id}"' if file.id is not None else ""
    return f'<img src="{file.url}" alt="{escape(alt or file.alt)}"{known}/>'


def together(figures: Sequence[str]) -> list[str]:
    """Return figures that stand together: several pictures are a gallery, and videos come behind them."""
    pictures = [each for each in figures if each.startswith("<!-- wp:image")]
    videos = [each for each in figures if each not in pictures]
    if len(pictures) > 1:
        kind = "wp-block-gallery has-nested-images columns-default is-cropped"
        shown = f'<figure class="{kind}">{"".join(pictures)}</figure>'
        pictures = [block("gallery", shown, ' {"linkTo":"none"}')]
    return [*pictures, *videos]


def without_blocks(markup: str) -> str:
    """Return blocks as the plain HTML that the Classic Editor knows."""
    return re.sub(r"<!-- /?wp:.*? -->\n?", "", markup).strip()


def essence(markup: str) -> str:
    """Return HTML without the ways in which WordPress writes the same thing differently."""
    return " ".join(re.sub(r"\s*/>", "/>", html.unescape(markup)).split())
