"""`postbell next`, `agenda` and `month`: what will be published when.

With `--json` each prints a line for each delivery, in the order of time:

    coming  {at, local, zone, account, network, post, series, outcome, draft, held, text}; post is null where
            a series will make it later; held says what will hold it back then
"""

from __future__ import annotations

import calendar
import re
import shutil
from collections import defaultdict
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

import click

from postbell.cli.common import State, pass_state
from postbell.cli.times import beginning, day_or_instant
from postbell.cli.words import one_line, printable
from postbell.domain.zones import wall_at, wall_to_instant
from postbell.errors import Invalid, Problem
from postbell.shapes.plan import coming_json


if TYPE_CHECKING:
    from postbell.cli.desk import Desk
    from postbell.services.plan.projection import Coming

#: Narrower cells would hold no time and name.
_NARROWEST = 11
_MOST_IN_CELL = 4
#: Nothing was published before.
_EARLIEST = 1970


@click.command("next")
@click.option(
    "--count", type=click.IntRange(1, 10_000), default=10, show_default=True, help="How many, at most."
)
@click.option("--until", metavar="WHEN", help="Only those before WHEN; a day means its beginning.")
@pass_state
def next_(state: State, *, count: int, until: str | None) -> None:
    """List what will be published next, also what series have not made yet; nothing is stored.

    What is overdue comes first. What is too late to be published at all, `postbell rehearse` tells.

    \b
    Example:
      postbell next --count 20
    """  # noqa: D301 - click wants the character
    desk = state.open_desk()
    found = desk.upcoming(count=count, until=day_or_instant(desk, until, "--until"))
    if state.json:
        _emit(state, desk, found)
    elif found:
        headers = ["TIME", "ACCOUNT", "POST", "SERIES", "TEXT"]
        state.table(headers, [_row(desk, each) for each in found])
    else:
        state.note("nothing will be published.")


@click.command()
@click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True, help="How many days.")
@click.option("--from", "start", metavar="DAY", default="today", show_default=True, help="The first day.")
@pass_state
def agenda(state: State, *, days: int, start: str) -> None:
    """Show day by day what was and what will be published, and dated drafts.

    \b
    Example:
      postbell agenda --days 14
    """  # noqa: D301 - click wants the character
    desk = state.open_desk()
    first = wall_at(beginning(desk, start, "--from"), desk.zone).date()
    _require_near(desk, first, "--from")
    found = desk.between(_begin(desk, first), _begin(desk, first + timedelta(days=days)))
    if state.json:
        _emit(state, desk, found)
        return
    by_day = _by_day(desk, found)
    for day in sorted(by_day):
        click.echo(f"{day:%A}, {day.day} {day:%B %Y}")
        for each in by_day[day]:
            click.echo(f"  {printable(_line(desk, each))}")
    if not found:
        state.note("there is nothing in these days.")


@click.command()
@click.argument("which", metavar="[YYYY-MM]", required=False)
@pass_state
def month(state: State, *, which: str | None) -> None:
    """Show a month as a grid of days: what was and what will be published on each.

    \b
    Example:
      postbell month 2026-12
    """  # noqa: D301 - click wants the character
    desk = state.open_desk()
    first = _first_of_month(desk, which)
    _require_near(desk, first, "month")
    last = date(first.year, first.month, calendar.monthrange(first.year, first.month)[1])
    found = desk.between(_begin(desk, first), _begin(desk, last + timedelta(days=1)))
    if state.json:
        _emit(state, desk, found)
        return
    click.echo(f"{first:%B %Y}")
    for line in _grid(first, _by_day(desk, found), desk, shutil.get_terminal_size((100, 24)).columns):
        click.echo(printable(line))


def _begin(desk: Desk, day: date) -> datetime:
    """Return the instant at which a day begins in the user's zone."""
    return wall_to_instant(datetime.combine(day, time.min), desk.zone)[0]


def _require_near(desk: Desk, first: date, where: str) -> None:
    """Raise Invalid about `where` for days so far away that nothing is known of them, or nothing can be."""
    from postbell.services.plan.forecast import LONGEST

    today = wall_at(desk.now(), desk.zone).date()
    if first > today + LONGEST or first.year < _EARLIEST:
        message = f"{first} is too far away; the future is known for {LONGEST.days} days."
        raise Invalid([Problem(where=where, message=message)])


def _first_of_month(desk: Desk, which: str | None) -> date:
    if which is None:
        return wall_at(desk.now(), desk.zone).date().replace(day=1)
    if re.fullmatch(r"(?a)[1-9]\d{3}-(0[1-9]|1[0-2])", which):
        return date.fromisoformat(f"{which}-01")
    raise Invalid([Problem(where="month", message=f'"{which}" is no month; write it like 2026-12.')])


def _by_day(desk: Desk, found: list[Coming]) -> defaultdict[date, list[Coming]]:
    by_day: defaultdict[date, list[Coming]] = defaultdict(list)
    for each in found:
        by_day[_local(desk, each).date()].append(each)
    return by_day


def _grid(first: date, by_day: defaultdict[date, list[Coming]], desk: Desk, width: int) -> list[str]:
    """Return the lines of a month, a week after the other, each day as a column."""
    cell = max(_NARROWEST, (width - 6) // 7)
    lines = ["|".join(f"{name:<{cell}}" for name in calendar.day_abbr)]
    for week in calendar.Calendar().monthdatescalendar(first.year, first.month):
        columns = [_cell(day, by_day[day], desk) if day.month == first.month else [] for day in week]
        height = max(map(len, columns))
        lines.append("+".join(["-" * cell] * 7))
        for row in range(height):
            cells = (column[row] if row < len(column) else "" for column in columns)
            lines.append("|".join(f"{one_line(text, cell):<{cell}}" for text in cells).rstrip())
    return lines


def _cell(day: date, found: list[Coming], desk: Desk) -> list[str]:
    shown = found if len(found) <= _MOST_IN_CELL else found[: _MOST_IN_CELL - 1]
    lines = [f"{_local(desk, each):%H:%M} {each.account or 'draft'}" for each in shown]
    more = len(found) - len(shown)
    return [str(day.day), *lines, *([f"and {more} more"] if more else [])]


def _local(desk: Desk, each: Coming) -> datetime:
    return wall_at(each.at, desk.zone)


def _words(each: Coming, most: int) -> str:
    content = each.content
    names = (item.name for item in content.media)
    said = (content.title, content.text, content.link, *names)
    return one_line(next((text for text in said if text), ""), most)


def _row(desk: Desk, each: Coming) -> list[str]:
    late = "overdue" if each.at < desk.now() else None
    notes = ", ".join(filter(None, (late, each.held)))
    return [
        f"{_local(desk, each):%a %Y-%m-%d %H:%M}",
        each.account,
        each.post_id or "not made yet",
        each.series_id or "",
        _words(each, 40) + (f" ({notes})" if notes else ""),
    ]


def _line(desk: Desk, each: Coming) -> str:
    state = "draft" if each.draft else each.outcome
    notes = [str(state)] if state else []
    notes += [each.held] if each.held else []
    told = f" [{', '.join(notes)}]" if notes else ""
    name = each.post_id or f"series {each.series_id}"
    return f"{_local(desk, each):%H:%M}  {each.account}  {name}  {_words(each, 50)}{told}"


def _emit(state: State, desk: Desk, found: list[Coming]) -> None:
    for each in found:
        state.emit(coming_json(each, desk.zone))
