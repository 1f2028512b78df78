"""What a post says: the base, and what single networks or accounts say instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from postbell.domain.additions import Additions
from postbell.domain.media import COMMENT, Media


class Split(StrEnum):
    """What becomes of a text that is too long for an account."""

    #: It is refused.
    NO = "no"
    #: It becomes a thread.
    PLAIN = "plain"
    #: It becomes a thread with a number behind each part: `1/3`.
    NUMBERED = "numbered"


@dataclass(frozen=True, kw_only=True)
class Comment:
    """What the author says first below a post; its files are among those of the content."""

    text: str
    #: How long after the post it is published.
    after: timedelta = timedelta()


@dataclass(frozen=True, kw_only=True)
class Override:
    """What one network or one account says instead of the base. None leaves the base as it is."""

    text: str | None = None
    #: What follows that text as a thread; without a text of its own an override has none.
    segments: tuple[str, ...] = ()
    title: str | None = None
    link: str | None = None
    #: The text of the first comment; an empty one for none.
    comment: str | None = None
    #: Options of the network by name, as the user gave them.
    options: Mapping[str, Any] = field(default_factory=dict)
    #: How Postbell has made text and segments of the text for all; NO where the user wrote them.
    split: Split = Split.NO
    #: What the account adds of its own accord, as it was when the post was written; None for nothing.
    added: Additions | None = None

    def unsplit(self) -> Override:
        """Return it without what Postbell has made."""
        return self if self.split is Split.NO else replace(self, text=None, segments=(), split=Split.NO)

    def by_hand(self) -> Override:
        """Return it without what Postbell has made and what the account adds: what the user has said."""
        return replace(self.unsplit(), added=None)


@dataclass(frozen=True, kw_only=True)
class Content:
    """What one network is asked to publish."""

    text: str = ""
    #: What follows as a thread, a text for each part. Title and link belong to the first part.
    segments: tuple[str, ...] = ()
    title: str | None = None
    #: A web address that the post is about (http or https).
    link: str | None = None
    #: The files of all parts, and of the first comment; each says what shows it.
    media: tuple[Media, ...] = ()
    #: What is published below it once it is public. What a network is given as a post has none of its files.
    comment: Comment | None = None

    @property
    def parts(self) -> tuple[Content, ...]:
        """The posts that it is made of: itself, or each part of a thread with its files.

        A file of a part that there is not goes with the last one; those of the first comment are left out.
        """
        if not self.segments:
            return (self.as_post(),)
        last = len(self.segments) + 1
        media: list[list[Media]] = [[] for _ in range(last)]
        for item in self.as_post().media:
            media[min(item.part, last) - 1].append(item)
        first = replace(self, segments=(), media=tuple(media[0]))
        others = zip(self.segments, media[1:], strict=True)
        return (first, *(Content(text=text, media=tuple(own)) for text, own in others))

    def as_post(self) -> Content:
        """Return it without the files of its first comment."""
        own = tuple(item for item in self.media if item.part != COMMENT)
        return self if own == self.media else replace(self, media=own)

    def as_comment(self) -> Content | None:
        """Return its first comment with the files of that, as a content of its own; None without one."""
        if self.comment is None:
            return None
        own = (replace(item, part=1) for item in self.media if item.part == COMMENT)
        return Content(text=self.comment.text, media=tuple(own))

    def joined(self) -> Content:
        """Return a thread as one post, its texts as paragraphs."""
        texts = (text for text in (self.text, *self.segments) if text.strip())
        return replace(self, text="\n\n".join(texts), segments=()) if self.segments else self

    def _with_comment(self, text: str) -> Comment | None:
        return replace(self.comment or Comment(text=text), text=text) if text else None

    def with_override(self, override: Override | None) -> Content:
        """Return the content with what `override` says in place of the base."""
        if override is None:
            return self
        return replace(
            self,
            text=self.text if override.text is None else override.text,
            segments=self.segments if override.text is None else override.segments,
            title=self.title if override.title is None else override.title,
            link=self.link if override.link is None else override.link,
            comment=self.comment if override.comment is None else self._with_comment(override.comment),
        )


def resolve(
    base: Content, overrides: Mapping[str, Override], *, network: str, account: str
) -> tuple[Content, dict[str, Any]]:
    """Return what `account` is asked to say, and its options; `completed` adds what it adds itself.

    `overrides` is keyed by network key and account name; the account's word is the strongest.
    """
    content = base
    options: dict[str, Any] = {}
    for key in dict.fromkeys((network, account)):
        if override := overrides.get(key):
            # What was made for one account says nothing to others, also if it is called like their network.
            content = content.with_override(override if key == account else override.unsplit())
            options |= override.options
    return content, options
