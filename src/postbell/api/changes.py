"""What requests change of a post."""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from postbell.api.asked import (
    LONGEST,
    LONGEST_SPAN,
    MOST,
    Asked,
    CommentAsked,
    Flag,
    MediaAsked,
    Number,
    OverrideAsked,
    TimeAsked,
    comment_of,
    end_of,
    media_of,
    overrides_of,
    span_of,
    time_of,
    times_of,
)
from postbell.domain.content import Comment, Split
from postbell.domain.plain import LONGEST_ID
from postbell.domain.post import Post
from postbell.errors import Noting, Problem
from postbell.services.context import Context
from postbell.services.posts.wanted import Changes, Terms, terms_of


class SaidChanged(Asked):
    """What to change of what a post says: what is left out stays, null takes away."""

    text: str = Field("", description="The text.", max_length=LONGEST, examples=["Hello, everybody"])
    segments: list[str] = Field(
        default_factory=list, description="Further parts of a thread.", max_length=MOST
    )
    title: str | None = Field(None, description="The title; null takes it away.", max_length=1000)
    link: str | None = Field(None, description="The web address; null takes it away.", max_length=2000)
    media: list[MediaAsked] = Field(default_factory=list, description="All of its files.", max_length=MOST)
    overrides: dict[str, OverrideAsked | None] = Field(
        default_factory=dict, description="What these networks or accounts say; null takes that away."
    )


class PublishedChanged(SaidChanged):
    """What to change of what is public: what is left out stays, null takes away. Its files stay."""

    accounts: list[str] = Field(
        default_factory=list,
        description="Only there; what the post says for the others stays. Left out: everywhere.",
        max_length=MOST,
    )


class PostChanged(TimeAsked, SaidChanged):
    """What to change of a post: what is left out stays, null takes away. A time also schedules a draft.

    A time for the post is one for all of its accounts; `times` alone leave the others where they are.
    """

    comment: CommentAsked | None = Field(None, description="The first comment; null takes it away.")
    to: list[str] = Field(default_factory=list, description="All of its accounts.", max_length=MOST)
    draft: Flag = Field(False, description="true makes a scheduled post a draft again; its time is kept.")
    external_id: str | None = Field(
        None,
        description="What you call it; null takes that away.",
        min_length=1,
        max_length=LONGEST_ID,
        examples=["cms-4711"],
    )
    labels: list[str] = Field(default_factory=list, description="All of its labels.", max_length=MOST)
    late_limit_seconds: Number | None = Field(
        None,
        description="How late it may be published, in seconds; null lifts that.",
        gt=0,
        le=LONGEST_SPAN,
    )
    delete_after_seconds: Number | None = Field(
        None, description="When it is taken away again, in seconds; null: never.", gt=0, le=LONGEST_SPAN
    )
    allow_duplicate: Flag = Field(False, description="Whether it may say what another post says.")
    bare: Flag = Field(False, description="Whether its accounts add nothing to it.")
    unchecked: Flag = Field(False, description="Whether the networks decide about their limits.")
    split: Split = Field(
        Split.NO, description="What becomes of a text that is too long for an account; left out: as before."
    )

    @property
    def others(self) -> set[str]:
        """What is given besides `draft`."""
        return self.model_fields_set - {"draft"}


def changes_of(ctx: Context, asked: PostChanged, post: Post) -> Changes:
    """Return what is to change, as the services want it, with what could not be understood."""
    given, noting = asked.model_fields_set, Noting()
    said = said_of(ctx, asked, noting)
    when, place = time_of(ctx, asked, noting, draft=False)
    if "at" in given and asked.at is None:
        message = "a time is not taken away by null; draft: true makes it a draft again."
        noting.problems.append(Problem(where="--at", message=message))
    if asked.draft and asked.moves:
        message = f"draft and {[*asked.ways, 'times'][0]} exclude each other."
        noting.problems.append(Problem(where="--at", message=message))
    return replace(
        said,
        comment=(comment_of(asked.comment) or Comment(text="")) if "comment" in given else None,
        to=tuple(asked.to) if "to" in given else None,
        when=when,
        place=place,
        times=times_of(ctx, asked, noting),
        terms=_terms(ctx, asked, post, noting),
        split=asked.split if "split" in given else None,
        problems=tuple(noting.problems),
    )


def said_of(ctx: Context, asked: SaidChanged, noting: Noting) -> Changes:
    """Return what is to change of what a post says."""
    given = asked.model_fields_set
    return Changes(
        text=asked.text if "text" in given else None,
        segments=tuple(asked.segments) if "segments" in given else None,
        title=asked.title or "" if "title" in given else None,
        link=asked.link or "" if "link" in given else None,
        media=noting(lambda: media_of(ctx, asked.media)) if "media" in given else None,
        overrides=overrides_of(asked.overrides) if "overrides" in given else None,
        problems=tuple(noting.problems),
    )


def _terms(ctx: Context, asked: PostChanged, post: Post, noting: Noting) -> Terms:
    given, terms = asked.model_fields_set, terms_of(post)
    if "external_id" in given:
        terms = replace(terms, external_id=asked.external_id)
    if "labels" in given:
        terms = replace(terms, labels=tuple(dict.fromkeys(asked.labels)))
    if "late_limit_seconds" in given:
        terms = replace(terms, late_limit=span_of(asked.late_limit_seconds))
    if "delete_after_seconds" in given:
        terms = replace(terms, delete_after=span_of(asked.delete_after_seconds))
    if "not_after" in given:
        terms = replace(terms, not_after=noting(lambda: end_of(ctx, asked)))
    if "allow_duplicate" in given:
        terms = replace(terms, allow_duplicate=asked.allow_duplicate)
    if "bare" in given:
        terms = replace(terms, bare=asked.bare)
    if "unchecked" in given:
        terms = replace(terms, unchecked=asked.unchecked)
    return terms
