"""What requests say about posts: their shapes, and what they mean to the services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict

from postbell.api.moments import read_when
from postbell.domain.content import Comment, Override, Split
from postbell.domain.media import Media
from postbell.domain.plain import LONGEST_ID
from postbell.domain.when import NOW, When
from postbell.domain.zones import wall_at, zone_named
from postbell.errors import Invalid, Noting, Problem
from postbell.services.context import Context
from postbell.services.plan.placing import Auto, Placing, Queue, QueueMode
from postbell.services.posts.wanted import Terms, Wanted
from postbell.store.media import find_media


#: No text of a post is longer: more than any network takes.
LONGEST = 200_000
#: No list in a request is longer.
MOST = 100
#: A hundred years.
LONGEST_SPAN = 100 * 366 * 86_400


class Asked(BaseModel):
    """A part of a request; other members than its own are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False)


#: In JSON a number is no truth value, and a text is no number.
Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict()]


class CommentAsked(Asked):
    """What is published below a post first, with those files of the post whose `part` is 0."""

    text: str = Field(description="The text.", min_length=1, max_length=LONGEST)
    after_seconds: Number = Field(0, description="How long after the post.", ge=0, le=LONGEST_SPAN)


class AddedAsked(Asked):
    """What an account adds to a post of its own accord."""

    signature: str = Field("", description="The last paragraph.", max_length=LONGEST)
    utm: dict[str, str] = Field(default_factory=dict, description="Parameters of links.")
    sites: list[str] = Field(default_factory=list, description="Only links to these hosts get them.")


class OverrideAsked(Asked):
    """What one network or account says instead of the post; what is left out stays as the post has it."""

    text: str | None = Field(None, description="The text.", max_length=LONGEST)
    segments: list[str] = Field(
        default_factory=list, description="Further parts of a thread that this text begins.", max_length=100
    )
    comment: str | None = Field(
        None, description="The first comment; an empty one for none.", max_length=LONGEST
    )
    title: str | None = Field(None, description="The title.", max_length=1000)
    link: str | None = Field(None, description="A web address (http or https).", max_length=2000)
    options: dict[str, Any] = Field(
        default_factory=dict,
        description="Options of the network by name; unknown ones are refused, unless it is `unchecked`.",
    )
    split: Split = Field(
        Split.NO, description="Not no: `split` of the post has made it, and makes it anew with the text."
    )
    added: AddedAsked | None = Field(
        None, description="What the account adds, as it was read; it is made anew whatever this says."
    )


class AutoAsked(Asked):
    """A range in which each account publishes at its best moment."""

    between: str = Field(description="Where it begins: RFC 3339.", examples=["2026-11-27T08:00:00+01:00"])
    until: str = Field(description="Where it ends, included.", examples=["2026-11-28T20:00:00+01:00"])
    seed: Whole | None = Field(None, description="Decides among equals; the same always decides alike.")


class MediaAsked(Asked):
    """A stored file as a post uses it."""

    sha256: str = Field(
        description="Names the stored file.", pattern="^[0-9a-f]{64}$", examples=["9f86d081" * 8]
    )
    alt: str | None = Field(
        None,
        description="What it shows, for people who cannot see it; null: what was said when it was uploaded.",
        max_length=10_000,
    )
    name: str | None = Field(None, description="What it is called.", min_length=1, max_length=255)
    part: Whole = Field(
        1, description="Which part of a thread shows it, from 1; 0: the first comment.", ge=0, le=101
    )


