"""What requests say about series: their shapes, and what they mean to the services."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from pydantic import Field

from postbell.api.asked import (
    LONGEST,
    LONGEST_SPAN,
    MOST,
    Asked,
    CommentAsked,
    MediaAsked,
    Number,
    OverrideAsked,
    Whole,
    comment_of,
    media_of,
    overrides_of,
    span_of,
)
from postbell.domain.content import Comment
from postbell.domain.recurrence import Recurrence
from postbell.domain.recycling import Recycling
from postbell.domain.repeat_words import recurrence_from, recycling_from
from postbell.domain.series import Series
from postbell.domain.zones import wall_at, zone_named
from postbell.errors import Invalid, Noting, Problem
from postbell.services.context import Context
from postbell.services.series.series import SeriesChanges, WantedSeries


Rule = Recurrence | Recycling

_ZONE = Field(None, description="The IANA name of the zone whose clocks count.", examples=["Europe/Berlin"])
_FIRST = Field(
    None,
    description="The first day; or the first day with the time of day.",
    examples=["2027-01-01", "2027-01-01 09:00"],
)
_LAST = Field(None, description="The last day on which it may come.", examples=["2027-12-31"])
_COUNT = Field(None, description="How often it comes in all.", ge=1, le=100_000)
_TIMES: Any = Field(default_factory=list, description="At which times of day.", examples=[["09:00", "17:30"]])
#: What services call by the option of the command line.
_OPTIONS = {
    "repeat": {"--end": "repeat end_date", "repeat": "repeat"},
    "recycle": {"--end": "recycle expire_date", "--library": "recycle library", "repeat": "recycle"},
}


class RepeatAsked(Asked):
    """A rule of the calendar: `repeat` and what goes with it, or `cron`, or `rrule`."""

    repeat: str | None = Field(
        None, description="How often it comes: daily, weekly, monthly or yearly.", examples=["weekly"]
    )
    interval: Whole | None = Field(None, description="Every n-th day, week, month or year.", ge=1, le=1000)
    days_of_week: list[Whole | str] = Field(
        default_factory=list,
        description='0 (Monday) to 6 (Sunday), names or ranges; of a month also "2nd tue" or "last fri".',
        max_length=MOST,
        examples=[["mon", "thu"]],
    )
    days: list[Whole | str] = Field(
        default_factory=list, description="Days of the month: 1 to 31, last.", max_length=MOST
    )
    months: list[Whole | str] = Field(
        default_factory=list, description="Months of the year: 1 to 12, jan to dec.", max_length=MOST
    )
    times: list[str] = _TIMES
    short_month: str | None = Field(
        None, description="What becomes of day 31 in shorter months: last (their last day) or skip."
    )
    cron: str | None = Field(
        None, description="A cron line instead; weekdays as in cron.", examples=["0 9 * * 1"]
    )
    rrule: str | None = Field(
        None, description="An RRULE (RFC 5545) instead.", examples=["FREQ=WEEKLY;BYDAY=MO"], max_length=1000
    )
    timezone: str | None = _ZONE
    start_date: str | None = _FIRST
    end_date: str | None = _LAST
    occurrences: Whole | None = _COUNT


class RecycleAsked(Asked):
    """A rule that uses a piece again after a gap, or whenever a posting time of its accounts stays empty."""

    gap: str | None = Field(
        None, description="How long it rests before it is used again.", examples=["2 weeks"]
    )
    start_date: str | None = _FIRST
    time: str | None = Field(None, description="The time of day of its uses.", examples=["09:00"])
    expire_count: Whole | None = _COUNT
    expire_date: str | None = _LAST
    library: str | None = Field(
        None, description="It fills empty posting times, with the others of this name.", max_length=MOST
    )
    timezone: str | None = _ZONE


class SaidAsked(Asked):
    """What a series says, and for whom."""

    text: str = Field(
        "",
        description="The text; of choices in it, {one|two}, none comes again until all were used.",
        max_length=LONGEST,
        examples=["Good {day|night}"],
    )
    segments: list[str] = Field(
        default_factory=list, description="Further parts of a thread.", max_length=MOST
    )
    comment: CommentAsked | None = Field(None, description="What is published below each of its posts first.")
    variants: list[str] = Field(
        default_factory=list, description="Other texts, taken in turn with the first.", max_length=MOST
    )
    title: str | None = Field(None, description="A title, for networks that have one.", max_length=1000)
    link: str | None = Field(None, description="A web address that it is about.", max_length=2000)
    media: list[MediaAsked] = Field(default_factory=list, description="Its files, in order.", max_length=MOST)
    to: list[str] = Field(
        default_factory=list, description="The names of the accounts.", max_length=MOST, examples=[["sky"]]
    )
    labels: list[str] = Field(
        default_factory=list, description="What its posts are filed under.", max_length=MOST
    )
    late_limit_seconds: Number | None = Field(
        None, description="How late its posts may be published, in seconds.", gt=0, le=LONGEST_SPAN
    )
    delete_after_seconds: Number | None = Field(
        None,
        description="So many seconds after its publication a post is taken away.",
        gt=0,
        le=LONGEST_SPAN,
    )
    repeat: RepeatAsked | None = Field(
        None,
        description="A rule of the calendar.",
        examples=[{"repeat": "weekly", "days_of_week": ["mon", "thu"], "times": ["09:00"]}],
    )
    recycle: RecycleAsked | None = Field(None, description="A rule that uses it again after a gap.")


class SeriesAsked(SaidAsked):
    """A new series; either `repeat` or `recycle` says when it comes again."""

    overrides: dict[str, OverrideAsked] = Field(
        default_factory=dict, description="What single networks or accounts say, by their names."
    )

    @property
    def kind(self) -> str:
        """Which of the two rules is meant."""
        return "recycle" if self.recycle else "repeat"


class SeriesChanged(SaidAsked):
    """What to change of a series: what is left out stays, null takes away. A rule is a whole one."""

    overrides: dict[str, OverrideAsked | None] = Field(
        default_factory=dict, description="What these networks or accounts say; null takes that away."
    )


@contextmanager
def pointing(kind: str) -> Iterator[None]:
    """Let what is wrong with a rule be told by its place in the body; `kind` is repeat or recycle."""
    try:
        yield
    except Invalid as error:
        raise Invalid(_placed(error.problems, _OPTIONS[kind])) from None


def wanted_of(ctx: Context, asked: SeriesAsked) -> WantedSeries:
    """Return a new series as the services want it; what cannot be understood is told among its problems."""
    noting = Noting()
    rule = noting(lambda: _rule(ctx, asked))
    if asked.repeat and asked.recycle:
        noting.problems.append(Problem(where="recycle", message="repeat and recycle exclude each other."))
    return WantedSeries(
        rule=rule,
        text=asked.text,
        segments=tuple(asked.segments),
        comment=comment_of(asked.comment),
        variants=tuple(asked.variants),
        title=asked.title or None,
        link=asked.link or None,
        media=noting(lambda: media_of(ctx, asked.media)) or (),
        to=tuple(asked.to),
        overrides=overrides_of(asked.overrides),
        labels=tuple(dict.fromkeys(asked.labels)),
        late_limit=span_of(asked.late_limit_seconds),
        delete_after=span_of(asked.delete_after_seconds),
        problems=tuple(noting.problems),
    )


def changes_of(ctx: Context, asked: SeriesChanged, series: Series) -> SeriesChanges:
    """Return what is to change, as the services want it, with what could not be understood."""
    given, noting = asked.model_fields_set, Noting()
    values: dict[str, Any] = {}
    for name in ("segments", "variants", "to"):
        if name in given:
            values[name] = tuple(getattr(asked, name))
    for name in ("title", "link"):
        if name in given:
            values[name] = getattr(asked, name) or ""
    for name in ("late_limit", "delete_after"):
        if f"{name}_seconds" in given:
            values[name] = span_of(getattr(asked, f"{name}_seconds") or 0)
    if "comment" in given:
        values["comment"] = comment_of(asked.comment) or Comment(text="")
    if "labels" in given:
        values["labels"] = tuple(dict.fromkeys(asked.labels))
    noting.problems += (wrong := _wrong_kind(asked, series))
    return SeriesChanges(
        rule=None if wrong else noting(lambda: _rule(ctx, asked, series)),
        text=asked.text if "text" in given else None,
        media=noting(lambda: media_of(ctx, asked.media)) if "media" in given else None,
        overrides=overrides_of(asked.overrides) if "overrides" in given else None,
        problems=tuple(noting.problems),
        **values,
    )


def kind_of(series: Series) -> str:
    """Return which of the two rules a series has."""
    return "recycle" if isinstance(series.rule, Recycling) else "repeat"


def _wrong_kind(asked: SaidAsked, series: Series) -> list[Problem]:
    other = "repeat" if kind_of(series) == "recycle" else "recycle"
    message = f"its rule is of the other kind, {kind_of(series)}; for this one write a new series."
    return [Problem(where=other, message=message)] if getattr(asked, other) else []


def _rule(ctx: Context, asked: SaidAsked, stored: Series | None = None) -> Rule | None:
    """Return the rule that is asked for; the zone of a `stored` one stays unless another is named."""
    zone = zone_named(stored.rule.zone) if stored else ctx.zone
    now = wall_at(ctx.now(), zone)
    said = asked.recycle or asked.repeat
    if said is None:
        return None
    words = said.model_dump(exclude_unset=True)
    try:
        if asked.recycle:
            return recycling_from(words, zone=zone, now_local=now)
        return recurrence_from(words, zone=zone, today=now.date())
    except Invalid as error:
        kind = "recycle" if asked.recycle else "repeat"
        found = (Problem(where=f"{kind} {each.where}", message=each.message) for each in error.problems)
        raise Invalid(found) from None


def _placed(problems: Iterable[Problem], places: dict[str, str]) -> Iterator[Problem]:
    for each in problems:
        yield replace(each, where=places.get(each.where, each.where))
