"""`postbell queue`.

With `--json` (post is told in `postbell.shapes`):

    slots             {account, zone, times: [text], days_off: [text], outside: [id]}; without posting times
                      zone is null and the lists are empty; times are lines like "mon-fri 09:00,17:30",
                      days_off like "2026-12-24..2026-12-26"; outside is what is queued at other times
    show              {account, at, local, zone, slot, posts: [post]}, a line for each time; slot is whether
                      it is a posting time, posts is empty where that is free
    reorder, shuffle  {account, moved: [id]}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from postbell.cli.common import SentenceGroup, State, json_option, pass_state
from postbell.shapes.plan import seat_json


if TYPE_CHECKING:
    from postbell.cli.desk import Clocks
    from postbell.domain.weekly import WeeklySlots
    from postbell.services.plan.queueing import Roster, Seat


@click.group(cls=SentenceGroup)
@json_option
def queue() -> None:
    """Give accounts posting times, and look after the posts that take them.

    \b
    Examples:
      postbell queue slots sky "mon-fri 09:00,17:30"
      postbell add "Hello, world" --to sky --queue
      postbell queue show sky
    """  # noqa: D301 - click wants the character


@queue.command()
@click.argument("name")
@click.argument("times", nargs=-1)
@click.option("--tz", metavar="ZONE", help="The time zone of the times, for instance Europe/Berlin.")
@click.option(
    "--off",
    multiple=True,
    metavar="DAYS",
    help="Days without posts: 2026-12-24, or 2026-12-24..2026-12-26; `none` takes them all back.",
)
@click.option("--clear", is_flag=True, help="Take all posting times away.")
@pass_state
def slots(
    state: State, *, name: str, times: Sequence[str], tz: str | None, off: Sequence[str], clear: bool
) -> None:
    """Show or set the weekly posting times of an account.

    TIMES are lines of days and times; they take the place of those that there were. What is not given stays.

    \b
    Example:
      postbell queue slots sky "mon-fri 09:00,17:30" "sat 11:00" --tz Europe/Berlin
    """  # noqa: D301 - click wants the character
    changes = bool(times or tz is not None or off)
    if clear and changes:
        raise click.UsageError("Give either --clear or posting times.")
    office = state.open_office()
    before = office.slots(name)
    if clear or changes:
        wanted = None if clear else _wanted(office, name, before, (times, tz, off))
        office.set_slots(name, wanted)
        state.say(f"Changed the posting times of {name}.")
    _tell_slots(state, office.slots_told(name))


@queue.command()
@click.argument("name", required=False)
@click.option(
    "--count",
    type=click.IntRange(1, 500),
    default=10,
    show_default=True,
    help="How many posting times of each account.",
)
@pass_state
def show(state: State, *, name: str | None, count: int) -> None:
    """Show the next posting times and what is published then.

    Without NAME, those of all accounts.

    \b
    Example:
      postbell queue show sky --count 20
    """  # noqa: D301 - click wants the character
    found = state.open_desk().queue(name, count)
    if state.json:
        for roster in found:
            for seat in roster.seats:
                state.emit(seat_json(roster.account.name, seat))
        return
    rows = [row for roster in found for seat in roster.seats for row in _rows(roster, seat)]
    if rows:
        state.table(["TIME", "ACCOUNT", "ID", "POST"], rows)
    else:
        mend = f'`postbell queue slots {name or "NAME"} "mon-fri 09:00"`'
        state.note(f"there are no posting times yet; set some with {mend}.")
    for roster in found:
        if roster.later:
            posts = "1 post is" if roster.later == 1 else f"{roster.later} posts are"
            state.note(f"{posts} queued for {roster.account.name} after these; see --count.")


@queue.command()
@click.argument("name")
@click.argument("post_ids", metavar="ID...", nargs=-1, required=True)
@pass_state
def reorder(state: State, *, name: str, post_ids: Sequence[str]) -> None:
    """Put these posts first in the queue of an account, in this order.

    The others follow as they did. The posting times stay; the posts change places.

    \b
    Example:
      postbell queue reorder sky k7f2
    """  # noqa: D301 - click wants the character
    _tell_moved(state, name, state.open_office().reorder(name, post_ids))


@queue.command()
@click.argument("name")
@click.option("--seed", type=int, metavar="N", help="The same number always gives the same order.")
@pass_state
def shuffle(state: State, *, name: str, seed: int | None) -> None:
    """Put what is queued for an account in any order.

    \b
    Example:
      postbell queue shuffle sky
    """  # noqa: D301 - click wants the character
    _tell_moved(state, name, state.open_office().shuffle(name, seed))


def _wanted(
    clocks: Clocks,
    name: str,
    before: WeeklySlots | None,
    given: tuple[Sequence[str], str | None, Sequence[str]],
) -> WeeklySlots:
    """Return the posting times as they are asked for; raises Invalid with every problem."""
    from postbell.domain.weekly import WeeklySlots, parse_days_off, parse_weekly
    from postbell.domain.zones import zone_named
    from postbell.errors import Invalid, Problem

    times, tz, off = given
    slots = before or WeeklySlots(zone=clocks.zone.key, times=())
    problems: list[Problem] = []
    try:
        slots = replace(slots, zone=zone_named(tz).key if tz is not None else slots.zone)
    except Invalid as error:
        problems += error.problems
    try:
        slots = replace(slots, times=parse_weekly(times, where="TIMES") if times else slots.times)
    except Invalid as error:
        problems += error.problems
    try:
        days = () if list(off) == ["none"] else parse_days_off(off, where="--off")
        slots = replace(slots, days_off=days if off else slots.days_off)
    except Invalid as error:
        problems += error.problems
    if not problems and not slots.times:
        message = 'it has no posting times yet; give some, for instance "mon-fri 09:00".'
        problems.append(Problem(where="TIMES", account=name, message=message))
    if problems:
        raise Invalid(problems)
    return slots


def _tell_slots(state: State, told: Mapping[str, Any]) -> None:
    name, outside = told["account"], told["outside"]
    if state.json:
        state.emit(told)
        return
    if told["times"]:
        lines = {"times": told["times"], "zone": [told["zone"]], "days off": told["days_off"]}
        state.fields((word, "\n".join(said)) for word, said in lines.items())
    else:
        state.note(
            f'{name} has no posting times; give it some: `postbell queue slots {name} "mon-fri 09:00"`.'
        )
    if outside:
        mend = "`postbell reschedule ID --queue` gives one a posting time."
        state.note(f"queued at other times, which they keep: {', '.join(outside)}; {mend}")


def _tell_moved(state: State, name: str, moved: Sequence[str]) -> None:
    if state.json:
        state.emit({"account": name, "moved": list(moved)})
    elif moved:
        state.say(f"Moved {', '.join(moved)}; see `postbell queue show {name}`.")
    else:
        state.say("Everything is where it was.")


def _rows(roster: Roster, seat: Seat) -> list[list[str]]:
    from postbell.cli.words import first_words
    from postbell.domain.time_words import WEEKDAYS

    day = WEEKDAYS[seat.local.weekday()][:3].title()
    time = f"{day} {seat.local:%Y-%m-%d %H:%M} {seat.zone}"
    first = [time, roster.account.name]
    if not seat.posts:
        return [[*first, "", "(free)"]]
    outside = "" if seat.slot else " (no posting time any more)"
    return [[*first, post.id, f"{first_words(post)}{outside}"] for post in seat.posts]
