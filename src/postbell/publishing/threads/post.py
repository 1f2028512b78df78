"""A post as Threads is given it: the form of a container (developers.facebook.com/docs/threads/posts)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from postbell.domain.content import Content
from postbell.domain.media import Media, MediaKind
from postbell.domain.text import with_link
from postbell.publishing.protocol import Outgoing


#: What a list calls a post that was made of a container of this type.
LISTED = {"TEXT": "TEXT_POST", "IMAGE": "IMAGE", "VIDEO": "VIDEO", "CAROUSEL": "CAROUSEL_ALBUM"}


def type_of(content: Content) -> str:
    """Return the type of the container that a content becomes."""
    if len(content.media) > 1:
        return "CAROUSEL"
    return _type_of(content.media[0]) if content.media else "TEXT"


def shown_text(content: Content, options: Any) -> str:
    """Return the text that goes out. A link that it lacks is its last line where there is no card of it."""
    cardless = content.media or options.poll
    return with_link(content.text, content.link)[0] if cardless else content.text


def form_of(outgoing: Outgoing, *, urls: Sequence[str], children: Sequence[str] = ()) -> dict[str, str]:
    """Return the container of a post. `urls` are those of its files, `children` the containers of several."""
    content, options = outgoing.content, outgoing.options
    kind, text = type_of(content), shown_text(content, options)
    form = {"media_type": kind, "text": text, "text_entities": _spoilers(text, options.spoilers)}
    match kind:
        case "TEXT":
            form |= _attached(content, options)
        case "CAROUSEL":
            form["children"] = ",".join(children)
        case _:
            form |= _file(content.media[0], urls[0])
    form |= {
        "reply_to_id": outgoing.reply.parent if outgoing.reply else "",
        "reply_control": options.reply_control or "",
        "topic_tag": options.topic_tag,
        "location_id": options.location_id,
        "quote_post_id": options.quote_post_id,
        "is_spoiler_media": "true" if options.spoiler_media and content.media else "",
    }
    return {name: value for name, value in form.items() if value}


def child_form(item: Media, url: str) -> dict[str, str]:
    """Return the container of one file of several."""
    return {"media_type": _type_of(item), "is_carousel_item": "true", **_file(item, url)}


def spans_of(text: str, passages: Sequence[str]) -> list[tuple[int, int]]:
    """Return where passages stand in a text, wherever they do, in its order; begin and length.

    In code points. Threads does not say what it counts: nothing is hidden behind what would count otherwise.
    """
    found = {
        (match.start(), len(passage))
        for passage in passages
        for match in re.finditer(re.escape(passage), text)
    }
    return sorted(found)


def _spoilers(text: str, passages: Sequence[str]) -> str:
    spans = spans_of(text, passages)
    entities = [{"entity_type": "SPOILER", "offset": at, "length": length} for at, length in spans]
    return json.dumps(entities) if entities else ""


def _attached(content: Content, options: Any) -> dict[str, str]:
    """Return what hangs on a post of text: a card, a poll, a moving picture, a long text."""
    link = "" if options.poll else content.link or ""
    names = ("option_a", "option_b", "option_c", "option_d")
    poll = dict(zip(names, options.poll, strict=False))
    long = {"plaintext": options.text_attachment} if options.text_attachment else {}
    if long and options.text_attachment_link:
        long["link_attachment_url"] = options.text_attachment_link
    provider, _, number = options.gif.partition(":")
    gif = {"gif_id": number, "provider": provider.upper()}
    return {
        "link_attachment": link,
        "gif_attachment": json.dumps(gif) if number else "",
        "poll_attachment": json.dumps(poll) if poll else "",
        "text_attachment": json.dumps(long) if long else "",
    }


def _type_of(item: Media) -> str:
    return "VIDEO" if item.kind is MediaKind.VIDEO else "IMAGE"


def _file(item: Media, url: str) -> dict[str, str]:
    alt = {"alt_text": item.alt} if item.alt else {}
    return {f"{_type_of(item).lower()}_url": url, **alt}
