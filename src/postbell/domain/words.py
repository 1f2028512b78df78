"""What the user said in words with values, and everything that is wrong with it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from postbell.domain.day_words import shown, whole_number
from postbell.domain.zones import TOO_FAR, YEARS, wall_at, zone_named
from postbell.errors import Invalid, Problem


T = TypeVar("T")
D = TypeVar("D")

_DATE = r"(?a)\d{4}-\d\d-\d\d"
_DATE_TIME = rf"{_DATE}[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:?\d\d)?"


@dataclass(frozen=True, kw_only=True)
class Words:
    """Values by the name of their word; problems are collected, so that the user sees all of them at once."""

    #: By name, for each what the user called it, and its value.
    said: dict[str, tuple[str, Any]]
    problems: list[Problem] = field(default_factory=list)

    def __contains__(self, name: str) -> bool:
        return name in self.said

    def called(self, name: str) -> str:
        """Return what the user called a word."""
        return self.said[name][0] if name in self.said else name

    def note(self, name: str, message: str) -> None:
        """Note what is wrong with a word, by the name that the user gave it."""
        self.problems.append(Problem(where=self.called(name), message=message))

    def read(self, name: str, reader: Callable[[Any], T], default: D) -> T | D:
        """Return what `reader` makes of a word, or `default`; what its ValueError says is noted."""
        if name not in self.said:
            return default
        try:
            return reader(self.said[name][1])
        except ValueError as error:
            for message in error.args:
                self.note(name, message)
            return default

    def zone(self, default: ZoneInfo) -> ZoneInfo:
        """Return the zone that `timezone` names."""
        if "timezone" not in self.said:
            return default
        called, name = self.said["timezone"]
        try:
            return zone_named(str(name).strip(), where=called)
        except Invalid as error:
            self.problems.extend(error.problems)
            return default

    def refuse(self) -> None:
        """Raise Invalid with all that was found to be wrong, if anything was."""
        if self.problems:
            raise Invalid(self.problems)


def gather(words: Mapping[str, Any], names: Mapping[str, tuple[str, ...]]) -> Words:
    """Return what was said, under the names of `names`, which lists for each what else it may be called.

    None and empty lists say nothing. A word may be written like an option: --start-date. Unknown words and
    those said twice are noted.
    """
    known = {alias: name for name, aliases in names.items() for alias in (name, *aliases)}
    found = Words(said={})
    for called, value in words.items():
        if value is None or value in ([], ()):
            continue
        alias = called.lower().removeprefix("--").replace("-", "_")
        name = known.get(alias)
        if name is None:
            near = difflib.get_close_matches(alias, known, n=1, cutoff=0.7)
            mend = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names)}."
            found.problems.append(Problem(where=called, message=f"there is no such word. {mend}"))
        elif name in found.said:
            message = f"this says the same as {found.called(name)}. Give one of them."
            found.problems.append(Problem(where=called, message=message))
        else:
            found.said[name] = (called, value)
    return found


def choice(value: Any, options: Mapping[str, T]) -> T:
    """Return what a word stands for, in any case, singular or plural; raises ValueError if nothing."""
    word = str(value).strip().lower()
    found = options.get(word) or options.get(word.removesuffix("s"))
    if found is None:
        raise ValueError(f"{shown(value)} is none of {', '.join(options)}.")
    return found


def read_count(value: Any, most: int = 100_000) -> int:
    """Return a whole number from 1 to `most`; raises ValueError if it is none."""
    number = whole_number(value)
    if number is None or not 1 <= number <= most:
        raise ValueError(f"{shown(value)} is not a whole number from 1 to {most}.")
    return number


def read_moment(value: Any) -> date | datetime:
    """Return a date, or a date with a time: aware where it has an offset; raises ValueError if it is none."""
    try:
        moment = value if isinstance(value, date) else _moment(str(value).strip())
    except ValueError:
        raise ValueError(
            f"{shown(value)} is not a date like 2026-12-01, nor a time like 2026-12-01 09:00."
        ) from None
    if moment.year not in YEARS:
        raise ValueError(f"{shown(value)} {TOO_FAR}")
    return moment


def read_day(value: Any) -> date:
    """Return a date without a time; raises ValueError if it is none."""
    moment = read_moment(value)
    if isinstance(moment, datetime):
        raise ValueError(f"{shown(value)} has a time of day. Give the day alone.")  # noqa: TRY004
    return moment


def on_wall(moment: date | datetime, zone: ZoneInfo) -> date | datetime:
    """Return what clocks in `zone` show (naive) at a time that has an offset; others as they are."""
    return wall_at(moment, zone) if isinstance(moment, datetime) and moment.tzinfo else moment


def _moment(text: str) -> date | datetime:
    if re.fullmatch(_DATE, text):
        return date.fromisoformat(text)
    if not re.fullmatch(_DATE_TIME, text):
        raise ValueError(text)
    return datetime.fromisoformat(text)
