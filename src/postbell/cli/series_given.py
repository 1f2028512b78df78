"""What the options and a file say about a series: its content, which is that of a post, and its rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from postbell.cli.own_times import apart
from postbell.cli.series_rules import NAMES, foreign, read_rule, said
from postbell.cli.sources import Given, media_of, read_source
from postbell.cli.terms import understand
from postbell.domain.manuscript import Manuscript
from postbell.errors import Invalid, Problem


if TYPE_CHECKING:
    from postbell.cli.desk import Clocks
    from postbell.cli.series_rules import Rule
    from postbell.domain.content import Comment, Override
    from postbell.domain.series import Series
    from postbell.services.series.series import SeriesChanges, WantedSeries

#: Tables of the front matter that say when a series comes again.
TABLES = ("repeat", "recycle")
#: How others call these tables.
_ALIASES = {"recurring": "repeat", "recycling": "recycle"}

_OF_POST = {option.name: option for option in click.command()(Given.options(lambda: None)).params}
_SHARED = (
    *("to", "then", "title", "link", "media", "labels", "late_limit", "delete_after"),
    *("comment", "comment_after", "settings"),
)
_NOT_GIVEN = {
    name: () if option.multiple else False if option.is_flag else None
    for name, option in _OF_POST.items()
    if isinstance(option, click.Option)
}
_TIMES = {
    "at": "leave it out: a series says when in [repeat] or [recycle].",
    "queue": "leave it out: a series with a library fills the queue by itself.",
    "not_after": "leave it out: a series has a last day instead, --end.",
    "external_id": "leave it out: an id names one post, and a series makes many.",
    "allow_duplicate": "leave it out: the posts of a series may say the same.",
    "bare": "leave it out: `postbell account adds` says what is added.",
    "unchecked": "leave it out: what a network refuses would fail every time.",
    "split": "leave it out: write the parts of a thread with ## +, so that each has its choices.",
}


def content_options() -> list[click.Parameter]:
    """Return the options of a post that a series has too, and its variants."""
    variants = click.Option(
        ["--variant", "variants"],
        multiple=True,
        metavar="TEXT",
        help="Another text, taken in turn; several may be.",
    )
    return [*(_OF_POST[name] for name in _SHARED), variants]


@dataclass(frozen=True, kw_only=True)
class GivenSeries:
    """What was said about a series."""

    written: Manuscript
    #: None where nothing was said about it, or what was said is among the problems.
    rule: Rule | None
    labels: tuple[str, ...] | None
    comment: Comment | None
    late_limit: timedelta | None
    delete_after: timedelta | None
    #: None if none was given.
    variants: tuple[str, ...] | None
    problems: tuple[Problem, ...]

    def wanted(self) -> WantedSeries:
        """Return the new series that is asked for."""
        from postbell.services.series.series import WantedSeries

        return WantedSeries(
            rule=self.rule,
            text=self.written.text,
            segments=self.written.segments,
            comment=self.comment if self.comment and self.comment.text else None,
            variants=self.variants or (),
            title=self.written.title or None,
            link=self.written.link or None,
            media=media_of(self.written),
            to=self.written.to,
            overrides=self.written.overrides,
            labels=self.labels or (),
            late_limit=self.late_limit or None,
            delete_after=self.delete_after or None,
            problems=self.problems,
        )

    def changes(self, *, no_media: bool) -> SeriesChanges:
        """Return what is to be changed of a series."""
        from postbell.services.series.series import SeriesChanges

        return SeriesChanges(
            rule=self.rule,
            text=self.written.text or None,
            segments=_segments(self.written),
            comment=self.comment,
            variants=self.variants,
            title=self.written.title,
            link=self.written.link,
            media=() if no_media else media_of(self.written) or None,
            to=self.written.to or None,
            overrides=self.written.overrides,
            labels=self.labels,
            late_limit=self.late_limit,
            delete_after=self.delete_after,
            problems=self.problems,
        )


def read_series(
    ctx: Clocks, source: str | None, given: Mapping[str, Any], *, kind: str, stored: Series | None = None
) -> GivenSeries:
    """Return what a text or file and options over it say; `kind` is one of TABLES.

    What is wrong is noted, so that the user sees all of it at once; only what has no form raises Invalid.
    """
    file, tables = _apart(read_source(source))
    shared = {name: given[name] for name in _SHARED}
    post = Given(**{**_NOT_GIVEN, **shared})
    written = post.over(file, stored.overrides if stored else None)
    overrides, own = apart(written.overrides)
    written = replace(written, overrides=overrides)
    anew = replace(written, at=None, queue=None, tz=None, not_after=None)
    meant = understand(ctx, anew, said=stored.content.comment if stored else None)
    problems = [*_out_of_place(file, kind, tables), *map(_same_for_all, own), *meant.problems]
    options = said({name: given[name] for name in NAMES if name in given})
    if file.tz:
        options.setdefault("tz", file.tz)
    if strange := foreign(options, kind):
        problems += strange
        options = {}
    rule = None
    if options or kind in tables or not stored:
        try:
            rule = read_rule(
                ctx, options, tables.get(kind), kind=kind, stored=stored.rule if stored else None
            )
        except Invalid as error:
            problems += error.problems
    return GivenSeries(
        written=written,
        rule=rule,
        comment=meant.comment,
        labels=None if written.labels is None else meant.terms.labels,
        late_limit=_span(written.late_limit, meant.terms.late_limit),
        delete_after=_span(written.delete_after, meant.terms.delete_after),
        variants=_variants(given["variants"]),
        problems=tuple(problems),
    )


def _apart(file: Manuscript) -> tuple[Manuscript, dict[str, Mapping[str, Any]]]:
    """Return a manuscript without its rules, and the words of these."""
    named = {_ALIASES.get(name, name): said for name, said in file.overrides.items()}
    tables = {name: _words(named[name]) for name in TABLES if name in named}
    others = {name: said for name, said in named.items() if name not in TABLES}
    return replace(file, overrides=others), tables


def _words(table: Override) -> Mapping[str, Any]:
    # The manuscript takes every table for that of an account; the grammar will say that these are no words.
    texts = {"text": table.text, "title": table.title, "link": table.link}
    return {**table.options, **{name: text for name, text in texts.items() if text is not None}}


def _out_of_place(file: Manuscript, kind: str, tables: Mapping[str, Any]) -> list[Problem]:
    """Return what stands in a file and makes no sense in this kind of series."""
    said = {name: getattr(file, name) for name in _TIMES}
    wrong = [
        Problem(where=f"front matter {name}", message=_TIMES[name]) for name, value in said.items() if value
    ]
    mend = {"repeat": "`postbell series add`", "recycle": "`postbell series recycle`"}
    for other in tables.keys() - {kind}:
        message = f"this is what {mend[other]} reads; here the rule stands in [{kind}]."
        wrong.append(Problem(where=f"front matter [{other}]", message=message))
    return wrong


def _same_for_all(name: str) -> Problem:
    message = "leave it out: a series has the same times for all of its accounts; or write one for each."
    return Problem(where=f"[{name}] at", message=message)


def _span(text: str | None, meant: timedelta | None) -> timedelta | None:
    """Return a span, none if nothing was said, and nothing at all where it is taken away."""
    return timedelta(0) if text == "" else meant


def _segments(written: Manuscript) -> tuple[str, ...] | None:
    """Return what follows as a thread; a single empty text takes that away."""
    return () if written.segments == ("",) else written.segments or None


def _variants(given: Sequence[str]) -> tuple[str, ...] | None:
    """Return other texts; a single empty one takes them away."""
    return () if tuple(given) == ("",) else tuple(given) or None
