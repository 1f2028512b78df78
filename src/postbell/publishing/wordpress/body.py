"""What a post of WordPress says: its fields, and its body in blocks."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from postbell.domain.content import Content
from postbell.domain.links import has_link
from postbell.domain.markup import anchor, paragraphs
from postbell.domain.media import Media, MediaKind
from postbell.publishing.protocol import Outgoing
from postbell.publishing.wordpress.blocks import Stored, block, figure, together, without_blocks
from postbell.publishing.wordpress.placing import Files, placed_html


def fields_of(outgoing: Outgoing, done: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the post says. Title and excerpt are plain text, which WordPress would read as HTML."""
    content, options = titled(outgoing.content, outgoing.options), outgoing.options
    files = [_stored(item, at) for item, at in zip(content.media, done.get("media", ()), strict=True)]
    body = _body(content, options, files)
    plain = {"title": html.escape(content.title or "", quote=False)}
    plain |= {"excerpt": html.escape(options.excerpt, quote=False)}
    plain |= {"content": f"{body}\n\n<!-- postbell {outgoing.key} -->".strip()}
    fields: dict[str, Any] = {name: {"raw": text} for name, text in plain.items()}
    # An empty list would take away the site's own default category.
    fields |= {kind: ids for kind, ids in done.get("terms", {}).items() if ids}
    fields |= {"password": options.password} if options.password else {}
    fields |= {"format": options.format} if options.format != "standard" else {}
    fields |= {"sticky": True} if options.sticky else {}
    fields |= {"comment_status": options.comments} if options.comments != "site" else {}
    featured = _featured(content, options)
    return fields if featured is None else fields | {"featured_media": files[featured].id}


def titled(content: Content, options: Any) -> Content:
    """Return a content with the heading that its Markdown begins with as its title, where it has none."""
    if content.title or options.markup != "markdown":
        return content
    from postbell.publishing.wordpress.markdown import parted

    title, text = parted(content.text)
    return replace(content, title=title, text=text) if title else content


def missing_files(content: Content, options: Any) -> list[str]:
    """Return the files that the text shows by their names, and that the post does not have."""
    files = Files([_stored(item, {"id": 0, "url": ""}) for item in content.media])
    _written(content.text, options, files)
    return files.missing


def _featured(content: Content, options: Any) -> int | None:
    """Return which file is the featured picture: the first one that is a picture."""
    pictures = [at for at, item in enumerate(content.media) if item.kind is MediaKind.IMAGE]
    return pictures[0] if options.featured and pictures else None


def _body(content: Content, options: Any, stored: Sequence[Stored]) -> str:
    """Return text, link and files in the form in which the editor of WordPress stores them."""
    files = Files(stored)
    parts = _written(content.text, options, files)
    if content.link and not has_link(content.text, content.link):
        parts.append(block("paragraph", f"<p>{anchor(content.link)}</p>"))
    left = [
        figure(file)
        for at, file in enumerate(stored)
        if at not in files.placed and at != _featured(content, options)
    ]
    body = "\n\n".join([*parts, *together(left)])
    return body if options.blocks else without_blocks(body)


def _written(text: str, options: Any, files: Files) -> list[str]:
    if options.markup == "markdown":
        from postbell.publishing.wordpress.markdown import blocks_of

        return blocks_of(text, files)
    if options.markup == "html":
        return [placed_html(text, files).strip()]
    return [block("paragraph", f"<p>{part}</p>") for part in paragraphs(text)]


def _stored(item: Media, known: Mapping[str, Any]) -> Stored:
    video = item.kind is MediaKind.VIDEO
    return Stored(name=item.name, id=known["id"], url=known["url"], alt=item.alt, is_video=video)
