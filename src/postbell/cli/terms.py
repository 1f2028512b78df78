"""When, and under which rules, a manuscript is to be published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from postbell.cli.own_times import apart
from postbell.cli.times import instant, placing_of
from postbell.errors import Invalid, Noting, Problem


if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from postbell.cli.desk import Clocks
    from postbell.cli.sources import Given
    from postbell.domain.content import Comment, Override
    from postbell.domain.manuscript import Manuscript
    from postbell.domain.when import When
    from postbell.services.plan.placing import Placing
    from postbell.services.posts.wanted import Terms


@dataclass(frozen=True, kw_only=True)
class Understood:
    """What a manuscript means, here and now."""

    when: When | None
    place: Placing | None
    #: When single accounts publish it, or all of a network, by their names.
    times: Mapping[str, When]
    #: What single networks and accounts say, without their times.
    overrides: Mapping[str, Override]
    terms: Terms
    #: The first comment; None where nothing is said about it.
    comment: Comment | None
    #: What could not be understood.
    problems: tuple[Problem, ...]

    @property
    def notes(self) -> list[str]:
        """What is worth knowing about the times: the clocks change around one."""
        from postbell.domain.when import clock_notes

        return clock_notes(self.when, self.times)


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

    noting = Noting()
    zone = noting(lambda: _zone_of(ctx, manuscript)) or ctx.zone
    overrides, own = apart(manuscript.overrides)
    dated = manuscript.at or own or manuscript.not_after or (given and given.auto)
    if given and given.tz and not dated:
        message = "it is the zone of a time; give the time too, with --at."
        noting.problems.append(Problem(where="--tz", message=message))
    when = noting(lambda: _time_of(ctx, manuscript.at, manuscript.tz, zone))
    times = {
        name: noting(partial(_own_time, ctx, text, manuscript.tz, zone, name)) for name, text in own.items()
    }
    place = noting(lambda: placing_of(ctx, given, zone, queue=manuscript.queue))
    terms = _terms(ctx, manuscript, zone, stored or Terms(), noting)
    comment = noting(lambda: _comment(manuscript, said))
    return Understood(
        when=when,
        place=place,
        times={name: meant for name, meant in times.items() if meant},
        overrides=overrides,
        terms=terms,
        comment=comment,
        problems=tuple(noting.problems),
    )


def _terms(ctx: Clocks, manuscript: Manuscript, zone: ZoneInfo, base: Terms, noting: Noting) -> Terms:
    """Return the terms that a manuscript sets; those of which it is silent are as in `base`."""
    from postbell.services.posts.wanted import Terms

    late_limit = noting(lambda: _span(manuscript.late_limit, "--late-limit", base.late_limit))
    delete_after = noting(lambda: _span(manuscript.delete_after, "--delete-after", base.delete_after))
    not_after = noting(lambda: _end(ctx, manuscript.not_after, zone, base.not_after))
    return Terms(
        external_id=base.external_id if manuscript.external_id is None else manuscript.external_id or None,
        labels=base.labels if manuscript.labels is None else tuple(dict.fromkeys(manuscript.labels)),
        late_limit=late_limit,
        not_after=not_after,
        delete_after=delete_after,
        allow_duplicate=manuscript.allow_duplicate or base.allow_duplicate,
        bare=base.bare if manuscript.bare is None else manuscript.bare,
        unchecked=base.unchecked if manuscript.unchecked is None else manuscript.unchecked,
    )


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


def _time_of(
    ctx: Clocks, text: str | None, tz: str | None, zone: ZoneInfo, where: str = "--at"
) -> When | None:
    from postbell.domain.when import parse_when

    if not text:
        return None
    when = parse_when(text, now=ctx.now(), zone=zone)
    if tz and when.zone != zone.key:
        message = f'"{text}" is in the zone {when.zone}, but tz says {zone.key}; give one of them.'
        raise Invalid([Problem(where=where, message=message)])
    return when


def _own_time(ctx: Clocks, text: object, tz: str | None, zone: ZoneInfo, name: str) -> When | None:
    """Return the time of a single account; raises Invalid about it."""
    where = f"--at {name}"
    if not isinstance(text, str) or not text.strip():
        message = 'it must be a time in quotes: at = "tomorrow 18:00".'
        raise Invalid([Problem(where=where, message=message)])
    try:
        return _time_of(ctx, text, tz, zone, where)
    except Invalid as error:
        raise Invalid(Problem(where=where, message=each.message) for each in error.problems) from None


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
