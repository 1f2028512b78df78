"""Link cards as Bluesky has them (lexicon app.bsky.embed.external): whoever posts one reads the page."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from postbell.domain.content import Content
from postbell.domain.limits import MediaLimit
from postbell.domain.media import MediaKind
from postbell.errors import Problem
from postbell.publishing.bluesky.api import Line
from postbell.publishing.cards import ByHand, make_card
from postbell.publishing.faults import problems_of
from postbell.publishing.protocol import Outgoing


if TYPE_CHECKING:
    from postbell.publishing.web.http import Http


_PICTURE = MediaLimit(most=1, types=dict.fromkeys(("image/jpeg", "image/png", "image/webp"), 1_000_000))


def check_card(content: Content, options: Any, link: str | None, *, account: str) -> list[Problem]:
    """Return what speaks against what is said of a card. Pure."""
    mine = options.card_picture == "mine"
    if mine and [item.kind for item in content.media] != [MediaKind.IMAGE]:
        why = "the post needs exactly one picture to put it on the card."
        return problems_of(account, [], [("[bluesky] card_picture", why)])
    if not link and (mine or options.card_title or options.card_description):
        why = "beside pictures there is none" if content.media else "the post has no link, or card is off"
        return problems_of(account, [("[bluesky] card", f"there is no card to say this of: {why}.")])
    return []


def by_hand(outgoing: Outgoing, picture: bytes | None) -> ByHand:
    """Return what the user says of the card; for `mine` with the bytes of that picture, or none yet."""
    options = outgoing.options
    return ByHand(
        title=options.card_title,
        description=options.card_description,
        picture=picture,
        pictured=options.card_picture == "page" or picture is not None,
    )


def card_picture(outgoing: Outgoing) -> str | None:
    """Return what the picture of the card is called for people; None if it shall have none."""
    names = {"page": "picture of the page", "mine": "the picture of the post"}
    return names.get(outgoing.options.card_picture)


def card_shown(outgoing: Outgoing, link: str, picture: str | None) -> dict[str, Any]:
    """Return the card for people to read, for which no page was asked yet. Pure."""
    options = outgoing.options
    card = {
        "uri": link,
        "title": "<title of the page>" if options.card_title is None else options.card_title,
        "description": "<description of the page>"
        if options.card_description is None
        else options.card_description,
    }
    return {**card, "thumb": f"<blob of {picture}>"} if picture else card


async def read_card(
    line: Line, outgoing: Outgoing, link: str, http: Http
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Read the page of a link and upload its picture; return the card, and what could not be had."""
    picture = None
    if outgoing.options.card_picture == "mine":
        (item,) = outgoing.content.media
        picture = await asyncio.to_thread(item.path.read_bytes)
    card = await make_card(http.outside, link, by_hand(outgoing, picture), _PICTURE)
    said: dict[str, Any] = {"uri": link, "title": card.title, "description": card.description}
    if card.picture:
        said["thumb"] = await line.upload_bytes(card.picture.mime, card.picture.data)
    return said, card.warnings
