"""`postbell series`.

With `--json`:

    add, recycle, edit   series with {posts: {changed: [id], removed: [id], made}, notes: [text], problems:
                         [problem]}: what became of its posts to come, and what is worth knowing
    add --dry-run        series, without an id, with {next: [upcoming], problems}
    list                 series with {next_at}, a line for each: when its next post is due
    show                 series with {next: [upcoming]}
    end                  series with {cancelled: count}
    delete               {id, removed: count, kept: count}; how many of its posts went with it, and stay
    rrule                {id, rrule}

    series    {id, state, paused: {since, until} | null, rule, library, to: [name], text, segments: [text],
              comment, variants: [text], title, link, media: [media], overrides, labels: [text],
              late_limit_seconds, delete_after_seconds, made, created_at, updated_at, version}; state is
              active or ended, made is how many posts it has made
    rule      {kind, words: {word: value}, says, rrule}; kind is recurrence or recycling, the words are those
              of `postbell.domain.repeat_words`, rrule is null where an RRULE cannot say it
    upcoming  {at, local, zone, slot, note, post, state, touched, text}; slot names the time for which it is,
              post and state are null where it is not made yet, touched says that it was changed by hand, note
              what the clocks do to it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from postbell.cli.common import SentenceGroup, State, pass_state
from postbell.cli.series_add import add, edit, recycle
from postbell.cli.series_telling import clock_notes, condition, show_upcoming
from postbell.cli.words import one_line
from postbell.domain.series import Series
from postbell.domain.spans import span_text
from postbell.shapes.base import stamp
from postbell.shapes.series import require_rrule, series_json, upcoming_json


if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo


@click.group(cls=SentenceGroup)
def series() -> None:
    """Write what is published again and again.

    Every occurrence becomes an ordinary post, which can be edited, moved or, with `postbell cancel`, skipped
    alone. `postbell pause --series ID` holds a series back.

    \b
    Example:
      postbell series add "Good morning" --to sky --repeat daily --time 07:30 --start 2099-01-01
    """  # noqa: D301 - click wants the character


series.add_command(add)
series.add_command(recycle)


@series.command("list")
@click.option("--all", "all_", is_flag=True, help="Also those that have ended.")
@pass_state
def list_(state: State, *, all_: bool) -> None:
    """List the series, the oldest first.

    \b
    Example:
      postbell series list --all
    """  # noqa: D301 - click wants the character
    desk = state.open_desk()
    found = desk.list_series(ended=all_)
    if state.json:
        for each, pause, next_at in found:
            state.emit({**series_json(each, pause), "next_at": stamp(next_at)})
    elif found:
        zone = desk.zone
        rows = [_row(each, condition(each, pause, zone), next_at, zone) for each, pause, next_at in found]
        state.table(["ID", "STATE", "TO", "NEXT", "RULE", "TEXT"], rows)
    else:
        state.note("there are no series; write one with `postbell series add`.")


@series.command()
@click.argument("series_id", metavar="ID")
@click.option(
    "--count", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many of its next posts."
)
@pass_state
def show(state: State, *, series_id: str, count: int) -> None:
    """Show a series: its rule, its texts, and its next posts.

    \b
    Example:
      postbell series show k7m2 --count 20
    """  # noqa: D301 - click wants the character
    desk = state.open_desk()
    found, pause = desk.load_series(series_id)
    upcoming = desk.look_ahead(found, count)
    if state.json:
        shown = series_json(found, pause)
        state.emit({**shown, "next": [upcoming_json(each) for each in upcoming]})
        return
    state.fields(_fields(found, condition(found, pause, desk.zone)))
    if upcoming:
        state.say("")
        show_upcoming(state, desk.zone, upcoming)
    for text in clock_notes(upcoming):
        state.note(text)


series.add_command(edit)


@series.command()
@click.argument("series_id", metavar="ID")
@click.option("--all", "all_", is_flag=True, help="Cancel also the posts that were changed by hand.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask first.")
@pass_state
def end(state: State, *, series_id: str, all_: bool, yes: bool) -> None:
    """End a series for good, and cancel its posts to come.

    Posts that were changed by hand stay. What it has published stays in any case.

    \b
    Example:
      postbell series end k7m2 --yes
    """  # noqa: D301 - click wants the character
    office = state.open_office()
    found, _pause = office.load_series(series_id)
    if not yes:
        state.confirm(f"End the series {found.id} for good, and cancel its posts to come?")
    ended, count = office.end_series(found, touched=all_)
    if state.json:
        state.emit({**series_json(ended, None), "cancelled": count})
    state.say(f"Ended {found.id}; {count} {'post' if count == 1 else 'posts'} to come cancelled.")


@series.command()
@click.argument("series_id", metavar="ID")
@click.option("--all", "all_", is_flag=True, help="Remove also the posts that were changed by hand.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask first.")
@pass_state
def delete(state: State, *, series_id: str, all_: bool, yes: bool) -> None:
    """Remove a series for good, with its posts to come.

    What it has published or cancelled stays, and so do posts that were changed by hand; they are posts like
    all others then. `postbell series end` keeps the series, and that they are of it.

    \b
    Example:
      postbell series delete k7m2 --yes
    """  # noqa: D301 - click wants the character
    office = state.open_office()
    found, _pause = office.load_series(series_id)
    if not yes:
        state.confirm(f"Remove the series {found.id} for good, with its posts to come?")
    removed, kept = office.delete_series(found, touched=all_)
    if state.json:
        state.emit({"id": found.id, "removed": removed, "kept": kept})
    stays = f" {kept} {'stays' if kept == 1 else 'stay'}, as posts like others." if kept else ""
    went = f"{removed} {'post' if removed == 1 else 'posts'} to come went with it"
    state.say(f"Deleted series {found.id}; {went}.{stays}")


@series.command()
@click.argument("series_id", metavar="ID")
@pass_state
def rrule(state: State, *, series_id: str) -> None:
    """Print the rule of a series as calendars read it, RRULE (RFC 5545).

    Exits with 4 and the reason if an RRULE cannot say it.

    \b
    Example:
      postbell series rrule k7m2
    """  # noqa: D301 - click wants the character
    found, _pause = state.open_desk().load_series(series_id)
    text = require_rrule(found)
    if state.json:
        state.emit({"id": found.id, "rrule": text})
    else:
        click.echo(text)


def _row(each: Series, condition: str, next_at: datetime | None, zone: ZoneInfo) -> list[str]:
    from postbell.domain.rule_text import rule_text

    shown = f"{next_at.astimezone(zone):%Y-%m-%d %H:%M}" if next_at else ""
    text = each.content.text or next(iter(each.variants), each.content.title or "")
    return [each.id, condition, ",".join(each.to), shown, rule_text(each.rule), one_line(text, 40)]


def _fields(found: Series, condition: str) -> list[tuple[str, str | None]]:
    from postbell.domain.rule_text import rule_text

    content = found.content
    said = [(f"[{key}] text", override.text) for key, override in found.overrides.items()]
    media = [f"{item.name}: {item.alt}" if item.alt else item.name for item in content.media]
    return [
        ("id", found.id),
        ("state", condition),
        ("rule", rule_text(found.rule)),
        ("to", ", ".join(found.to)),
        ("text", content.text),
        *((f"variant {number}", text) for number, text in enumerate(found.variants, 1)),
        *((f"part {number}", text) for number, text in enumerate(content.segments, 2)),
        ("comment", content.comment.text if content.comment else None),
        *said,
        ("title", content.title),
        ("link", content.link),
        ("media", "\n".join(media)),
        ("labels", ", ".join(found.labels)),
        ("late limit", span_text(found.late_limit) if found.late_limit else None),
        ("deleted after", span_text(found.delete_after) if found.delete_after else None),
        ("made", f"{found.made} {'post' if found.made == 1 else 'posts'}"),
    ]
