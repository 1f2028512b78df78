"""What a post is as a page: a Markdown file with TOML front matter, and the files beside it."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

from postbell.domain.links import has_link
from postbell.domain.media import SUFFIXES, Media
from postbell.domain.toml_text import toml_value
from postbell.publishing.protocol import Outgoing


def path_of_page(outgoing: Outgoing) -> str:
    """Return where the page lies in its folder."""
    words = outgoing.options.slug or _plain(_words(outgoing))
    stem = _join(f"{outgoing.due_at:%Y-%m-%d}", words, outgoing.key)
    return f"{stem}/index.md" if outgoing.content.media else f"{stem}.md"


def slug_of(outgoing: Outgoing) -> str:
    """Return what names the page in its address."""
    # Two posts may begin alike, and a site can show only one page at an address.
    return outgoing.options.slug or _join(_plain(_words(outgoing)), outgoing.key[:8])


def _words(outgoing: Outgoing) -> str:
    """Return what names a page: its title or its text, as somebody wrote them, unsigned and untagged."""
    written = outgoing.written or outgoing.content
    return written.title or written.text


def copies_of(outgoing: Outgoing) -> list[tuple[str, Media]]:
    """Return the media with the names of their copies."""
    return [
        (_join(str(number), _plain(Path(media.name).stem)) + SUFFIXES[media.mime], media)
        for number, media in enumerate(outgoing.content.media, 1)
    ]


def _plain(text: str) -> str:
    """Return the first words of a text as they may stand in a file's name; empty if there are none."""
    ascii_only = unicodedata.normalize("NFKD", text[:200]).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", ascii_only))[:50].strip("-")


def _join(*parts: str) -> str:
    return "-".join(part for part in parts if part)


def text_of(outgoing: Outgoing, slug: str) -> str:
    """Return what the page's file says."""
    content = outgoing.content
    files = copies_of(outgoing)
    lines = [
        f"title = {toml_value(_title(outgoing))}",
        f"date = {stamp(outgoing.due_at)}",
        f"slug = {toml_value(slug)}",
        "draft = false",
        f"tags = {toml_value(outgoing.options.tags)}",
    ]
    lines += [f"link = {toml_value(content.link)}"] if content.link else []
    for name, media in files:
        lines += ["", "[[media]]", f"file = {toml_value(name)}", f"type = {toml_value(media.mime)}"]
        lines += [f"size = {media.size}", f"alt = {toml_value(media.alt)}"]
    parts = [content.text] if content.text else []
    parts += [_embed(name, media) for name, media in files]
    parts += [f"<{content.link}>"] if content.link and not has_link(content.text, content.link) else []
    return "\n".join(["+++", *lines, "+++", "", "\n\n".join(parts), ""])


def _embed(name: str, media: Media) -> str:
    said = media.alt or ("" if media.mime.startswith("image/") else media.name)
    label = re.sub(r"([\[\]\\<>&*_`])", r"\\\1", " ".join(said.split()))
    return f"{'!' if media.mime.startswith('image/') else ''}[{label}]({name})"


def _title(outgoing: Outgoing) -> str:
    content = outgoing.written or outgoing.content
    line = content.title or next((line for line in content.text.splitlines() if line.strip()), "")
    title = " ".join(line.split()) or content.link or (content.media[0].alt if content.media else "")
    return title if len(title) <= 80 else f"{title[:79].rstrip()}…"


def stamp(moment: datetime) -> str:
    """Return an instant (aware) as it stands in pages and feeds."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
