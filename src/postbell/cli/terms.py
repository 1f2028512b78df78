"""When, and under which rules, a manuscript is to be published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from postbell.cli.times import instant, placing_of
from postbell.errors import Invalid, Problem


if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from postbell.cli.desk import Clocks
    from postbell.cli.sources import Given
    from postbell.domain.content import Comment
    from postbell.domain.manuscript import Manuscript
    from postbell.domain.when import When
    from postbell.services.plan.placing import Placing
    from postbell.services.posts.wanted import Terms

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Understood:
    """What a manuscript means, here and now."""

    when: When | None
    place: Placing | None
    terms: Terms
    #: The first comment; None where nothing is said about it.
    comment: Comment | None
    #: What could not be understood.
    problems: tuple[Problem, ...]


def understand(
    ctx: Clocks,
    manuscript: Manuscript,
    *,
    given: Given | None = None,
    stored: Terms | None = None,
    said: Comment | None = None,
) -> Understood:
    """Return what a manuscript means; `stored` are the terms, `said` the comment, of which it is silent.

    `given` are the options that were laid over it.
    """
    from postbell.services.posts.wanted import Terms

    base = stored or Terms()
    problems: list[Problem] = []

    def noting(read: Callable[[], T]) -> T | None:
        try:
            return read()
        except Invalid as error:
            problems.extend(error.problems)
            return None

    zone = noting(lambda: _zone_of(ctx, manuscript)) or ctx.zone
    dated = manuscript.at or manuscript.not_after or (given and given.auto)
    if given and given.tz and not dated:
        message = "it is the zone of a time; give the time too, with --at."
        problems.append(Problem(where="--tz", message=message))
    when = noting(lambda: _time_of(ctx, manuscript, zone))
    place = noting(lambda: placing_of(ctx, given, zone, queue=manuscript.queue))
    late_limit = noting(lambda: _span(manuscript.late_limit, "--late-limit", base.late_limit))
    delete_after = noting(lambda: _span(manuscript.delete_after, "--delete-after", base.delete_after))
    not_after = noting(lambda: _end(ctx, manuscript.not_after, zone, base.not_after))
    terms = Terms(
        labels=base.labels if manuscript.labels is None else tuple(dict.fromkeys(manuscript.labels)),
        late_limit=late_limit,
        not_after=not_after,
        delete_after=delete_after,
        allow_duplicate=manuscript.allow_duplicate or base.allow_duplicate,
        bare=base.bare if manuscript.bare is None else manuscript.bare,
    )
    comment = noting(lambda: _comment(manuscript, said))
    return Understood(when=when, place=place, terms=terms, comment=comment, problems=tuple(problems))


def _comment(manuscript: Manuscript, stored: Comment | None) -> Comment | None:
    """Return the first comment that is asked for; one with an empty text takes it away."""
    from postbell.domain.content import Comment
    from postbell.domain.spans import parse_span

    if manuscript.comment is None and manuscript.comment_after is None:
        return None
    text, after = manuscript.comment, manuscript.comment_after
    if text is None and stored is None:
        message = "it is the wait of a first comment; give that too, with --comment."
        raise Invalid([Problem(where="--comment-after", message=message)])
    return Comment(
        text=stored.text if text is None and stored else text or "",
        after=parse_span(after, where="--comment-after")
        if after
        else timedelta()
        if stored is None or after == ""
        else stored.after,
    )


def _zone_of(ctx: Clocks, manuscript: Manuscript) -> ZoneInfo:
    from postbell.domain.zones import zone_named

    return zone_named(manuscript.tz) if manuscript.tz else ctx.zone


def _time_of(ctx: Clocks, manuscript: Manuscript, zone: ZoneInfo) -> When | None:
    from postbell.domain.when import parse_when

    if not manuscript.at:
        return None
    when = parse_when(manuscript.at, now=ctx.now(), zone=zone)
    if manuscript.tz and when.zone != zone.key:
        message = f'"{manuscript.at}" is in the zone {when.zone}, but tz says {zone.key}; give one of them.'
        raise Invalid([Problem(where="--at", message=message)])
    return when


def _end(ctx: Clocks, text: str | None, zone: ZoneInfo, stored: datetime | None) -> datetime | None:
    """Return until when it may be published; an empty text takes that away."""
    if text is None:
        return stored
    return instant(ctx, text, "--not-after", zone) if text else None


def _span(text: str | None, option: str, stored: timedelta | None) -> timedelta | None:
    """Return the span that is asked for; an empty text takes it away."""
    from postbell.domain.spans import parse_span

    if text is None:
        return stored
    return parse_span(text, where=option) if text else None
