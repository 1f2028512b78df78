"""When a series comes again: the options that say so, and the words of `domain.repeat_words` behind them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from postbell.errors import Invalid, Problem


if TYPE_CHECKING:
    from postbell.cli.desk import Clocks
    from postbell.domain.recurrence import Recurrence
    from postbell.domain.recycling import Recycling

    Rule = Recurrence | Recycling

Options = tuple[Callable[..., Any], ...]

_TIME = click.option("--time", multiple=True, metavar="HH:MM,…", help="At which times of day: 09:00,17:30.")
_START = click.option("--start", metavar="DATE", help="The first day, also with its time: 2026-12-01 09:00.")
_END = click.option("--end", metavar="DATE", help="The last day on which it may come.")
_COUNT = click.option("--count", metavar="N", help="How often it comes in all.")
_TZ = click.option("--tz", metavar="ZONE", help="The time zone of it all, for instance Europe/Berlin.")
_CALENDAR: Options = (
    click.option("--repeat", metavar="daily|weekly|monthly|yearly", help="How often it comes."),
    click.option("--every", metavar="N", help="Every n-th day, week, month or year."),
    click.option(
        "--on", multiple=True, metavar="DAY,…", help='"mon,thu", "1,15,last" or "2nd tue,last fri".'
    ),
    click.option(
        "--month", multiple=True, metavar="MONTH,…", help="In which months of a year: 6,12 or jun,dec."
    ),
    click.option(
        "--short-month",
        metavar="last|skip",
        help="What becomes of day 31 in shorter months: their last day, or none.",
    ),
    click.option("--cron", metavar="LINE", help='A cron line instead: "0 9 * * 1"; weekdays as in cron.'),
    click.option(
        "--rrule", metavar="RRULE", help='A rule as calendars have it instead: "FREQ=WEEKLY;BYDAY=MO".'
    ),
)
_RECYCLING: Options = (
    click.option(
        "--gap", metavar="SPAN", help='How long it rests before it is used again: "2 weeks", "12 hours".'
    ),
    click.option(
        "--library", metavar="NAME", help="Fills empty posting times, with the others of this name."
    ),
)
_SPAN: Options = (_TIME, _START, _END, _COUNT, _TZ)

#: The options of a rule of the calendar, of one that recycles, and of both.
CALENDAR: Options = (*_CALENDAR, *_SPAN)
RECYCLING: Options = (*_RECYCLING, *_SPAN)
EITHER: Options = (*_CALENDAR, *_RECYCLING, *_SPAN)

#: How the grammar calls what an option says. Those that are not here it knows by the names of the options.
_WORDS = {"every": "interval", "month": "months"}
#: The options by the names of the grammar, for what it says about words that nobody has given.
_OPTIONS = {
    word: option
    for option, words in {
        "--repeat": ("repeat",),
        "--every": ("interval",),
        "--on": ("days", "days_of_week"),
        "--month": ("months",),
        "--short-month": ("short_month",),
        "--cron": ("cron",),
        "--rrule": ("rrule",),
        "--gap": ("gap", "gap_freq"),
        "--library": ("library",),
        "--time": ("times", "time"),
        "--start": ("start_date",),
        "--end": ("end_date", "expire_date"),
        "--count": ("occurrences", "expire_count"),
        "--tz": ("timezone",),
    }.items()
    for word in words
}
_FOREIGN = {
    "repeat": (
        ("gap", "library"),
        "this series comes by the calendar. For a recycled one write a new series.",
    ),
    "recycle": (
        ("repeat", "every", "on", "month", "short_month", "cron", "rrule"),
        "this series comes again after a gap. For one by the calendar write a new series.",
    ),
}
#: How commands call what these options say.
NAMES = tuple(option.removeprefix("--").replace("-", "_") for option in dict.fromkeys(_OPTIONS.values()))

#: A day of the month, in contrast to a weekday: 15, 1st, -1, last, 2nd last.
_MONTH_DAY = re.compile(r"(?a)[+-]?\d+(st|nd|rd|th)?|(\w+ +)?last( day)?")
#: In what the grammar says: an assignment as in a file, and names that no option has.
_ASSIGNED = re.compile(r"\b(gap|months|times?) = ([^.]+)")
_INNER = re.compile(r"--(?:interval|days-of-week|days|months)\b")
_BY_CALENDAR = ("days", "days_of_week", "months", "short_month", "interval")


def taking(options: Options) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a command accept these options."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def said(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given of the options of rules, by name; several values as one with commas."""
    found = {}
    for name, value in given.items():
        if value not in (None, ()):
            found[name] = ",".join(value) if isinstance(value, tuple) else value
    return found


