"""How WordPress writes what it is told, as `fake_wordpress` does it."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from support.farside import Public, Violation


def slug_of(text: str) -> str:
    """Return the last part of an address that a title gives."""
    return "-".join(re.findall(r"[a-z0-9]+", html.unescape(re.sub("<[^>]*>", "", text)).lower()))


def filtered(markup: str) -> str:
    """Take out what WordPress does not allow to authors, and write the rest in its own way."""
    markup = re.sub(r"</?(script|iframe)[^>]*>", "", markup)
    return re.sub(r"\s*/>", " />", markup.replace("&#91;", "&#091;").replace("&#93;", "&#093;"))


def as_read(post: Mapping[str, Any]) -> dict[str, Any]:
    """Return a post as WordPress tells it to those who do not ask to edit it."""
    seen = {name: value for name, value in post.items() if name != "password"}
    texts = {name: {"rendered": post[name]["raw"]} for name in ("title", "content", "excerpt")}
    hidden = {"content": {"rendered": "", "protected": True}} if post["password"] else {}
    return seen | texts | hidden


def as_public(
    post: Mapping[str, Any], media: Mapping[int, Mapping[str, Any]], files: Mapping[str, bytes]
) -> Public:
    """Return a post as readers see it. Raises Violation where a picture is not shown as it was given."""
    raw = post["content"]["raw"]
    paragraphs = re.findall(r"<p>(.*?)</p>", raw, re.DOTALL)
    text = "\n\n".join(part.replace("<br>", "\n") for part in paragraphs)
    images = re.findall(r'<img src="([^"]*)" alt="([^"]*)" class="wp-image-(\d+)"\s*/>', raw)
    for source, alt, number in images:
        item = media[int(number)]
        given = (item["source_url"], html.unescape(item["alt_text"]))
        if (html.unescape(source), html.unescape(alt)) != given:
            raise Violation(f"the picture in the body is not the uploaded one: {source} {alt}")
    shown = [(html.unescape(source), html.unescape(alt)) for source, alt, _ in images]
    described = {item["source_url"]: html.unescape(item["alt_text"]) for item in media.values()}
    videos = map(html.unescape, re.findall(r'<video controls src="([^"]*)">', raw))
    shown += [(source, described[source]) for source in videos]
    return Public(
        id=str(post["id"]),
        text=html.unescape(re.sub("<[^>]*>", "", text)),
        media=tuple((files[source], alt) for source, alt in shown),
    )
