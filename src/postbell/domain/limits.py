"""What a network takes, and whether a content keeps to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from postbell.domain.content import Content
from postbell.domain.film import FilmLimit, film_problems
from postbell.domain.media import Media, MediaKind
from postbell.domain.quota import Quota
from postbell.errors import Problem


@dataclass(frozen=True, kw_only=True)
class TextLimit:
    """The longest text that a network takes, in one unit."""

    most: int
    #: The unit's name in the plural, as the user reads it: `graphemes`.
    unit: str
    #: Counts a text in that unit; one of the functions of `domain.text`.
    count: Callable[[str], int]


@dataclass(frozen=True, kw_only=True)
class Length:
    """How long the text of a post is as it is sent, in one unit."""

    count: int
    #: The most that it may be.
    most: int
    #: The unit's name in the plural.
    unit: str
    #: What is counted: the text, and what is sent with it.
    what: str = "text"
    #: When it may be no more, unless always; it begins with a blank: ` with files`.
    when: str = ""


@dataclass(frozen=True, kw_only=True)
class MediaLimit:
    """The files that a network takes with one post."""

    #: The most files of all kinds together; 0 means that it takes none.
    most: int = 0
    #: The types that it takes and the most bytes of each.
    types: Mapping[str, int] = field(default_factory=dict)
    #: The most pixels (width x height) of a picture.
    pixels: int | None = None
    #: The most pixels along either side of a picture.
    side: int | None = None
    #: How many times as long as the other one a side of a picture may be.
    ratio: float | None = None
    #: What is said of videos besides.
    film: FilmLimit = field(default_factory=FilmLimit)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Everything that can be checked before a network is asked."""

    text: tuple[TextLimit, ...] = ()
    title: TextLimit | None = None
    #: Whether a post must have a title.
    needs_title: bool = False
    #: Whether a post must have a file; what answers another one need not.
    needs_media: bool = False
    media: MediaLimit = field(default_factory=MediaLimit)
    #: The most posts of one account; more than that are refused, or held back, by the network.
    quotas: tuple[Quota, ...] = ()

    def summary(self) -> dict[str, Any]:
        """Return the limits as plain values, for people and programs to read."""
        return {
            "text": {limit.unit: limit.most for limit in self.text},
            "title": {self.title.unit: self.title.most} if self.title else {},
            "needs_title": self.needs_title,
            "needs_media": self.needs_media,
            "media": {
                "most": self.media.most,
                "types": dict(self.media.types),
                "pixels": self.media.pixels,
                "side": self.media.side,
                "ratio": self.media.ratio,
                "film": self.media.film.summary(),
            },
            "quotas": {str(quota.per): quota.most for quota in self.quotas},
        }


def count(text: str, limits: Iterable[TextLimit], *, what: str = "text") -> tuple[Length, ...]:
    """Return how long a text is by each of the limits; `what` says what it is made of."""
    return tuple(
        Length(count=limit.count(text), most=limit.most, unit=limit.unit, what=what) for limit in limits
    )


def count_shown(shown: str, content: Content, limits: Iterable[TextLimit]) -> tuple[Length, ...]:
    """Return how long the text of a content is as it is shown: with its link, where that was added to it."""
    return count(shown, limits, what="text" if shown == content.text else "text and link")


def check(
    content: Content, limits: Limits, *, account: str, lengths: Iterable[Length] | None = None
) -> list[Problem]:
    """Return everything in `content` that is beyond `limits`; an empty list means that it fits.

    `lengths` are those of its text as it is sent; without them it is sent as it is. Firm is what must not be
    sent all the same: nothing at all, and files that nobody has cleaned of their notes.
    """
    problems = []
    if not (content.text.strip() or content.media or content.link or content.title):
        message = "the post is empty; give it a text."
        problems.append(Problem(where="text", account=account, message=message, firm=True))
    if limits.needs_title and not content.title:
        problems.append(Problem(where="title", account=account, message="it needs a title (--title)."))
    if limits.needs_media and not content.media:
        message = "it needs a file, such as a picture (--media)."
        problems.append(Problem(where="media", account=account, message=message))
    problems += _too_long(count(content.text, limits.text) if lengths is None else lengths, account)
    if limits.title and content.title:
        problems += _too_long(count(content.title, (limits.title,), what="title"), account)
    return problems + _media_problems(content.media, limits.media, account)


def _too_long(lengths: Iterable[Length], account: str) -> list[Problem]:
    return [
        Problem(
            where=it.what,
            account=account,
            message=f"{it.count} {it.unit}, the limit{it.when} is {it.most}; "
            f"shorten it by {it.count - it.most}.",
        )
        for it in lengths
        if it.count > it.most
    ]


def _media_problems(media: tuple[Media, ...], limit: MediaLimit, account: str) -> list[Problem]:
    problems = []
    # Where files were taken as they must be, what they say of the user was left out.
    if len(media) > limit.most:
        message = f"{len(media)} files, the limit is {limit.most}."
        problems.append(Problem(where="media", account=account, message=message, firm=not limit.most))
    problems += [
        Problem(
            where=f"media {item.name}",
            account=account,
            message=problem,
            firm=bool(item.film and item.film.notes),
        )
        for item in media
        for problem in _file_problems(item, limit)
    ]
    return problems


def _file_problems(item: Media, limit: MediaLimit) -> Iterator[str]:
    if item.mime not in limit.types:
        taken = ", ".join(sorted(limit.types)) or "none"
        yield f"{item.mime} is not taken there; it takes {taken}."
    elif item.size > limit.types[item.mime]:
        yield f"{item.size:,} bytes, the limit is {limit.types[item.mime]:,}."
    elif item.kind is MediaKind.IMAGE and (problem := _shape_problem(item, limit)):
        yield problem
    if item.film and item.kind is MediaKind.VIDEO:
        yield from film_problems(item.film, item.width or 0, item.height or 0, limit.film)


def _shape_problem(item: Media, limit: MediaLimit) -> str | None:
    width, height = item.width or 0, item.height or 0
    shape = f"{width} x {height} pixels, the limit is"
    if limit.pixels and width * height > limit.pixels:
        return f"{shape} {limit.pixels:,} pixels."
    if limit.side and max(width, height) > limit.side:
        return f"{shape} {limit.side:,} pixels a side."
    if limit.ratio and max(width, height) > limit.ratio * min(width, height):
        return f"{shape} {limit.ratio:g} times as long as wide; cut it."
    return None
