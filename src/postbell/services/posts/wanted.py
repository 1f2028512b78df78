"""What the user asks for, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from postbell.domain.content import Comment, Content, Override, Split
from postbell.domain.media import Media, Source
from postbell.domain.post import Post
from postbell.domain.when import When
from postbell.errors import Problem
from postbell.publishing.protocol import Call


if TYPE_CHECKING:
    from postbell.services.plan.placing import Placing


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Under which rules a post is published, what it is filed under, and what its caller calls it."""

    external_id: str | None = None
    labels: tuple[str, ...] = ()
    #: How late it may be published; None leaves that to the account, and then to the configuration.
    late_limit: timedelta | None = None
    #: Not published after this (aware UTC).
    not_after: datetime | None = None
    #: How long after its publication it is taken away again.
    delete_after: timedelta | None = None
    #: Whether it may say what another post says.
    allow_duplicate: bool = False
    #: Whether its accounts add nothing to it.
    bare: bool = False
    #: Whether the networks decide what they take: what Postbell knows of their limits only warns.
    unchecked: bool = False


def terms_of(post: Post) -> Terms:
    """Return the terms of a stored post."""
    return Terms(
        external_id=post.external_id,
        labels=post.labels,
        late_limit=post.late_limit,
        not_after=post.not_after,
        delete_after=post.delete_after,
        allow_duplicate=post.allow_duplicate,
        bare=post.bare,
        unchecked=post.unchecked,
    )


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A post as the user asks for it."""

    text: str = ""
    #: What follows as a thread.
    segments: tuple[str, ...] = ()
    #: What is published below it first.
    comment: Comment | None = None
    title: str | None = None
    link: str | None = None
    #: Files with their alt texts, and stored ones.
    media: tuple[Source | Media, ...] = ()
    #: Names of accounts.
    to: tuple[str, ...] = ()
    #: When it is published; without this, `place` and `times` it is a draft.
    when: When | None = None
    #: Leaves the time to the queue, or to what is best; never with `when` or `draft`.
    place: Placing | None = None
    #: When single accounts publish it, or all of a network, by their names; whatever `when` and `place` say.
    times: Mapping[str, When] = field(default_factory=dict)
    #: Keeps it a draft although it has a time: a reminder that never fires.
    draft: bool = False
    terms: Terms = field(default_factory=Terms)
    overrides: Mapping[str, Override] = field(default_factory=dict)
    #: What becomes of a text that is too long for one of the accounts.
    split: Split = Split.NO
    #: What is known to be wrong, to be told with everything else: a time that could not be read.
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ContentChanges:
    """What to change of a content. None leaves a thing as it is; an empty text or tuple takes it away."""

    text: str | None = None
    segments: tuple[str, ...] | None = None
    #: An empty text takes it away, with its files unless `media` says what there is.
    comment: Comment | None = None
    title: str | None = None
    link: str | None = None
    #: Files with their alt texts, and those that stay.
    media: tuple[Source | Media, ...] | None = None

    def of(self, said: Content, media: tuple[Media, ...]) -> Content:
        """Return a content as it is after these changes, with these files."""
        changed = Content(
            text=said.text if self.text is None else self.text,
            segments=said.segments if self.segments is None else self.segments,
            comment=said.comment if self.comment is None else self.comment if self.comment.text else None,
            title=said.title if self.title is None else self.title or None,
            link=said.link if self.link is None else self.link or None,
            media=media,
        )
        silenced = self.comment is not None and changed.comment is None and self.media is None
        return changed.as_post() if silenced else changed


@dataclass(frozen=True, kw_only=True)
class Changes(ContentChanges):
    """What to change of a post."""

    to: tuple[str, ...] | None = None
    #: Each of the three also schedules a draft. Whom none of them gives a time keeps its own.
    when: When | None = None
    place: Placing | None = None
    #: When single accounts publish it, or all of a network, by their names; whatever `when` and `place` say.
    times: Mapping[str, When] = field(default_factory=dict)
    #: All of them anew.
    terms: Terms | None = None
    #: Replaces the overrides of these networks and accounts; an empty one takes it away.
    overrides: Mapping[str, Override] | None = None
    split: Split | None = None
    #: What is known to be wrong, to be told with everything else.
    problems: tuple[Problem, ...] = ()

    @property
    def moves(self) -> bool:
        """Whether any account is given a time."""
        return bool(self.when or self.place or self.times)


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A post that is stored, durably."""

    post: Post
    #: What a draft still lacks before it can be published, what may come in the way of its time, pictures
    #: without alt text, choices that are none here, and what of an unchecked post its network may refuse.
    warnings: tuple[Problem, ...] = ()
    #: The ids of the posts that had to move down the queue.
    moved: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What one account would be sent."""

    account: str
    network: str
    #: When (aware UTC), and why then if Postbell has chosen it; None for a draft.
    at: datetime | None
    why: str | None
    #: Of each part (one, unless it is a thread) the length of its text by unit, and the limit of each:
    #: {"graphemes": (12, 300)}.
    lengths: tuple[Mapping[str, tuple[int, int]], ...]
    #: Its files, each as it was given and as it is sent.
    pictures: tuple[tuple[Media, Media], ...]
    calls: tuple[Call, ...]
    #: What it would be refused for.
    problems: tuple[Problem, ...]
    #: What may come in the way of its time, how the clocks have moved that, pictures without alt text, and
    #: what of an unchecked post its network may refuse.
    warnings: tuple[Problem, ...]


def with_clocks(shown: Preview, wanted: Wanted) -> Preview:
    """Return a preview that says so, once, where the clocks change around its time."""
    when = wanted.times.get(shown.account) or wanted.times.get(shown.network) or wanted.when
    if when is None or not when.note:
        return shown
    note = Problem(where="--at", account=shown.account, message=f"{when.note}.")
    return replace(shown, warnings=tuple(dict.fromkeys((note, *shown.warnings))))
