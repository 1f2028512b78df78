"""What the servers that speak Mastodon's API say of themselves: which software, and what they take.

Read from nodeinfo (nodeinfo.diaspora.software) and from /api/v2/instance, or v1 where that is all there is
(docs.joinmastodon.org/entities/Instance and V1_Instance). Pleroma and Akkoma say some of it in keys of
their own. What nobody says is what Mastodon itself takes.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from postbell.domain.film import FilmLimit
from postbell.domain.lengths import LINK_LENGTH, mastodon_length
from postbell.domain.limits import Limits, MediaLimit, TextLimit
from postbell.domain.media import SUFFIXES, MediaKind, kind_of
from postbell.domain.text import code_points, graphemes
from postbell.publishing.web.answer import Answer


#: How Pleroma, Pixelfed and others call themselves in the version of Mastodon whose API they speak.
_COMPATIBLE = re.compile(r"\(compatible; ([A-Za-z]+)")
#: The version of Mastodon's API that has quotes: that of 4.5.
_QUOTING = 7
_SCHEMA = "http://nodeinfo.diaspora.software/ns/schema/2."
_IMAGE, _VIDEO = 16_777_216, 103_809_024
#: The software that counts a text otherwise, and an address in full, whatever it says of those: GoToSocial
#: says 25. Elixir's String.length counts graphemes.
_COUNTS: Mapping[str, Callable[[str], int]] = {
    "gotosocial": code_points,
    "pixelfed": code_points,
    "pleroma": graphemes,
    "akkoma": graphemes,
}


#: What is seen or heard: nothing else is taken by any of them.
_SHOWN = tuple(mime for mime in SUFFIXES if kind_of(mime) is not MediaKind.DOCUMENT)


def _stock_types() -> dict[str, int]:
    return {mime: _most_bytes(mime, _IMAGE, _VIDEO) for mime in _SHOWN}


@dataclass(frozen=True, kw_only=True)
class Server:
    """What one server takes; without a word from it, what Mastodon takes."""

    #: The software's name in small letters, as nodeinfo has it.
    kind: str = "mastodon"
    #: The longest text, with the content warning.
    text: int = 500
    #: What an address counts, where it does not count in full.
    link: int = LINK_LENGTH
    #: The most files with one post, their types, and the most bytes of each type.
    files: int = 4
    types: Mapping[str, int] = field(default_factory=_stock_types)
    #: The most pixels of a picture.
    pixels: int = 33_177_600
    #: The most pixels of a video, and pictures per second.
    film_pixels: int = 8_294_400
    film_rate: int = 120
    #: The longest alt text, in characters.
    alt: int = 1500
    #: The most answers of a poll, and the most characters of one.
    answers: int = 4
    answer: int = 50
    #: The shortest and the longest time that a poll may be open, in seconds.
    shortest: int = 300
    longest: int = 2_629_746
    #: By which parameter a post is quoted; empty where none can be.
    quotes: str = ""

    @property
    def is_mastodon(self) -> bool:
        """Whether it has the rules of Mastodon: it is that, or a fork of it, as far as is known."""
        return self.kind not in _COUNTS

    @property
    def keeps_keys(self) -> bool:
        """Whether an Idempotency-Key does there what it shall: a repeat is answered with the first status.

        GoToSocial ignores it. Pleroma and Akkoma repeat a failure, too; Pixelfed refuses the repeat even
        where the first try made nothing.
        """
        return self.kind in ("mastodon", "hometown")

    def count(self, text: str, warning: str = "") -> int:
        """Return how long a text is there, with its content warning; in that, a link is no link."""
        if count := _COUNTS.get(self.kind):
            return count(text) + count(warning)
        return mastodon_length(text, link=self.link) + graphemes(warning)

    def limits(self) -> Limits:
        """Return what can be checked of every post."""
        return Limits(
            text=(TextLimit(most=self.text, unit="characters", count=self.count),),
            needs_media=self.kind == "pixelfed",
            media=MediaLimit(
                most=self.files,
                types=self.types,
                pixels=self.pixels,
                film=FilmLimit(pixels=self.film_pixels, fastest=self.film_rate),
            ),
        )


def stored_server(stored: Any) -> Server:
    """Return the server that an account's session holds as a mapping; Mastodon where it holds none.

    It may have been kept by another version: what that knew and this one does not is left out.
    """
    known = {each.name for each in fields(Server)}
    said = stored if isinstance(stored, dict) else {}
    kept = {name: value for name, value in said.items() if name in known}
    if "types" in kept:
        kept["types"] = {mime: most for mime, most in kept["types"].items() if mime in _SHOWN}
    return Server(**kept)


def read_server(kind: str, said: Mapping[str, Any]) -> Server:
    """Return what a server says at /api/v2/instance or v1; `kind` is what nodeinfo has, if anything."""
    config = _part(said, "configuration")
    statuses, media, polls = (_part(config, name) for name in ("statuses", "media_attachments", "polls"))
    old_polls, upload, stock = _part(said, "poll_limits"), said.get("upload_limit"), Server()
    compatible = _COMPATIBLE.search(str(said.get("version")))
    taken = media.get("supported_mime_types")
    image = _first(_IMAGE, media.get("image_size_limit"), upload)
    video = _first(_VIDEO, media.get("video_size_limit"), upload)
    return Server(
        kind=kind or (compatible[1].lower() if compatible else stock.kind),
        text=_first(stock.text, statuses.get("max_characters"), said.get("max_toot_chars")),
        link=_first(stock.link, statuses.get("characters_reserved_per_url")),
        files=_first(stock.files, statuses.get("max_media_attachments"), said.get("max_media_attachments")),
        types={
            mime: _most_bytes(mime, image, video)
            for mime in _SHOWN
            if not isinstance(taken, list) or not taken or mime in taken
        },
        pixels=_first(stock.pixels, media.get("image_matrix_limit")),
        film_pixels=_first(stock.film_pixels, media.get("video_matrix_limit")),
        film_rate=_first(stock.film_rate, media.get("video_frame_rate_limit")),
        alt=_first(stock.alt, media.get("description_limit"), said.get("description_limit")),
        answers=_first(stock.answers, polls.get("max_options"), old_polls.get("max_options")),
        answer=_first(
            stock.answer, polls.get("max_characters_per_option"), old_polls.get("max_option_chars")
        ),
        shortest=_first(
            stock.shortest, polls.get("min_expiration"), old_polls.get("min_expiration"), least=0
        ),
        longest=_first(stock.longest, polls.get("max_expiration"), old_polls.get("max_expiration")),
        quotes=_quotes(kind or (compatible[1].lower() if compatible else ""), said),
    )


def _quotes(kind: str, said: Mapping[str, Any]) -> str:
    """Return how posts are quoted there; a server that knows nothing of it passes over it in silence."""
    if kind in ("pleroma", "akkoma"):
        return "quote_id"
    return "quoted_status_id" if _first(0, _part(said, "api_versions").get("mastodon")) >= _QUOTING else ""


async def software(ask: Callable[[str], Awaitable[Answer]], address: str) -> str:
    """Return the name of the software of the server at an address, in small letters; empty if it has none.

    Raises what `ask` raises. Documents that lie anywhere else are not read: they may be anybody's.
    """
    links = (await ask(f"{address}/.well-known/nodeinfo")).json()
    for link in reversed(_list(links, "links")):  # the newest is the last by custom; they say the same here
        if not isinstance(link, dict) or not str(link.get("rel")).startswith(_SCHEMA):
            continue
        if (where := str(link.get("href"))).startswith(f"{address}/"):
            document = (await ask(where)).json()
            name = _part(document, "software").get("name")
            return name.lower() if isinstance(name, str) else ""
    return ""


def _most_bytes(mime: str, image: int, video: int) -> int:
    return image if kind_of(mime) is MediaKind.IMAGE else video


def _part(said: Any, name: str) -> Mapping[str, Any]:
    part = said.get(name) if isinstance(said, dict) else None
    return part if isinstance(part, dict) else {}


def _list(said: Any, name: str) -> list[Any]:
    part = said.get(name) if isinstance(said, dict) else None
    return part if isinstance(part, list) else []


def _first(default: int, *said: Any, least: int = 1) -> int:
    """Return the first that is a number, and not too small to be meant."""
    return next((each for each in said if type(each) is int and each >= least), default)
