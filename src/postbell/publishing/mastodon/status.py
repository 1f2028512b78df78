"""What a post is as a status of Mastodon's API (docs.joinmastodon.org/methods/statuses)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from postbell.domain.content import Content
from postbell.domain.media import Media
from postbell.domain.text import with_link
from postbell.errors import Rejected
from postbell.publishing.mastodon.fediverse import Server
from postbell.publishing.protocol import Outgoing, Receipt


def written(content: Content) -> str:
    """Return the text that goes out. A link that it lacks is its last line."""
    return with_link(content.text, content.link)[0]


def shown_files(content: Content, options: Any) -> tuple[Media, ...]:
    """Return the files that are posted: all but the one that stands for a video."""
    hidden = thumbnail_of(content, options)
    return tuple(item for item in content.media if item is not hidden)


def thumbnail_of(content: Content, options: Any) -> Media | None:
    """Return the picture that stands for the video until it plays."""
    place = (options.thumbnail or 0) - 1
    return content.media[place] if 0 <= place < len(content.media) else None


def without_thumbnail(outgoing: Outgoing) -> Outgoing:
    """Return a post with the files that are posted."""
    content, shown = outgoing.content, shown_files(outgoing.content, outgoing.options)
    return outgoing if shown == content.media else replace(outgoing, content=replace(content, media=shown))


def body_of(outgoing: Outgoing, ids: Sequence[str], quote: Mapping[str, str]) -> dict[str, Any]:
    """Return the post as the server is sent it, the same at every try; `quote` says which post it quotes."""
    options = outgoing.options
    poll = {
        "options": options.poll,
        "expires_in": options.poll_expires_in,
        "multiple": options.poll_multiple,
        "hide_totals": options.poll_hide_totals,
    }
    body = {
        "status": written(outgoing.content),
        "in_reply_to_id": outgoing.reply and outgoing.reply.parent,
        "media_ids": list(ids),
        "spoiler_text": options.spoiler_text,
        "sensitive": options.sensitive,
        "visibility": options.visibility,
        "language": options.language,
        "poll": poll if options.poll else None,
        "quote_approval_policy": options.quote_approval_policy,
        **quote,
    }
    # What is left out is as the account has it set; `sensitive` may be a no.
    return {name: value for name, value in body.items() if name == "status" or value not in (None, "", [])}


def edit_of(outgoing: Outgoing, status: Mapping[str, Any], there: Server, now: datetime) -> dict[str, Any]:
    """Return what changes a status to what a post says now.

    All of it: the server takes away what is left out, files and poll too. Raises Rejected for a poll that is
    over, which it would open anew.
    """
    options, media = outgoing.options, outgoing.content.media
    body = body_of(outgoing, [str(file["id"]) for file in status.get("media_attachments") or ()], {})
    body |= {"spoiler_text": options.spoiler_text}
    if options.sensitive is None:
        # Servers hide files behind a warning: what was hidden for its sake is shown without it.
        lifted = status.get("spoiler_text") and not options.spoiler_text
        body |= {"sensitive": bool(status.get("sensitive")) and not lifted}
    if not options.language and status.get("language"):
        body |= {"language": status["language"]}
    if len(body.get("media_ids", ())) == len(media) > 0:
        points = dict(enumerate(options.focus))
        body["media_attributes"] = [
            {"id": name, "description": item.alt}
            | ({"focus": points[place].replace(":", ",")} if place in points else {})
            for place, (name, item) in enumerate(zip(body["media_ids"], media, strict=True))
        ]
    if "poll" in body:
        body["poll"] = body["poll"] | {"expires_in": _left(status.get("poll") or {}, there, now)}
    for settled in ("in_reply_to_id", "visibility"):
        body.pop(settled, None)
    return body


def _left(poll: Mapping[str, Any], there: Server, now: datetime) -> int:
    """Return for how many seconds a poll is still open, by its server's count at least so many."""
    if poll.get("expired") or not poll.get("expires_at"):
        raise Rejected("its poll is over, and would be opened anew")
    left = datetime.fromisoformat(poll["expires_at"]) - now
    return max(there.shortest, round(left.total_seconds()))


def key_of(outgoing: Outgoing, there: Server) -> dict[str, str]:
    """Return the header that makes a repeat harmless, where it does."""
    return {"idempotency-key": outgoing.key} if there.keeps_keys else {}


def receipt_of(status: Mapping[str, Any], outgoing: Outgoing) -> Receipt:
    """Return what a status tells of the post that was made; servers leave out without a word."""
    options, warnings = outgoing.options, []
    if options.visibility and (now := status.get("visibility")) != options.visibility:
        warnings.append(f"The server made it {now}, not {options.visibility}.")
    if len(status.get("media_attachments") or ()) < len(outgoing.content.media):
        warnings.append("The server left out files.")
    if options.poll and not status.get("poll"):
        warnings.append("The server left out the poll.")
    warnings += _quote_warnings(status) if options.quote else []
    return Receipt(id=status["id"], url=address_of(status), warnings=tuple(warnings))


def why_unlisted(outgoing: Outgoing, there: Server) -> str | None:
    """Return why a server may not list a post among those of its account though it is there, if it may not.

    Pixelfed leaves out whatever answers another post (github.com/pixelfed/pixelfed, ApiV1Controller).
    """
    if outgoing.reply and there.kind == "pixelfed":
        return "Pixelfed does not list answers"
    if outgoing.options.visibility == "direct" and not there.is_mastodon:
        return "the server may not list direct posts"
    return None


def _quote_warnings(status: Mapping[str, Any]) -> list[str]:
    """Return what became of a quote; a server that has no states of quotes shows it."""
    quote = status.get("quote")
    if not isinstance(quote, dict):
        return ["The server left out the quote."]
    state = quote.get("state", "accepted")
    if state == "pending":
        return ["The quote is shown once the server of its author has allowed it."]
    return [] if state == "accepted" else [f"The quote is not shown: it is {state}."]


def address_of(status: Mapping[str, Any]) -> str | None:
    """Return where a person finds a status."""
    return status.get("url") or status.get("uri")