class TimeAsked(Asked):
    """When something is published; at most one of `at`, `publish_now`, `queue` and `auto`.

    `times` go with each of these, and win.
    """

    at: str | None = Field(
        None,
        description="When it is published: RFC 3339 with an offset, or without one on the clocks of `zone`.",
        examples=["2027-11-27T18:00:00+01:00"],
    )
    zone: str | None = Field(
        None,
        description="The IANA name of the zone whose clocks are meant and shown.",
        examples=["Europe/Berlin"],
    )
    publish_now: Flag = Field(False, description="Publish it at once; needs the scope publish.")
    queue: QueueMode | None = Field(
        None, description="A posting time of each account: the next free one, the very next, or the last."
    )
    auto: AutoAsked | None = Field(None, description="The best moment of a range for each account.")
    times: dict[str, str] = Field(
        default_factory=dict,
        description="When single accounts publish it, or all of a network, by their names: as `at`, or now. "
        "The others take the time of the post. A zone of its own stands in brackets, as RFC 9557 has it.",
        max_length=MOST,
        examples=[{"sky": "2027-11-27T09:00:00+01:00", "blog": "2027-11-27T18:00:00+09:00[Asia/Tokyo]"}],
    )
    not_after: str | None = Field(None, description="It is not published after this: as `at`.")

    @property
    def moves(self) -> bool:
        """Whether any account is given a time."""
        return bool(self.ways or self.times)

    @property
    def ways(self) -> list[str]:
        """What says when, by name."""
        return [name for name in ("at", "publish_now", "queue", "auto") if getattr(self, name)]


class PostAsked(TimeAsked):
    """A new post. Without a time it is a draft: nothing is ever published by omission."""

    text: str = Field("", description="The text.", max_length=LONGEST, examples=["Hello, world"])
    segments: list[str] = Field(
        default_factory=list, description="Further parts, published as a thread.", max_length=MOST
    )
    comment: CommentAsked | None = Field(None, description="What is published below it first.")
    title: str | None = Field(None, description="A title, for networks that have one.", max_length=1000)
    link: str | None = Field(None, description="A web address that it is about.", max_length=2000)
    media: list[MediaAsked] = Field(default_factory=list, description="Its files, in order.", max_length=MOST)
    to: list[str] = Field(
        default_factory=list,
        description="The names of the accounts.",
        max_length=MOST,
        examples=[["sky", "blog"]],
    )
    draft: Flag = Field(False, description="Keep it a draft although it has a time: that is a reminder.")
    external_id: str | None = Field(
        None,
        description="What you call it; others may be called the same, and lists are narrowed by it.",
        min_length=1,
        max_length=LONGEST_ID,
        examples=["cms-4711"],
    )
    labels: list[str] = Field(default_factory=list, description="What it is filed under.", max_length=MOST)
    late_limit_seconds: Number | None = Field(
        None, description="How late it may be published, in seconds.", gt=0, le=LONGEST_SPAN
    )
    delete_after_seconds: Number | None = Field(
        None, description="So many seconds after its publication it is taken away.", gt=0, le=LONGEST_SPAN
    )
    allow_duplicate: Flag = Field(False, description="Let it say what another post of an account says.")
    bare: Flag = Field(False, description="Without what its accounts add: signatures, parameters of links.")
    unchecked: Flag = Field(
        False,
        description="Let the networks decide: what is beyond their limits, as Postbell knows them, and "
        "options that it does not know are no problems, but warnings.",
    )
    overrides: dict[str, OverrideAsked] = Field(
        default_factory=dict, description="What single networks or accounts say, by their names."
    )
    split: Split = Field(
        Split.NO,
        description="What becomes of a text that is too long for an account: no, it is refused; plain, a "
        "thread; numbered, a thread with 1/3 behind each part.",
    )

    @property
    def is_timed(self) -> bool:
        """Whether it is to be published."""
        return self.moves and not self.draft


class PostsAsked(Asked):
    """Posts that are stored together: all of them or none."""

    posts: list[PostAsked] = Field(description="The posts.", min_length=1, max_length=100)


def wanted_of(ctx: Context, asked: PostAsked) -> Wanted:
    """Return a new post as the services want it; what cannot be understood is told among its problems."""
    noting = Noting()
    when, place = time_of(ctx, asked, noting, draft=asked.draft)
    return Wanted(
        text=asked.text,
        segments=tuple(asked.segments),
        comment=comment_of(asked.comment),
        title=asked.title or None,
        link=asked.link or None,
        media=noting(lambda: media_of(ctx, asked.media)) or (),
        to=tuple(asked.to),
        when=when,
        place=place,
        times=times_of(ctx, asked, noting),
        draft=asked.draft,
        terms=Terms(
            external_id=asked.external_id,
            labels=tuple(dict.fromkeys(asked.labels)),
            late_limit=span_of(asked.late_limit_seconds),
            not_after=noting(lambda: end_of(ctx, asked)),
            delete_after=span_of(asked.delete_after_seconds),
            allow_duplicate=asked.allow_duplicate,
            bare=asked.bare,
            unchecked=asked.unchecked,
        ),
        overrides=overrides_of(asked.overrides),
        split=asked.split,
        problems=tuple(noting.problems),
    )


