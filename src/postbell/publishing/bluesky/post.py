"""The record that a post is at Bluesky, as the lexicon app.bsky.feed.post describes it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from postbell.domain.content import Content
from postbell.domain.media import Media
from postbell.domain.text import Span, SpanKind, byte_range, find_spans, with_link
from postbell.publishing.bluesky.api import POST
from postbell.publishing.bluesky.atproto import tid
from postbell.publishing.bluesky.video import captions_of, languages_of, video_of
from postbell.publishing.protocol import Outgoing


#: More pictures than that are a gallery.
MOST_IMAGES = 4
_FEATURES = {"link": ("link", "uri"), "hashtag": ("tag", "tag"), "mention": ("mention", "did")}


def record_key(outgoing: Outgoing) -> str:
    """Return the key of a post: a TID of the instant of its first try and its number."""
    return tid(outgoing.begun_at, outgoing.number)


def handles_in(outgoing: Outgoing) -> list[str]:
    """Return who is mentioned, each once, in small letters."""
    found = find_spans(outgoing.content.text)
    return list(dict.fromkeys(span.value.lower() for span in found if span.kind is SpanKind.MENTION))


def created(outgoing: Outgoing) -> str:
    """Return the time that a record carries: that of the first try, so that it stays the same."""
    return outgoing.begun_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def card_link(content: Content, options: Any) -> str | None:
    """Return the link that a post shows as a card; None if it shows none."""
    if options.card == "off" or (content.media and options.card_picture != "mine"):
        return None
    links = (span.value for span in find_spans(content.text) if span.kind is SpanKind.LINK)
    # What is quoted is shown already.
    return next((link for link in (content.link, *links) if link and link != options.quote), None)


def shown_text(content: Content, options: Any) -> tuple[str, list[Span]]:
    """Return the text of a post and its spans; a link that is shown as a card need not be in it."""
    if content.link and card_link(content, options):
        return content.text, find_spans(content.text)
    return with_link(content.text, content.link)


def texts_of(outgoing: Outgoing) -> set[str]:
    """Return what the text of a post may be: in earlier versions it held a link that had a card."""
    text, _ = shown_text(outgoing.content, outgoing.options)
    return {text, with_link(outgoing.content.text, outgoing.content.link)[0]}


def images_of(outgoing: Outgoing) -> Sequence[Media]:
    """Return the pictures that stand in the post itself."""
    own = outgoing.options.card_picture == "mine" and card_link(outgoing.content, outgoing.options)
    return () if own or video_of(outgoing.content) else outgoing.content.media


def make_record(outgoing: Outgoing, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record, the same at every try.

    `found` is what is known by then that only servers can tell: `blobs` of the pictures, `dids` of who is
    mentioned, the `reply`, the `card`, the `quote`. What is not there is left out.
    """
    options = outgoing.options
    text, spans = shown_text(outgoing.content, options)
    record: dict[str, Any] = {"$type": POST, "text": text, "createdAt": created(outgoing)}
    if reply := found.get("reply"):
        record["reply"] = reply
    if facets := [facet for span in spans if (facet := _facet(text, span, found.get("dids", {})))]:
        record["facets"] = facets
    if embed := _embed(outgoing, found):
        record["embed"] = embed
    if options.langs:
        record["langs"] = options.langs
    if options.labels:
        values = [{"val": label} for label in options.labels]
        record["labels"] = {"$type": "com.atproto.label.defs#selfLabels", "values": values}
    if options.tags:
        record["tags"] = options.tags
    return record


def _embed(outgoing: Outgoing, found: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what stands below the text: pictures or the card of a link, and what is quoted."""
    media = _media(outgoing, found)
    if not (quote := found.get("quote")):
        return media
    record = {"$type": "app.bsky.embed.record", "record": quote}
    return {"$type": "app.bsky.embed.recordWithMedia", "record": record, "media": media} if media else record


def _media(outgoing: Outgoing, found: Mapping[str, Any]) -> dict[str, Any] | None:
    if video := video_of(outgoing.content):
        return _film(video, outgoing, found)
    images = images_of(outgoing)
    items = [
        _described(item, "image", blob) for item, blob in zip(images, found.get("blobs", ()), strict=True)
    ]
    if len(items) > MOST_IMAGES:
        kind = "app.bsky.embed.gallery"
        square = {"width": 1, "height": 1}  # it must have one, and few pictures cannot be measured
        return {
            "$type": kind,
            "items": [{"$type": f"{kind}#image", "aspectRatio": square, **item} for item in items],
        }
    if items:
        return {"$type": "app.bsky.embed.images", "images": items}
    if card := found.get("card"):
        return {"$type": "app.bsky.embed.external", "external": card}
    return None


def _film(video: Media, outgoing: Outgoing, found: Mapping[str, Any]) -> dict[str, Any]:
    film = {"$type": "app.bsky.embed.video", **_described(video, "video", found["video"])}
    languages = languages_of(captions_of(outgoing.content), outgoing.options)
    said = zip(languages, found.get("captions", ()), strict=True)
    if captions := [{"lang": language, "file": blob} for language, blob in said]:
        film["captions"] = captions
    if outgoing.options.presentation != "default":
        film["presentation"] = outgoing.options.presentation
    return film


def _facet(text: str, span: Span, dids: Mapping[str, str]) -> dict[str, Any] | None:
    """Return what makes a part of the text more than text; None for a mention of nobody."""
    name, key = _FEATURES[span.kind]
    value = dids.get(span.value.lower()) if span.kind is SpanKind.MENTION else span.value
    start, end = byte_range(text, span)
    feature = {"$type": f"app.bsky.richtext.facet#{name}", key: value}
    return {"index": {"byteStart": start, "byteEnd": end}, "features": [feature]} if value else None


def _described(item: Media, name: str, blob: Any) -> dict[str, Any]:
    """Return a file as records name it, with its alt text and its shape where that is known."""
    ratio = {"width": item.width, "height": item.height} if item.width and item.height else None
    return {name: blob, "alt": item.alt, **({"aspectRatio": ratio} if ratio else {})}


def put_body(did: str, rkey: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what com.atproto.repo.putRecord is given."""
    # swapRecord null: write only where nothing lies yet. The identical record is a success all the same.
    body = {"repo": did, "collection": POST, "rkey": rkey, "record": record}
    return {**body, "swapRecord": None, "validate": True}
