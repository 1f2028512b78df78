"""What requests say about posts: their shapes, and what they mean to the services."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from postbell.api.moments import read_when
from postbell.domain.content import Override, Split
from postbell.domain.when import When
from postbell.errors import Invalid, Problem
from postbell.services.context import Context
from postbell.services.placing import Auto, Placing, Queue, QueueMode
from postbell.services.wanted import Terms, Wanted


T = TypeVar("T")

#: No text of a post is longer: more than any network takes.
_LONGEST = 200_000
#: A hundred years.
_LONGEST_SPAN = 100 * 366 * 86_400


class Asked(BaseModel):
    """A part of a request; other members than its own are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False)


class OverrideAsked(Asked):
    """What one network or account says instead of the post; what is left out stays as the post has it."""

    text: str | None = Field(None, description="The text.", max_length=_LONGEST)
    segments: list[str] = Field(
        default_factory=list, description="Further parts of a thread that this text begins.", max_length=100
    )
    title: str | None = Field(None, description="The title.", max_length=1000)
    link: str | None = Field(None, description="A web address (http or https).", max_length=2000)
    options: dict[str, Any] = Field(
        default_factory=dict, description="Options of the network by name; unknown ones are refused."
    )
    split: Split = Field(
        Split.NO, description="Not no: `split` of the post has made it, and makes it anew with the text."
    )


class AutoAsked(Asked):
    """A range in which each account publishes at its best moment."""

    between: str = Field(description="Where it begins: RFC 3339.", examples=["2026-11-27T08:00:00+01:00"])
    until: str = Field(description="Where it ends, included.", examples=["2026-11-28T20:00:00+01:00"])
    seed: int | None = Field(None, description="Decides among equals; the same always decides alike.")


class PostAsked(Asked):
    """A new post. Without a time it is a draft: nothing is ever published by omission."""

    text: str = Field("", description="The text.", max_length=_LONGEST, examples=["Hello, world"])
    segments: list[str] = Field(
        default_factory=list, description="Further parts, published as a thread.", max_length=100
    )
    title: str | None = Field(None, description="A title, for networks that have one.", max_length=1000)
    link: str | None = Field(None, description="A web address that it is about.", max_length=2000)
    to: list[str] = Field(
        default_factory=list, description="The names of the accounts.", max_length=100, examples=[["sky"]]
    )
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
    publish_now: bool = Field(False, description="Publish it at once; needs the scope publish.")
    queue: QueueMode | None = Field(
        None, description="A posting time of each account: the next free one, the very next, or the last."
    )
    auto: AutoAsked | None = Field(None, description="The best moment of a range for each account.")
    draft: bool = Field(
        False, description="Keep it a draft although it has a time, which is then a reminder."
    )
    labels: list[str] = Field(default_factory=list, description="What it is filed under.", max_length=100)
    late_limit_seconds: float | None = Field(
        None, description="How late it may be published, in seconds.", gt=0, le=_LONGEST_SPAN
    )
    not_after: str | None = Field(None, description="It is not published after this: as `at`.")
    delete_after_seconds: float | None = Field(
        None, description="So many seconds after its publication it is taken away.", gt=0, le=_LONGEST_SPAN
    )
    allow_duplicate: bool = Field(False, description="Let it say what another post of an account says.")
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
        return bool(self.publish_now or self.queue or self.auto or (self.at and not self.draft))


class PostsAsked(Asked):
    """Posts that are stored together: all of them or none."""

    posts: list[PostAsked] = Field(description="The posts.", min_length=1, max_length=100)


def wanted_of(ctx: Context, asked: PostAsked) -> Wanted:
    """Return a new post as the services want it; what cannot be understood is told among its problems."""
    problems: list[Problem] = []

    def noting(read: Callable[[], T]) -> T | None:
        try:
            return read()
        except Invalid as error:
            problems.extend(error.problems)
            return None

    return Wanted(
        text=asked.text,
        segments=tuple(asked.segments),
        title=asked.title or None,
        link=asked.link or None,
        to=tuple(asked.to),
        when=noting(lambda: _when(ctx, asked)),
        place=noting(lambda: _place(ctx, asked)),
        draft=asked.draft,
        terms=Terms(
            labels=tuple(dict.fromkeys(asked.labels)),
            late_limit=_span(asked.late_limit_seconds),
            not_after=noting(lambda: _end(ctx, asked)),
            delete_after=_span(asked.delete_after_seconds),
            allow_duplicate=asked.allow_duplicate,
        ),
        overrides=overrides_of(asked.overrides),
        split=asked.split,
        problems=tuple(problems + _contradictions(asked)),
    )


def overrides_of(asked: dict[str, OverrideAsked]) -> dict[str, Override]:
    """Return what single networks and accounts say, as the services want it."""
    return {
        key: Override(**said.model_dump() | {"segments": tuple(said.segments)}) for key, said in asked.items()
    }


def _contradictions(asked: PostAsked) -> list[Problem]:
    ways = {"at": asked.at, "publish_now": asked.publish_now, "queue": asked.queue, "auto": asked.auto}
    given = [name for name, value in ways.items() if value]
    found = [f"{given[0]} and {other} exclude each other." for other in given[1:]]
    if asked.draft and given and given != ["at"]:
        found.append(f"draft and {given[0]} exclude each other.")
    return [Problem(where="--at", message=message) for message in found]


def _when(ctx: Context, asked: PostAsked) -> When | None:
    if asked.publish_now:
        from postbell.domain.zones import wall_at, zone_named

        now = ctx.now().replace(microsecond=0)
        zone = zone_named(asked.zone, where="--tz") if asked.zone else ctx.zone
        return When(at=now, local=wall_at(now, zone), zone=zone.key)
    return read_when(ctx, asked.at, asked.zone) if asked.at else None


def _place(ctx: Context, asked: PostAsked) -> Placing | None:
    if asked.queue:
        return Queue(mode=asked.queue)
    if not asked.auto:
        return None
    start = read_when(ctx, asked.auto.between, asked.zone, where="--between", past=True).at
    end = read_when(ctx, asked.auto.until, asked.zone, where="--and").at
    return Auto(start=start, end=end, seed=asked.auto.seed)


def _end(ctx: Context, asked: PostAsked) -> datetime | None:
    return read_when(ctx, asked.not_after, asked.zone, where="--not-after").at if asked.not_after else None


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
