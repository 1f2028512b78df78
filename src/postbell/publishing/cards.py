"""Link cards: what a link leads to, in a title, a description and a picture.

A page that cannot be read is no reason to fail a post: the card then says what is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from postbell.domain.limits import MediaLimit
from postbell.domain.page import PageHead, read_page
from postbell.errors import Invalid, NotFetched, PostbellError


if TYPE_CHECKING:
    from postbell.publishing.web.outside import Outside, Picture


_PAGES = ("text/html", "application/xhtml+xml")
#: Some pages speak of themselves only after half a megabyte of scripts.
_MOST_PAGE = 1_500_000


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a link leads to."""

    title: str
    description: str
    picture: Picture | None
    #: What could not be had.
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """What the user says of a link; None is read from the page."""

    title: str | None = None
    description: str | None = None
    #: The user's own picture, a file's bytes.
    picture: bytes | None = None
    #: Whether the card shall have a picture at all.
    pictured: bool = True

    @property
    def is_all(self) -> bool:
        """Whether nothing is left that the page must be asked."""
        known = self.title is not None and self.description is not None
        return known and (self.picture is not None or not self.pictured)


async def make_card(outside: Outside, link: str, by_hand: ByHand, limit: MediaLimit) -> Card:
    """Return the card of a link, its picture as `limit` allows it; what fails is a warning."""
    head, base, warnings = PageHead(), link, list[str]()
    if not by_hand.is_all:
        try:
            page = await outside.fetch(link, types=_PAGES, most=_MOST_PAGE, cut=True)
        except NotFetched as error:
            warnings.append(f"{link} could not be read for its card: {error}.")
        else:
            head, base = read_page(page.body, page.charset), page.url
    picture = None
    try:
        if by_hand.picture is not None:
            picture = await outside.fit(by_hand.picture, limit)
        elif by_hand.pictured and head.picture:
            picture = await outside.picture(urljoin(base, head.picture), limit)
    except (PostbellError, ValueError) as error:
        told = error.problems[0].message if isinstance(error, Invalid) else str(error)
        warnings.append(f"The card of {link} has no picture: {told.rstrip('.')}.")
    return Card(
        title=_chosen(by_hand.title, head.title) or host_of(link),
        description=_chosen(by_hand.description, head.description),
        picture=picture,
        warnings=tuple(warnings),
    )


def host_of(link: str) -> str:
    """Return the host of an address, as people name a site."""
    found = re.match(r"https?://(?:[^/?#]*@)?(?:www\.)?([^/?#:]+)", link, re.IGNORECASE)
    return found[1] if found else link


def _chosen(said: str | None, read: str) -> str:
    return read if said is None else said
