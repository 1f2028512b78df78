"""The record that a post is at Bluesky, as the lexicon app.bsky.feed.post describes it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from postbell.domain.media import Media
from postbell.domain.text import Span, SpanKind, byte_range, find_spans, with_link
from postbell.publishing.atproto import tid
from postbell.publishing.bluesky_api import POST
from postbell.publishing.protocol import Outgoing


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


def make_record(
    outgoing: Outgoing, blobs: Sequence[Any], dids: Mapping[str, str], reply: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the record, the same at every try."""
    media, options = outgoing.content.media, outgoing.options
    text, spans = with_link(outgoing.content.text, outgoing.content.link)
    record: dict[str, Any] = {"$type": POST, "text": text, "createdAt": created(outgoing)}
    if reply:
        record["reply"] = reply
    if facets := [facet for span in spans if (facet := _facet(text, span, dids))]:
        record["facets"] = facets
    if images := [_image(item, blob) for item, blob in zip(media, blobs, strict=True)]:
        record["embed"] = {"$type": "app.bsky.embed.images", "images": images}
    if options.langs:
        record["langs"] = options.langs
    if options.labels:
        values = [{"val": label} for label in options.labels]
        record["labels"] = {"$type": "com.atproto.label.defs#selfLabels", "values": values}
    return record


def _facet(text: str, span: Span, dids: Mapping[str, str]) -> dict[str, Any] | None:
    """Return what makes a part of the text more than text; None for a mention of nobody."""
    name, key = _FEATURES[span.kind]
    value = dids.get(span.value.lower()) if span.kind is SpanKind.MENTION else span.value
    start, end = byte_range(text, span)
    feature = {"$type": f"app.bsky.richtext.facet#{name}", key: value}
    return {"index": {"byteStart": start, "byteEnd": end}, "features": [feature]} if value else None


def _image(item: Media, blob: Any) -> dict[str, Any]:
    ratio = {"width": item.width, "height": item.height} if item.width and item.height else None
    return {"image": blob, "alt": item.alt, **({"aspectRatio": ratio} if ratio else {})}


def put_body(did: str, rkey: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what com.atproto.repo.putRecord is given."""
    # swapRecord null: write only where nothing lies yet. The identical record is a success all the same.
    body = {"repo": did, "collection": POST, "rkey": rkey, "record": record}
    return {**body, "swapRecord": None, "validate": True}
