"""`postbell series add`, `recycle` and `edit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from postbell.cli.common import State, pass_state
from postbell.cli.series_given import GivenSeries, content_options, read_series
from postbell.cli.series_rules import CALENDAR, EITHER, RECYCLING, taking
from postbell.cli.series_telling import (
    NEXT,
    clock_notes,
    outlook,
    past_notes,
    show_upcoming,
    tell_saved,
)
from postbell.cli.telling import FILES_LEFT
from postbell.shapes.base import problems_json
from postbell.shapes.series import series_json, upcoming_json


if TYPE_CHECKING:
    from postbell.cli.workshop import Workshop

_SOURCE = click.argument("source", metavar="[TEXT|FILE.md|-]", required=False)
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Show what it would publish; store nothing.")


@click.command(params=content_options())
@_SOURCE
@taking(CALENDAR)
@_DRY_RUN
@pass_state
def add(state: State, /, *, source: str | None, dry_run: bool, **given: Any) -> None:
    """Publish something again and again, on days and at times of the calendar.

    The rule is said by --repeat and what goes with it, by --cron or by --rrule; it may stand in a Markdown
    file, as a table [repeat] of the front matter. A text may hold choices, {one|two|{three|four}}: none comes
    again until all were used. A time that a change of the clocks leaves out moves forward; of one that comes
    twice the first counts.

    \b
    Example:
      postbell series add "Good {day|night}" --to sky --repeat weekly --on mon --time 9am --start 2099-01-01
    """  # noqa: D301 - click wants the character
    workshop = state.open_workshop()
    _store(state, workshop, read_series(workshop, source, given, kind="repeat"), dry_run=dry_run)


@click.command(params=content_options())
@_SOURCE
@taking(RECYCLING)
@_DRY_RUN
@pass_state
def recycle(state: State, /, *, source: str | None, dry_run: bool, **given: Any) -> None:
    """Publish something again after a gap, or whenever a posting time stays empty.

    By itself it keeps times of its own, from --start on. With --library it waits, with the other pieces of
    that name, for an empty posting time of its accounts (`postbell queue`): the one that was not used for the
    longest is taken. In a Markdown file the table of the front matter is called [recycle].

    \b
    Example:
      postbell series recycle "Did you know?" --to sky --gap "2 weeks" --start "2099-01-01 09:00" --count 5
    """  # noqa: D301 - click wants the character
    workshop = state.open_workshop()
    _store(state, workshop, read_series(workshop, source, given, kind="recycle"), dry_run=dry_run)


@click.command(params=content_options())
@click.argument("series_id", metavar="ID")
@_SOURCE
@taking(EITHER)
@click.option("--no-media", is_flag=True, help="Take all pictures and videos away.")
@pass_state
def edit(state: State, /, *, series_id: str, source: str | None, no_media: bool, **given: Any) -> None:
    """Change what a series says, for whom, and when it comes again.

    What is given takes the place of what was there, the rest stays; "" takes a thing away. Posts to come
    follow, but for those that were changed by hand. A table in a file is the whole rule.

    \b
    Example:
      postbell series edit k7m2 --time 10:30 --end 2099-12-31
    """  # noqa: D301 - click wants the character
    from postbell.domain.recycling import Recycling

    if no_media and given["media"]:
        raise click.UsageError("--no-media and --media exclude each other.")
    if not (source or no_media or any(value not in (None, ()) for value in given.values())):
        raise click.UsageError("Say what to change of it.")
    workshop = state.open_workshop()
    series, _pause = workshop.load_series(series_id)
    kind = "recycle" if isinstance(series.rule, Recycling) else "repeat"
    said = read_series(workshop, source, given, kind=kind, stored=series)
    saved = workshop.edit_series(series, said.changes(no_media=no_media))
    tell_saved(state, workshop, saved, done="Changed")


def _store(state: State, workshop: Workshop, given: GivenSeries, *, dry_run: bool) -> None:
    if dry_run:
        _preview(state, workshop, given)
    else:
        tell_saved(state, workshop, workshop.add_series(given.wanted()), done="Saved")


def _preview(state: State, workshop: Workshop, given: GivenSeries) -> None:
    """Show what a series would publish."""
    from postbell.domain.variants import count

    series, found, problems = workshop.preview_series(given.wanted(), NEXT)
    if state.json:
        shown = series_json(series, None) | {"id": None}
        upcoming = [upcoming_json(each) for each in found]
        state.emit({**shown, "next": upcoming, "problems": problems_json(problems)})
        return
    said = outlook(series)
    state.say(f"{said[0].upper()}{said[1:]}.")
    show_upcoming(state, workshop.zone, found)
    for text in [*past_notes(series), *clock_notes(found), *map(str, problems)]:
        state.note(text)
    if count([series.content.text, *series.variants]) > 1:
        state.note("with which of its texts it begins is settled when it is stored.")
    state.say("Nothing was stored.")
    if workshop.left:
        state.note(FILES_LEFT)