def time_of(
    ctx: Context, asked: TimeAsked, noting: Noting, *, draft: bool
) -> tuple[When | None, Placing | None]:
    """Return when something is published, or how that is found; with more than one way that is a problem."""
    ways = asked.ways
    noting.problems += [
        Problem(where="--at", message=f"{ways[0]} and {other} exclude each other.") for other in ways[1:]
    ]
    if draft and ways and ways != ["at"]:
        noting.problems.append(Problem(where="--at", message=f"draft and {ways[0]} exclude each other."))
    return noting(lambda: _when(ctx, asked)), noting(lambda: _place(ctx, asked))


def times_of(ctx: Context, asked: TimeAsked, noting: Noting) -> dict[str, When]:
    """Return when single accounts publish something, by their names or those of their networks."""
    found = {
        name: noting(partial(_own_time, ctx, text, asked.zone, name)) for name, text in asked.times.items()
    }
    return {name: when for name, when in found.items() if when}


def comment_of(asked: CommentAsked | None) -> Comment | None:
    """Return a first comment as the services want it."""
    return Comment(text=asked.text, after=timedelta(seconds=asked.after_seconds)) if asked else None


def overrides_of(asked: Mapping[str, OverrideAsked | None]) -> dict[str, Override]:
    """Return what single networks and accounts say, as the services want it; null says nothing."""
    return {
        key: Override(**said.model_dump() | {"segments": tuple(said.segments), "added": None})
        if said
        else Override()
        for key, said in asked.items()
    }


def media_of(ctx: Context, asked: Sequence[MediaAsked]) -> tuple[Media, ...]:
    """Return stored files as a post uses them; raises Invalid for every one that there is not."""
    with ctx.store.read() as tx:
        found = find_media(tx, [each.sha256 for each in asked], ctx.media.path_of)
    if problems := [
        Problem(
            where=f"media {index + 1}",
            message="there is no such file; upload it, or upload it again.",
            file=index,
        )
        for index, each in enumerate(asked)
        if each.sha256 not in found
    ]:
        raise Invalid(problems)
    stored = [found[each.sha256] for each in asked]
    return tuple(
        replace(
            item, alt=item.alt if each.alt is None else each.alt, name=each.name or item.name, part=each.part
        )
        for item, each in zip(stored, asked, strict=True)
    )


def end_of(ctx: Context, asked: TimeAsked) -> datetime | None:
    """Return until when something may be published; raises Invalid."""
    return read_when(ctx, asked.not_after, asked.zone, where="--not-after").at if asked.not_after else None


def span_of(seconds: float | None) -> timedelta | None:
    """Return a span that is given in seconds."""
    return None if seconds is None else timedelta(seconds=seconds)


def _when(ctx: Context, asked: TimeAsked) -> When | None:
    if asked.publish_now:
        return _now(ctx, asked.zone)
    return read_when(ctx, asked.at, asked.zone) if asked.at else None


def _own_time(ctx: Context, text: str, zone: str | None, name: str) -> When:
    return _now(ctx, zone) if text == NOW else read_when(ctx, text, zone, where=f"--at {name}")


def _now(ctx: Context, name: str | None) -> When:
    now = ctx.now().replace(microsecond=0)
    zone = zone_named(name, where="--tz") if name else ctx.zone
    return When(at=now, local=wall_at(now, zone), zone=zone.key)


def _place(ctx: Context, asked: TimeAsked) -> Placing | None:
    if asked.queue:
        return Queue(mode=asked.queue)
    if not asked.auto:
        return None
    start = read_when(ctx, asked.auto.between, asked.zone, where="--between", past=True).at
    end = read_when(ctx, asked.auto.until, asked.zone, where="--and").at
    return Auto(start=start, end=end, seed=asked.auto.seed)
