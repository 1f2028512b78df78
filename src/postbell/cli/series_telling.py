"""How series are told to people."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

import click

from postbell.cli.common import State
from postbell.cli.telling import NO_DAEMON
from postbell.cli.words import one_line
from postbell.domain.series import Series
from postbell.domain.states import SeriesState
from postbell.shapes.series import saved_series_json


if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from postbell.cli.desk import Desk
    from postbell.domain.pause import Pause
    from postbell.services.series.series import SavedSeries
    from postbell.services.series.series_view import Upcoming

#: So many of the next posts are told of a series that is written.
NEXT = 5


def tell_saved(state: State, desk: Desk, saved: SavedSeries, *, done: str) -> None:
    """Tell that a series is stored, what it will publish, and what is worth knowing about it."""
    series, found = saved.series, desk.look_ahead(saved.series, NEXT)
    notes = past_notes(series) if series.version == 1 else []
    notes += [*clock_notes(found), *([] if desk.daemon_runs() else [NO_DAEMON])]
    synced = saved.synced
    if state.json:
        _series, pause = desk.load_series(series.id)
        state.emit(saved_series_json(saved, pause, notes))
    elif state.quiet:
        click.echo(series.id)
    else:
        state.say(f"{done} {series.id}: {outlook(series)}.")
        show_upcoming(state, desk.zone, found)
        counts = ((len(synced.changed), "changed"), (len(synced.removed), "removed"), (synced.made, "made"))
        if told := ", ".join(f"{count} {word}" for count, word in counts if count):
            state.say(f"Of its posts to come: {told}.")
    for text in [*notes, *map(str, saved.warnings)]:
        state.note(text)


def outlook(series: Series) -> str:
    """Return what a series does, and for whom: `every day at 09:00 Europe/Berlin, …, to sky`."""
    from postbell.domain.rule_text import rule_text

    return f"{rule_text(series.rule)}, to {', '.join(series.to)}"


def show_upcoming(state: State, zone: ZoneInfo, found: Sequence[Upcoming]) -> None:
    """Print a table of the next posts of a series."""
    rows = [[_time(each, zone), *_post_of(each), one_line(each.content.text, 60)] for each in found]
    if rows:
        state.table(["TIME", "POST", "STATE", "TEXT"], rows)


def clock_notes(found: Iterable[Upcoming]) -> list[str]:
    """Return what the changes of the clocks make of the next posts, a sentence each."""
    return [f"{each.local.date()}: {each.note}." for each in found if each.note]


def past_notes(series: Series) -> list[str]:
    """Return a sentence if some of a limited number of times were past when a series was written."""
    if not series.rule.count:
        return []
    past = sum(1 for _ in takewhile(lambda each: each.at <= series.created_at, series.rule.occurrences()))
    if not past:
        return []
    are = "is past already, and counts" if past == 1 else "are past already, and count"
    return [f"{past} of its {series.rule.count} times {are}; --start says another beginning."]


def condition(series: Series, pause: Pause | None, zone: ZoneInfo) -> str:
    """Return whether a series publishes: active, paused, ended."""
    if series.state is SeriesState.ENDED or pause is None:
        return str(series.state)
    return f"paused until {_clock(pause.until, zone)}" if pause.until else "paused"


def _time(each: Upcoming, zone: ZoneInfo) -> str:
    other = f" {each.zone}" if each.zone != zone.key else ""
    return f"{each.local:%a %Y-%m-%d %H:%M}{other}"


def _post_of(each: Upcoming) -> tuple[str, str]:
    """Return the id of a post and what became of it."""
    if each.post is None:
        return "", "not made yet"
    state = str(each.post.outcome or each.post.state)
    return each.post.id, f"{state}, changed by hand" if each.post.touched else state


def _clock(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