def read_rule(
    ctx: Clocks,
    options: Mapping[str, Any],
    table: Mapping[str, Any] | None,
    *,
    kind: str,
    stored: Rule | None = None,
) -> Rule:
    """Return the rule that options, a table of a file, and, where there is none, the rule until now say.

    `options` is what `said` returns, `kind` is "repeat" or "recycle". Raises Invalid with all that is wrong,
    by the names of the options.
    """
    from postbell.domain.repeat_words import recurrence_from, recycling_from
    from postbell.domain.zones import wall_at, zone_named

    zone = zone_named(stored.zone) if stored else ctx.zone
    words = dict(table) if table is not None else _left(stored, options) if stored else {}
    words |= _words({name: value for name, value in options.items() if value or not stored})
    now = wall_at(ctx.now(), zone)
    try:
        if kind == "recycle":
            return recycling_from(words, zone=zone, now_local=now)
        return recurrence_from(words, zone=zone, today=now.date())
    except Invalid as error:
        raise Invalid(_told(error.problems, kind if table is not None else None)) from None


def foreign(options: Mapping[str, Any], kind: str) -> list[Problem]:
    """Return a problem for each option that belongs to the other kind of rule."""
    others, message = _FOREIGN[kind]
    found = (name for name in others if name in options)
    return [Problem(where=f"--{name.replace('_', '-')}", message=message) for name in found]


def _left(stored: Rule, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the words of a rule that stay as they are beside these options."""
    from postbell.domain.recycling import Recycling
    from postbell.domain.repeat_words import recurrence_words, recycling_words

    if isinstance(stored, Recycling):
        words = recycling_words(stored)
        if "time" in options:
            words["start_date"] = f"{stored.first:%Y-%m-%d}"
        elif ":" not in options.get("start", ":"):
            words["time"] = f"{stored.first:%H:%M}"
    else:
        words = recurrence_words(stored)
    gone = {word for word, option in _OPTIONS.items() if _plain(option) in options} | {"timezone"}
    if "repeat" in options and options["repeat"].strip().lower() != words.get("repeat"):
        gone |= {*_BY_CALENDAR, "cron"}
    if "cron" in options:
        gone |= {*_BY_CALENDAR, "repeat", "times"}
    if "rrule" in options:
        gone |= {*_BY_CALENDAR, "repeat", "cron", "end_date", "occurrences"}
        text = options["rrule"].upper()
        gone |= {"start_date", "times"} if "DTSTART" in text else {"times"} if "BYHOUR" in text else set()
    return {word: value for word, value in words.items() if word not in gone}


def _words(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what options say in the words of the grammar, written like options."""
    words: dict[str, Any] = {}
    for name, value in options.items():
        if name == "on":
            for day in value.split(","):
                of_month = _MONTH_DAY.fullmatch(" ".join(day.lower().split()))
                words.setdefault("--days" if of_month else "--days-of-week", []).append(day)
        else:
            words[f"--{_WORDS.get(name, name).replace('_', '-')}"] = value
    return words


def _told(problems: Iterable[Problem], table: str | None) -> Iterable[Problem]:
    """Return what is wrong by the names of the options, or of the fields of a table, that the user knows."""
    found = []
    for problem in problems:
        word, blank, part = problem.where.partition(" ")
        name = _plain(word)
        if table and not word.startswith("--"):
            where, message = f"front matter [{table}] {word}", problem.message
        else:
            where = _OPTIONS.get(name, f"--{name.replace('_', '-')}")
            message = _ASSIGNED.sub(_as_option, problem.message)
        found.append(Problem(where=f"{where}{blank}{part}", message=_INNER.sub(_outer, message)))
    return dict.fromkeys(found)


def _plain(option: str) -> str:
    return option.removeprefix("--").replace("-", "_")


def _as_option(found: re.Match[str]) -> str:
    value = f'"{found[2]}"' if " " in found[2] else found[2]
    return f"{_OPTIONS[found[1]]} {value}"


def _outer(found: re.Match[str]) -> str:
    return "days of the month" if found[0] == "--days" else _OPTIONS[_plain(found[0])]
