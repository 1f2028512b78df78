"""What must be known before a post can be put at Bluesky; everything here may be asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postbell.publishing.bluesky.api import POST, Line
from postbell.publishing.bluesky.atproto import answered, strong_ref
from postbell.publishing.bluesky.cards import read_card
from postbell.publishing.bluesky.gates import lists_in
from postbell.publishing.bluesky.post import card_link, handles_in, images_of
from postbell.publishing.bluesky.refs import LIST, read_ref, uri_of
from postbell.publishing.bluesky.video import captions_of
from postbell.publishing.protocol import Outgoing, Progress


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http


def asks_first(outgoing: Outgoing) -> bool:
    """Whether there is anything to be known before the post can be put."""
    content = outgoing.content
    card = card_link(content, outgoing.options)
    named = outgoing.options.quote or lists_in(outgoing.options.replies)
    return bool(content.media or handles_in(outgoing) or outgoing.reply or card or named)


def is_prepared(progress: Progress) -> bool:
    """Whether everything is known; what an earlier version has stored knows nothing of cards."""
    return "warnings" in progress.data


async def prepare(line: Line, outgoing: Outgoing, http: Http, *, again: bool = False) -> dict[str, Any]:
    """Upload the files, look up who is mentioned, read what is linked; return what `make_record` wants.

    To be stored before the post is put, so that its record stays the same whatever pages say later.
    """
    handles = handles_in(outgoing)
    found: dict[str, Any] = {
        "blobs": await line.upload(images_of(outgoing)),
        "captions": await line.upload(captions_of(outgoing.content)),
        "dids": await line.resolve(handles),
        "reply": await answered(line.ask, outgoing.reply),
        "again": again,
    }
    if quote := outgoing.options.quote:
        uri = await uri_of(line, read_ref(quote, POST))
        found["quote"] = await strong_ref(line.ask, uri, "the quoted post")
    found["lists"] = {
        word: await uri_of(line, read_ref(word, LIST)) for word in lists_in(outgoing.options.replies)
    }
    missing = [name for name in handles if name not in found["dids"]]
    warnings = [f"@{name} was not found and stays plain text." for name in missing]
    if link := card_link(outgoing.content, outgoing.options):
        found["card"], told = await read_card(line, outgoing, link, http)
        warnings += told
    return {**found, "warnings": warnings}
